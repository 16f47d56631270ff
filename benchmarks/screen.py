"""What people wait for at the screen: milliseconds in Chromium, read off the browser's clock.

    python -m benchmarks screen [--quick]

``start``: from the command that starts the app to its first page, whole, in a browser that is open.
``pages``: from the click on a page's name to that page, whole: no script runs, and every chart on
it is drawn. ``first`` is the first visit of a session, ``again`` later ones. 30 tasks.
``controls``: from a key or click on a slider, choice or tick to the whole page.
``many``: the Affinity page with a stored matrix of 500 tasks, by a click, in an app that has just
been started; three times.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.load.measure import app
from benchmarks.slider import planted
from taskviz.cache import Cache, key_of
from taskviz.ui.pages import PAGES

MUST = {"start": 3000.0, "page": 700.0, "control": 300.0, "many": 3000.0}
SETTLING = 400
"""Milliseconds of rest between two measurements."""
NO_RUN = 1500
"""Milliseconds within which a control has to have set something going."""

# Read in every frame: what a frame shows is on the screen at its end.
READY = """
  const app = () => document.querySelector('[data-testid="stApp"]')
  const idle = () => app()?.getAttribute('data-test-script-state') === 'notRunning'
  const drawn = () => [...document.querySelectorAll('[data-testid="stPlotlyChart"]')]
    .filter(chart => chart.getClientRects().length)
    .every(chart => chart.querySelector('.main-svg'))
  const heading = () => document.querySelector('h1')?.textContent.trim()
"""
GO = (
    """([link, title]) => {"""
    + READY
    + """
  const pressed = performance.now()
  link.click()
  return new Promise((resolve, reject) => {
    const look = () => {
      const now = performance.now()
      if (now - pressed > 60000) return reject(new Error(`${title} never stood`))
      heading() === title && idle() && drawn() ? resolve(now - pressed)
        : requestAnimationFrame(look)
    }
    requestAnimationFrame(look)
  })
}"""
)
ANSWER = (
    """([noRun]) => {"""
    + READY
    + """
  const pressed = performance.now()
  let ran = false
  return new Promise((resolve, reject) => {
    const look = () => {
      const now = performance.now()
      if (!idle()) ran = true
      if (!ran && now - pressed > noRun) return resolve(null)
      if (now - pressed > 60000) return reject(new Error('no answer'))
      ran && idle() && drawn() ? resolve(now - pressed) : requestAnimationFrame(look)
    }
    requestAnimationFrame(look)
  })
}"""
)

NAME = """control => (control.getAttribute('aria-label') || control.textContent
  || control.closest('label')?.textContent || '').trim().slice(0, 40)"""


def table(folder: Path, tasks: int, rows: int) -> Path:
    """Rows of noise with so many labels."""
    path, rng = folder / f"tasks-{tasks}.npz", np.random.default_rng(0)
    labels = (rng.random((rows, tasks)) < 0.5).astype(np.uint8)
    np.savez_compressed(path, inputs=rng.normal(size=(rows, 16)).astype(np.float32), y=labels)
    return path


def settled(page: Any) -> None:
    """Wait until no script runs and all charts are drawn."""
    page.wait_for_function(f"() => {{ {READY} return idle() && drawn() }}")
    page.wait_for_timeout(SETTLING)


def tab(browser: Any) -> Any:
    """A new user's tab."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(120_000)
    return page


def go(page: Any, title: str) -> float:
    """Click on a page's name; milliseconds until it stands."""
    link = page.get_by_role("link", name=title, exact=True).first
    return float(page.evaluate(GO, [link.element_handle(), title]))


def own_collection(page: Any, url: str, path: Path, cache: Cache, groups: int) -> None:
    """Bring a table as a user does, with a matrix that was computed before."""
    import taskviz as tv
    from taskviz.affinity import make_estimator
    from taskviz.verbs.affinity import affinity_parts

    collection = tv.load_collection(str(path))
    matrix = replace(
        planted(len(collection.names), groups),
        tasks=collection.names,
        method="higher-order",
        seed=0,
        collection=collection.name,
        fingerprint=collection.fingerprint,
    )
    parts = affinity_parts(collection, make_estimator(matrix.method), 0, "cpu")
    cache.put(
        "affinity", key_of(**parts), lambda folder: matrix.save(folder / "matrix.json"), parts
    )
    page.goto(url)
    page.locator("input[type=file]").set_input_files(str(path))
    page.get_by_text(f"{len(collection.names)} tasks").first.wait_for()
    settled(page)
    page.get_by_role("button", name="Use this", exact=True).last.click()
    page.get_by_role("heading", name=path.stem, level=3).wait_for()
    settled(page)


def measure_start(browser: Any, folder: Path, times: int) -> list[float]:
    """Milliseconds from starting the app to its first page."""
    found = []
    for _ in range(times):
        page = tab(browser)
        start = time.perf_counter()
        with app(folder / "cache") as running:
            page.goto(running.url, wait_until="commit")
            page.wait_for_function(
                f"() => {{ {READY} return heading() === 'Collection' && idle() }}"
            )
            found.append(1000 * (time.perf_counter() - start))
            page.context.close()
    return found


def measure_pages(page: Any, rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds to each page, by its title."""
    titles = [entry.title for entry in PAGES]
    taken: dict[str, list[float]] = {title: [] for title in titles}
    for _ in range(rounds + 1):
        for title in titles[1:] + titles[:1]:
            taken[title].append(go(page, title))
            settled(page)
    return {
        title: {"first": times[0], "again": median(times[1:])} for title, times in taken.items()
    }


def measure_controls(page: Any, most: int) -> list[dict[str, Any]]:
    """Sliders by an arrow key, choices by a click, ticks by the space bar, on each page."""
    found = []
    for entry in PAGES:
        go(page, entry.title)
        settled(page)
        for kind in ("slider", "radio", "checkbox"):
            controls = page.locator('[data-testid="stMain"]').get_by_role(kind)
            for number in range(min(most, controls.count())):
                control = controls.nth(number)
                name = str(control.evaluate(NAME))
                control.focus()
                page.wait_for_timeout(SETTLING)
                if kind == "slider":
                    page.keyboard.press("ArrowRight")
                elif kind == "radio":
                    control.dispatch_event("click")
                else:
                    page.keyboard.press("Space")
                taken = page.evaluate(ANSWER, [NO_RUN])
                if taken is not None:
                    found.append({"page": entry.title, "control": name, "ms": round(taken)})
                settled(page)
    return found


def measure_many(browser: Any, folder: Path, tasks: int) -> tuple[float, float]:
    """Milliseconds to the Affinity page of many tasks, the first time and again, in a new app."""
    path = table(folder, tasks, 60)
    with app(folder / "cache") as running:
        page = tab(browser)
        own_collection(page, running.url, path, Cache(running.cache), 20)
        first = go(page, "Affinity")
        settled(page)
        go(page, "Collection")
        settled(page)
        again = go(page, "Affinity")
        page.context.close()
    return first, again


def run(*, quick: bool = False) -> dict[str, Any]:
    """All figures as plain data."""
    from tests.chromium import chromium

    small, large = (6, 12) if quick else (30, 500)
    with tempfile.TemporaryDirectory() as name, chromium() as browser:
        folder = Path(name)
        start = measure_start(browser, folder, 1 if quick else 5)
        with app(folder / "cache") as running:
            page = tab(browser)
            own_collection(
                page, running.url, table(folder, small, 400), Cache(running.cache), small // 3
            )
            pages = measure_pages(page, 1 if quick else 4)
            controls = measure_controls(page, 1 if quick else 3)
            page.context.close()
        many = [measure_many(browser, folder, large) for _ in range(1 if quick else 3)]
    return {
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "load": os.getloadavg()[0],
        "tasks": small,
        "must_reach_ms": MUST,
        "start_ms": {"median": median(start), "all": [round(ms) for ms in start]},
        "page_ms": pages,
        "page_again_median_ms": median(own["again"] for own in pages.values()),
        "page_first_median_ms": median(own["first"] for own in pages.values()),
        "control_median_ms": median([c["ms"] for c in controls]) if controls else None,
        "controls": controls,
        f"affinity_of_{large}_tasks_ms": {
            "first": median(first for first, _ in many),
            "again": median(again for _, again in many),
            "all_first": [round(first) for first, _ in many],
        },
    }


def main(words: list[str]) -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks screen", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes: only that it runs")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/screen.json"))
    given = parser.parse_args(words)
    text = json.dumps(run(quick=given.quick), indent=2)
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
