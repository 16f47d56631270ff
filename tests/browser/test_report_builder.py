"""The report builder: sections in order, pinned scenarios with their comments, bad files."""

from pathlib import Path

import pytest
from browser.app_process import App
from browser.steps import choose, open_page, settled
from playwright.sync_api import FrameLocator, Page, expect

import taskviz as tv
from taskviz.cache import Cache
from taskviz.ui.comments import add_comment
from taskviz.ui.scenarios import save_scenario
from taskviz.verbs import affinity_key, group_tasks

ONE, OTHER = "two models", "another two"


@pytest.fixture(scope="module")
def link(app: App) -> str:
    """A link to the Report page with a matrix, a plan and two commented scenarios."""
    cache = Cache(app.cache)
    collection = tv.load_collection("linnerud", cache=cache)
    matrix = tv.compute_affinity(collection, method="label-correlation", seed=0, cache=cache)
    key = affinity_key(collection, "label-correlation", seed=0)
    plan = group_tasks(matrix, "spectral", budget=2)
    other = group_tasks(matrix, "all-separate", budget=3)
    first = save_scenario(cache, ONE, "cheap", plan, key)
    save_scenario(cache, OTHER, "", other, key)
    add_comment(cache, first.key, "Ada", "Is <b>Pulse</b> safe there?")
    return f"{app.url}/report?collection=linnerud&matrix={key}"


def inside(page: Page) -> FrameLocator:
    """The preview."""
    return page.frame_locator("iframe").first


def pin(page: Page, label: str, *options: str) -> None:
    """Choose entries of a list of many, and close it."""
    for option in options:
        choose(page, label, option)
    page.keyboard.press("Escape")
    settled(page)


def headings(page: Page) -> list[str]:
    """Headings of the sections in the preview."""
    return [text.strip() for text in inside(page).locator("h2").all_inner_texts()]


def test_sections_are_ordered_by_the_keyboard_and_scenarios_are_pinned(
    link: str, page: Page
) -> None:
    open_page(page, link, "Report")
    expect(inside(page).locator("#chart-1 .main-svg").first).to_be_visible(timeout=90_000)
    assert headings(page)[:3] == ["Summary", "Collection", "Affinity"]

    # order, by the keyboard: the button takes focus and Enter
    settled(page)
    page.locator(".st-key-up_affinity button").first.focus()
    page.keyboard.press("Enter")
    settled(page)
    expect(inside(page).locator("h2").nth(1)).to_have_text("Affinity", timeout=60_000)
    page.get_by_role("checkbox", name="Repeat it").dispatch_event("click")
    settled(page)
    expect(inside(page).locator("#repeat")).to_have_count(0, timeout=60_000)

    # what is pinned comes with its notes and comments, escaped
    pin(page, "Pinned scenarios", ONE, OTHER)
    scenarios = inside(page).locator("#scenarios")
    expect(scenarios).to_contain_text("Is <b>Pulse</b> safe there?", timeout=60_000)
    expect(inside(page).locator("#comparison")).to_contain_text(f"From {ONE} to {OTHER}")


def test_what_is_no_report_is_one_sentence(app: App, page: Page, tmp_path: Path) -> None:
    bad = tmp_path / "other.html"
    bad.write_text("<html><script>alert(1)</script></html>")
    open_page(page, f"{app.url}/report", "Report")
    page.get_by_text("Open a report").click()
    page.locator("input[type=file]").set_input_files(str(bad))
    expect(page.get_by_text("holds no values of a taskviz report")).to_be_visible(timeout=60_000)
    expect(page.get_by_test_id("stException")).to_have_count(0)
