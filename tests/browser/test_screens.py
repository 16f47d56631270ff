"""Every page in both themes and both widths: whole, nothing spills, WCAG AA, pictures."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser.app_process import ROOT, App
from browser.steps import chart, compute, next_page, press, set_number, settled, use_example
from playwright.sync_api import Browser, Page, expect

KEEP = os.environ.get("TASKVIZ_SCREENSHOTS") == "1"
"""Renew the pictures of the documentation."""
SIZES = {"wide": (1440, 900), "narrow": (390, 844)}
CHARTS = {
    "collection": [],
    "affinity": ["heatmap", "graph"],
    "groups": ["frontier", "groups_graph"],
    "training": ["dots", "gains"],
    "evidence": ["contrasts"],
    "optima": ["optima_left", "optima_right"],
    "landscape": ["densities", "bounds"],
    "report": [],
    "jobs": [],
    "laboratory": ["risk_curves", "transfer_map"],
}


@pytest.fixture(scope="module")
def links(app: App, browser: Browser) -> Iterator[dict[str, str]]:
    """URL of each page with yeast trained: what a colleague would be sent."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    found: dict[str, str] = {}
    use_example(page, app.url)
    found["collection"] = page.url
    next_page(page, "Compute affinity", "Affinity")
    if not page.locator(".st-key-heatmap").count():
        compute(page)
    chart(page, "heatmap")
    found["affinity"] = page.url
    next_page(page, "Find groups", "Groups")
    chart(page, "frontier")
    found["groups"] = page.url
    next_page(page, "Train these groups", "Training")
    set_number(page, "Epochs", 15)
    press(page, "Start training")
    chart(page, "dots")
    found["training"] = page.url
    page.get_by_role("link", name="Evidence", exact=True).click()
    expect(page.get_by_text("It is not known yet whether grouping matters here")).to_be_visible()
    press(page, "Find out whether grouping matters")
    if KEEP:  # the picture is of a whole answer, which takes minutes
        more = page.get_by_role("button", name="Spend five more minutes to know better")
        expect(more).to_be_visible(timeout=600_000)
    else:
        expect(page.get_by_text("Does grouping matter here?")).to_be_visible(timeout=180_000)
        press(page, "Stop")
        expect(page.get_by_text("This job was stopped")).to_be_visible(timeout=120_000)
    settled(page)
    found["evidence"] = page.url
    next_page(page, "Write the report", "Report")
    expect(page.get_by_role("button", name="Download the report")).to_be_visible()
    found["report"] = page.url
    page.get_by_role("link", name="Optima").click()
    expect(page.get_by_role("heading", name="Optima", level=1)).to_be_visible()
    press(page, "Draw the map")
    chart(page, "optima_right")
    found["optima"] = page.url
    next_page(page, "See the landscape", "Landscape")
    press(page, "Measure the landscape")
    chart(page, "bounds")
    found["landscape"] = page.url
    page.get_by_role("link", name="Jobs").click()
    expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()
    settled(page)
    found["jobs"] = page.url
    found["laboratory"] = f"{app.url}/laboratory"
    yield found
    context.close()


def spill(page: Page) -> int:
    """Pixels by which the main area is wider than the window."""
    return int(
        page.evaluate(
            "() => { const m = document.querySelector('[data-testid=\"stMain\"]');"
            " return m.scrollWidth - m.clientWidth; }"
        )
    )


def faults(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 A and AA, a line each."""
    # The navigation's roles are mended by our script.
    page.locator('[data-testid="stSidebarNavItems"][role="presentation"]').wait_for(
        state="attached"
    )
    levels = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = Axe().run(page, options={"runOnly": levels}).response
    assert len(found["passes"]) > 15, "axe did not look"
    return [
        f"{rule['id']}: {node['target']} {node['html'][:200]} {node['failureSummary'][:300]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("name", list(CHARTS))
def test_a_page_in_both_themes_and_widths(
    name: str, links: dict[str, str], browser: Browser, tmp_path: Path
) -> None:
    folder = ROOT / "docs" / "screenshots" if KEEP else tmp_path
    for theme in ("light", "dark"):
        for size, (width, height) in SIZES.items():
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=theme
            )
            page = context.new_page()
            errors: list[str] = []
            outside: list[str] = []
            page.on("pageerror", lambda error, errors=errors: errors.append(str(error)))
            page.on("request", lambda r, outside=outside: outside.append(r.url))
            page.goto(links[name])
            expect(page.locator("h1").first).to_be_visible()
            for key in CHARTS[name]:
                chart(page, key)
            settled(page)
            expect(page.get_by_test_id("stException")).to_have_count(0)
            assert spill(page) <= 1, f"{name} is wider than {width} px in {theme}"
            background = page.evaluate(
                "() => getComputedStyle(document.querySelector('[data-testid=\"stApp\"]'))"
                ".backgroundColor"
            )
            assert (background == "rgb(255, 255, 255)") == (theme == "light"), background
            suffix = "" if size == "wide" else "-narrow"
            page.wait_for_timeout(600)  # the last transition of a chart
            page.screenshot(path=str(folder / f"{name}-{theme}{suffix}.png"))
            if size == "wide":
                assert faults(page) == [], theme
            assert errors == []
            assert [url for url in outside if "//localhost" not in url and url[:4] == "http"] == []
            context.close()
