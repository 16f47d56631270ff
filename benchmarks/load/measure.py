"""``python -m benchmarks load``: twenty sessions while two jobs run, a leak, a cache of months.

``sessions``: the app in a process of its own; most sessions speak its protocol over WebSockets
(:mod:`benchmarks.load.client`), a few are pages in Chromium. Two trainings compute meanwhile, each
in a cache of its own since a device does one job at a time; a third waits. An interaction counts
from its sending until the page, or the fragment that it stands in, is whole.

``leak``: a page is opened in a tab of its own and closed, over and over; memory of the app after
each fifty, once the app has forgotten closed tabs.

``full``: pages that list what is there, with hundreds of matrices and runs.
"""

import argparse
import asyncio
import contextlib
import json
import os
import platform
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import psutil

from benchmarks.load import contents, visitors
from benchmarks.load.client import open_session
from taskviz.cache import Cache
from taskviz.jobs import JobStore, start_job
from taskviz.ui.pages import PAGES as ENTRIES

PAGES = ("", *(entry.name for entry in ENTRIES if entry.name != "collection"))
FORGETS_AFTER = 120.0
"""Seconds for which Streamlit keeps the session of a closed tab, in case it comes back."""
COMPUTING = {"epochs": 100_000, "patience": 0, "width": 128}


@contextlib.contextmanager
def app(cache: Path) -> Iterator[Any]:
    """The app by its own command; at the end its log must not speak of an exception."""
    from tests.browser.app_process import start_app, stop_app

    running = start_app(cache)
    try:
        yield running
    finally:
        stop_app(running)
    log = (cache.parent / f"{cache.name}-app.log").read_text()
    if "Traceback" in log:
        raise RuntimeError(f"The app logged an exception:\n{log[-3000:]}")


def megabytes(process: int) -> float:
    """Resident memory of a process."""
    return float(psutil.Process(process).memory_info().rss / 1e6)


@contextlib.contextmanager
def two_jobs(cache: Cache, plan: Any) -> Iterator[list[int]]:
    """Two trainings that compute until the end, and a third that waits; process numbers."""
    spec = contents.training_spec(plan, **COMPUTING)
    stores = [JobStore(cache), JobStore(cache.root.parent / "another"), JobStore(cache)]
    jobs = [start_job("training", spec, store=store) for store in stores]
    work = list(zip(stores, jobs, strict=True))[:2]
    try:
        end = time.monotonic() + 240
        while not all(store.metrics(job.id) for store, job in work):
            if time.monotonic() > end:
                raise RuntimeError("The jobs do not run.")
            time.sleep(0.2)
        yield [int(store.get(job.id).pid or 0) for store, job in work]
        if not all(store.get(job.id).state == "running" for store, job in work):
            raise RuntimeError("A job ended before the measurement did.")
    finally:
        for store, job in zip(stores, jobs, strict=True):
            process = store.identity(job.id)
            if process is not None:
                process.kill(job.id)


class Watch:
    """Looks at the memory of a process twice a second."""

    def __init__(self, process: int) -> None:
        self.seen: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, args=(process,), daemon=True)
        self._thread.start()

    def _look(self, process: int) -> None:
        while not self._over.wait(0.5):
            with contextlib.suppress(psutil.Error):
                self.seen.append(megabytes(process))

    def stop(self) -> list[float]:
        """All figures so far."""
        self._over.set()
        self._thread.join()
        return self.seen


def in_browsers(url: str, query: str, tabs: int, seconds: float, pause: float) -> dict[str, Any]:
    """Contexts of Chromium that go from page to page; seconds until the page stands."""
    from tests.chromium import chromium

    found: list[float] = []
    errors: list[str] = []
    names = [entry for entry in ENTRIES if entry.name != "collection"]
    with chromium() as browser:
        pages = []
        for _ in range(tabs):
            page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
            page.set_default_timeout(120_000)
            page.on("pageerror", lambda error: errors.append(str(error)[:300]))
            page.goto(f"{url}/affinity?{query}", wait_until="commit")
            pages.append(page)
        end, turn = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            page = pages[turn % tabs]
            entry = names[(turn // tabs + turn) % len(names)]
            link = page.get_by_role("link", name=entry.title, exact=True).first
            link.wait_for(timeout=120_000)
            start = time.perf_counter()
            link.click(timeout=120_000)
            page.get_by_role("heading", name=entry.title, level=1).wait_for(timeout=120_000)
            page.wait_for_function(
                "() => document.querySelector('[data-testid=\"stApp\"]')"
                "?.getAttribute('data-test-script-state') === 'notRunning'",
                timeout=120_000,
            )
            found.append(time.perf_counter() - start)
            shown = page.locator('[data-testid="stException"], [data-testid="stAlertContentError"]')
            errors += [text[:300] for text in shown.all_inner_texts()]
            time.sleep(pause / tabs)
            turn += 1
    return {"tabs": tabs, "moves": len(found), "seconds": summary(found), "errors": errors}


def summary(seconds: Sequence[float]) -> dict[str, float]:
    """Median, 90 % quantile, most."""
    if len(seconds) < 2:
        return {"median": round(sum(seconds), 3)}
    return {
        "median": round(median(seconds), 3),
        "quantile_90": round(quantiles(seconds, n=10)[-1], 3),
        "most": round(max(seconds), 3),
    }


def sessions(count: int, browsers: int, seconds: float, pause: float) -> dict[str, Any]:
    """So many sessions, ``browsers`` of them in Chromium, while two jobs compute."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Cache(Path(folder) / "cache")
        filled = contents.fill(cache)
        with app(cache.root) as running, two_jobs(cache, filled.plan) as workers:
            # Once through all pages: what is computed once for everybody.
            asyncio.run(visitors.load_pages(running.url, filled.query, len(PAGES), PAGES, 1))
            before, watch = megabytes(running.process.pid), Watch(running.process.pid)
            clock = [psutil.Process(process).cpu_times() for process in workers]
            real: dict[str, Any] = {}
            beside = None
            if browsers:
                beside = threading.Thread(
                    target=lambda: real.update(
                        in_browsers(running.url, filled.query, browsers, seconds, pause)
                    )
                )
                beside.start()
            visits = asyncio.run(
                visitors.all_at_once(
                    running.url, filled.query, count - browsers, seconds, pause, PAGES
                )
            )
            if beside is not None:
                beside.join()
                if not real:
                    raise RuntimeError("The sessions in Chromium failed.")
            after = [psutil.Process(process).cpu_times() for process in workers]
            seen = watch.stop()
    done = [step for visit in visits for step in visit.done]
    by_page = {
        page or "collection": summary([step.seconds for step in done if step.page == page])
        for page in PAGES
        if any(step.page == page for step in done)
    }
    return {
        "sessions": count,
        "seconds": seconds,
        "pause": pause,
        "interactions": len(done),
        "seconds_an_interaction": summary([step.seconds for step in done]),
        "by_page": by_page,
        "slowest": [
            f"{step.page or 'collection'}: {step.what}: {step.seconds:.2f} s"
            for step in sorted(done, key=lambda step: -step.seconds)[:8]
        ],
        "polls": sum(visit.polls for visit in visits),
        "megabytes_sent": round(sum(visit.received for visit in visits) / 1e6, 1),
        "browsers": real,
        "errors": [error for visit in visits for error in visit.errors] + real.get("errors", []),
        "memory_before_mb": round(before),
        "memory_most_mb": round(max(seen)),
        "memory_a_session_mb": round((max(seen) - before) / count, 1),
        "processor_seconds_of_the_jobs": [
            round(b.user + b.system - a.user - a.system, 1)
            for a, b in zip(clock, after, strict=True)
        ],
    }


def leak(loads: int, every: int, wait: float) -> dict[str, Any]:
    """Memory of the app after each ``every`` page loads, all tabs closed and forgotten."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Cache(Path(folder) / "cache")
        query = contents.fill(cache).query
        with app(cache.root) as running:
            errors: list[str] = []
            seen = []
            asyncio.run(visitors.load_pages(running.url, query, 2 * len(PAGES), PAGES))
            for done in range(0, loads + 1, every):
                if done:
                    found = asyncio.run(visitors.load_pages(running.url, query, every, PAGES))
                    errors += [error for _, _, said in found for error in said]
                time.sleep(wait)
                # Streamlit drops what has expired when the next tab is closed.
                asyncio.run(visitors.load_pages(running.url, query, 1, ("jobs",)))
                seen.append({"loads": done, "memory_mb": round(megabytes(running.process.pid), 1)})
    return {"after": seen, "errors": errors, "seconds_waited_each": wait}


def full(matrices: int, runs: int, repeats: int) -> dict[str, Any]:
    """Seconds to open each page by a link, with so many matrices and runs in the cache."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Cache(Path(folder) / "cache")
        filled, seconds = contents.fill_for_months(cache, matrices, runs)
        with app(cache.root) as running:
            first = asyncio.run(
                visitors.load_pages(running.url, filled.query, len(PAGES), PAGES, 1)
            )
            found = asyncio.run(
                visitors.load_pages(running.url, filled.query, repeats * len(PAGES), PAGES, 1)
            )
            moved = asyncio.run(_choose_matrices(running.url, filled.query, repeats))
            memory = megabytes(running.process.pid)
    pages = {
        page or "collection": {
            "first": round(next(s for name, s, _ in first if name == page), 3),
            **summary([s for name, s, _ in found if name == page]),
        }
        for page in PAGES
    }
    return {
        "matrices": matrices,
        "runs": runs,
        "seconds_to_fill": round(seconds, 1),
        "pages": pages,
        "another_matrix": summary(moved),
        "errors": [error for _, _, said in [*first, *found] for error in said],
        "memory_mb": round(memory),
    }


async def _choose_matrices(url: str, query: str, repeats: int) -> list[float]:
    """Seconds to take another matrix out of the long list on the Affinity page."""
    async with open_session(url, query) as session:
        await session.open("affinity")
        found = []
        for number in range(repeats):
            widget = session.find("Matrix shown")
            options = list(session.widgets[widget].proto.options)
            found.append(await session.change(widget, options[(97 * number + 31) % len(options)]))
        return found


def main(words: list[str]) -> None:
    """Parse, run, print, write."""
    from benchmarks.__main__ import lines

    parser = argparse.ArgumentParser(prog="python -m benchmarks load", description=__doc__)
    parts = ("sessions", "leak", "full")
    parser.add_argument("--parts", nargs="+", choices=parts, default=list(parts))
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--browsers", type=int, default=3, help="sessions that are in Chromium")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--pause", type=float, default=8, help="seconds between two actions")
    parser.add_argument("--loads", type=int, default=200)
    parser.add_argument("--matrices", type=int, default=500)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--remark", default="", help="kept with the figures: what else ran")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/load.json"))
    given = parser.parse_args(words)
    found: dict[str, Any] = json.loads(given.json.read_text()) if given.json.exists() else {}
    about = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "remark": given.remark,
    }
    if "sessions" in given.parts:
        found["sessions"] = about | sessions(
            given.sessions, given.browsers, given.seconds, given.pause
        )
    if "leak" in given.parts:
        found["leak"] = about | leak(given.loads, max(given.loads // 4, 1), FORGETS_AFTER + 5)
    if "full" in given.parts:
        found["full"] = about | full(given.matrices, given.runs, 5)
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(found, indent=2) + "\n")
    print("\n".join(lines(found)))
    print(f"written to {given.json}")
