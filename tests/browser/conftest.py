"""A real app process and a real Chromium."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("TASKVIZ_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives a browser."""
    here = Path(__file__).parent
    for item in items:
        if here in Path(item.path).parents:
            item.add_marker(pytest.mark.browser)


@dataclass
class App:
    """A running app: where it answers, where it keeps its cache, its process."""

    url: str
    cache: Path
    process: subprocess.Popen[bytes]


def free_port() -> int:
    """A port that nobody uses now."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_app(cache: Path, port: int | None = None) -> App:
    """Start the app by its own command and wait until it answers."""
    port = port or free_port()
    log = cache.parent / f"{cache.name}-app.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "taskviz", "app", "--port", str(port), "--headless"],
            cwd=ROOT,
            env=os.environ | {"TASKVIZ_CACHE": str(cache)},
            stdout=out,
            stderr=out,
        )
    url = f"http://localhost:{port}"
    for _ in range(240):
        if process.poll() is not None:
            raise RuntimeError(f"The app ended at once:\n{log.read_text()[-3000:]}")
        with contextlib.suppress(OSError):
            if urllib.request.urlopen(f"{url}/_stcore/health", timeout=2).status == 200:
                return App(url, cache, process)
        time.sleep(0.25)
    process.kill()
    raise RuntimeError(f"The app did not answer within a minute:\n{log.read_text()[-3000:]}")


def stop_app(app: App) -> None:
    """Stop the app as Ctrl-C would, then for sure."""
    app.process.terminate()
    try:
        app.process.wait(10)
    except subprocess.TimeoutExpired:
        app.process.kill()
        app.process.wait(10)


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One app for the whole session, on a cache of its own."""
    running = start_app(tmp_path_factory.mktemp("browser") / "cache")
    yield running
    stop_app(running)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, headless."""
    if not Path(CHROMIUM).exists():
        why = "no Chromium here: install it (Debian: apt-get install chromium)"
        if os.environ.get("TASKVIZ_REQUIRE_BROWSER") == "1":
            pytest.fail(why)
        pytest.skip(why)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser context of its own for each test: a new user."""
    made = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    made.set_default_timeout(30_000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A tab."""
    return context.new_page()
