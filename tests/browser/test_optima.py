"""Optima and landscape: a lasso catches samples in both maps, studies run and are read."""

import re

import pytest
from browser.app_process import App
from browser.steps import chart, choose, colleague, open_page, press, set_number, settled
from playwright.sync_api import Browser, Page, expect


def strong_marks(page: Page, key: str) -> int:
    """Marks of a chart that stay strong in a selection."""
    return int(
        page.evaluate(
            """key => document.querySelector(`.st-key-${key} .js-plotly-plot`)._fullData
              .reduce((sum, t) => sum + (t.selectedpoints ? t.selectedpoints.length : 0), 0)""",
            key,
        )
    )


def lasso(page: Page, key: str) -> None:
    """Draw a line around the left half of a map."""
    box = page.locator(f".st-key-{key} .nsewdrag").first.bounding_box()
    assert box is not None
    left, top = box["x"] + 3, box["y"] + 3
    right, bottom = box["x"] + box["width"] / 2, box["y"] + box["height"] - 3
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom), (left, top + 4)):
        page.mouse.move(x, y, steps=6)
    page.mouse.up()


@pytest.fixture
def optima(app: App, page: Page) -> Page:
    """A small map of optima, drawn by a job."""
    page.set_default_timeout(60_000)
    # The first page of a fresh app imports all that pages need.
    page.goto(f"{app.url}/optima?collection=linnerud")
    heading = page.get_by_role("heading", name="Optima", level=1)
    expect(heading).to_be_visible(timeout=120_000)
    expect(page.get_by_text("No map yet")).to_be_visible()
    set_number(page, "Perplexity", 5)
    set_number(page, "Neighbours", 5)
    press(page, "Draw the map")
    chart(page, "optima_left")
    chart(page, "optima_right")
    settled(page)
    return page


def test_a_lasso_catches_a_cluster_in_both_maps(optima: Page, browser: Browser) -> None:
    page = optima
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    expect(page.get_by_text("Draw a line around some marks")).to_be_visible()
    lasso(page, "optima_left")
    told = page.get_by_role("paragraph").filter(has_text=re.compile(r"\d+ optim(a|um) caught"))
    expect(told).to_be_visible()
    settled(page)
    text = told.inner_text()
    caught = int(re.findall(r"\d+", text)[0])
    assert 0 < caught < 36
    assert "of Weight" in text or "of Waist" in text or "of Pulse" in text
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible()
    for side in ("left", "right"):
        page.wait_for_function(
            """([key, n]) => document.querySelector(`.st-key-${key} .js-plotly-plot`)._fullData
              .reduce((sum, t) => sum + (t.selectedpoints ? t.selectedpoints.length : 0), 0) === n
            """,
            arg=[f"optima_{side}", caught],
        )
        assert strong_marks(page, f"optima_{side}") == caught
    # A colleague's link opens the same selection.
    page.wait_for_url("**caught=**")
    with colleague(browser) as reader:
        open_page(reader, page.url, "Optima")
        expect(reader.get_by_text(text)).to_be_visible()
    press(page, "Clear")
    expect(page.get_by_text("Draw a line around some marks")).to_be_visible()
    # The pair picked here is the pair of every page.
    choose(page, "First task", "Weight")
    choose(page, "Second task", "Pulse")
    page.wait_for_url(re.compile("pair=0-2"))
    # The back button takes the last choice back, at once.
    before = page.url
    choose(page, "Second task", "Waist")
    page.wait_for_url(re.compile("pair=0-1"))
    page.go_back()
    page.wait_for_url(before)
    expect(page.get_by_role("combobox", name="Second task")).to_have_value("Pulse")
    settled(page)
    assert page.url == before
    assert errors == []


def test_the_landscape_says_where_it_fails(app: App, page: Page) -> None:
    page.set_default_timeout(60_000)
    open_page(page, f"{app.url}/landscape?collection=linnerud&pair=0-2", "Landscape")
    page.get_by_text("What am I looking at?").click()
    expect(page.locator(".katex").first).to_be_visible()
    press(page, "Measure the landscape")
    chart(page, "bounds")
    expect(page.get_by_text("The bounds assume that one step reaches zero loss")).to_be_visible()
    expect(page.get_by_text(re.compile(r"H = .*exact")).first).to_be_visible()
    page.get_by_role("tab", name="Layers").click()
    chart(page, "layers")
    expect(page.get_by_text("of the distance between Weight and Pulse")).to_be_visible()
    page.get_by_role("tab", name="Over a training").click()
    set_number(page, "Epochs", 4)
    set_number(page, "Every", 2)
    set_number(page, "Trainings", 2)
    press(page, "Follow a training")
    chart(page, "animated_heatmap")
    expect(page.get_by_text("after 4 epochs its ranking of pairs")).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)
