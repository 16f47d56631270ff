"""A real app process and a real Chromium."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.app_process import App, start_app, stop_app
from playwright.sync_api import Browser, BrowserContext, Page, expect

expect.set_options(timeout=60_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives a browser."""
    here = Path(__file__).parent
    for item in items:
        if here in Path(item.path).parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One app for the whole session, on a cache of its own."""
    running = start_app(tmp_path_factory.mktemp("browser") / "cache")
    yield running
    stop_app(running)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser context of its own for each test: a new user."""
    made = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    made.set_default_timeout(60_000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A tab."""
    return context.new_page()
