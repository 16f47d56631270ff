"""What a user does, in words: shared by the browser tests."""

import csv
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect
from playwright.sync_api import TimeoutError as NeverCame

from taskviz.data.builtin import BUILT_INS


def write_yeast_csv(path: Path, rows: int = 700, features: int = 24, tasks: int = 5) -> Path:
    """A part of the yeast data as a user's own CSV file."""
    yeast = BUILT_INS["yeast"].load(0)
    inputs = yeast.samples[0].inputs[:rows, :features]
    names = yeast.names[:tasks]
    targets = [yeast.target_of(i)[:rows, 0].astype(int) for i in range(tasks)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*(f"gene_{i}" for i in range(features)), *names])
        for i in range(rows):
            writer.writerow([*(f"{v:.6g}" for v in inputs[i]), *(str(t[i]) for t in targets)])
    return path


def open_page(page: Page, url: str, heading: str) -> None:
    """Go somewhere and wait until the page stands; the first page of an app imports a lot."""
    page.goto(url)
    expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible(timeout=120_000)


@contextmanager
def colleague(browser: Browser) -> Iterator[Page]:
    """A tab of somebody else, who has nothing but links."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(60_000)
    try:
        yield context.new_page()
    finally:
        context.close()


def settled(page: Page) -> None:
    """Wait until no script runs."""
    page.wait_for_function(
        "() => document.querySelector('[data-testid=\"stApp\"]')"
        "?.getAttribute('data-test-script-state') === 'notRunning'"
    )


def press(page: Page, name: str, *, exact: bool = True) -> None:
    """Press a button by its label."""
    page.get_by_role("button", name=name, exact=exact).first.click()


def next_page(page: Page, label: str, heading: str) -> None:
    """Take the next step at the bottom of the page."""
    button = page.get_by_role("button", name=re.compile(label))
    expect(button.last).to_be_enabled()
    button.last.click()
    expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible()


def chart(page: Page, key: str) -> None:
    """Wait for a chart by its key."""
    expect(page.locator(f".st-key-{key} .js-plotly-plot .main-svg").first).to_be_visible(
        timeout=180_000
    )


def set_number(page: Page, label: str, value: int) -> None:
    """Type into a number field."""
    field = page.get_by_label(label, exact=True).first
    field.fill(str(value))
    field.press("Enter")
    settled(page)


def points_drawn(page: Page) -> int:
    """Points of all live curves on the page."""
    return int(
        page.evaluate(
            """() => [
              ...document.querySelectorAll('[class*=st-key-curve_] .js-plotly-plot')
            ].flatMap(p => (p._fullData || []).map(t => (t.x && t.x.length) || 0))
             .reduce((sum, length) => sum + length, 0)"""
        )
    )


def wait_for_points(page: Page, more_than: int, seconds: float = 60) -> int:
    """Wait until the curves on the page have more points."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        count = points_drawn(page)
        if count > more_than:
            return count
        time.sleep(0.2)
    raise AssertionError(f"No curve grew beyond {more_than} points within {seconds} s.")


def job_in_url(page: Page, key: str) -> str:
    """Id of the job that a page keeps in the URL, once it is there."""
    page.wait_for_url(re.compile(rf"[?&]{key}="))
    found = re.search(rf"[?&]{key}=([0-9a-f]+)", page.url)
    assert found, page.url
    return found[1]


def use_example(page: Page, url: str) -> None:
    """A first-time user takes the yeast example."""
    open_page(page, url, "Collection")
    page.locator(".st-key-use_yeast button").click()
    expect(page.get_by_role("heading", name="yeast", level=3)).to_be_visible()


def pick(page: Page, label: str, option: Locator) -> None:
    """Open a drop-down and take an option; a run that ends may close the list, so open it again."""
    for _ in range(5):
        settled(page)
        page.get_by_role("combobox", name=label).first.click()
        try:
            option.first.click(timeout=10_000)
        except NeverCame:
            page.keyboard.press("Escape")
            continue
        settled(page)
        return
    raise AssertionError(f"The list {label!r} never offered the option.")


def choose(page: Page, label: str, option: str) -> None:
    """Pick an option of a drop-down."""
    pick(page, label, page.get_by_role("option", name=option, exact=True))


def compute(page: Page, method: str = "SCA") -> None:
    """Compute an affinity and wait for its heatmap."""
    choose(page, "Estimator", method)
    press(page, "Compute")
    chart(page, "heatmap")
