"""The report builder: sections, notes that a refresh keeps, pinned scenarios, exports, opening."""

import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from browser.app_process import App
from browser.steps import choose, colleague, open_page, settled
from playwright.sync_api import Browser, FrameLocator, Page, expect

import taskviz as tv
from taskviz.cache import Cache
from taskviz.report import read_report
from taskviz.report.chromium import find_chromium
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


def write_note(page: Page, text: str) -> None:
    """Type a note and leave the field."""
    field = page.get_by_role("textbox", name="Note (Markdown)")
    field.fill(text)
    field.blur()
    settled(page)


def place(page: Page) -> float:
    """How far the preview is scrolled."""
    return float(inside(page).locator(":root").evaluate("() => scrollY"))


def headings(page: Page) -> list[str]:
    """Headings of the sections in the preview."""
    return [text.strip() for text in inside(page).locator("h2").all_inner_texts()]


def test_a_report_is_built_kept_taken_away_and_opened(
    app: App,
    link: str,
    page: Page,
    browser: Browser,
    tmp_path: Path,
    wait_until: Callable[..., None],
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
    # the preview is made anew, and stands where its reader was
    inside(page).locator(":root[data-drawn]").evaluate("() => scrollTo(0, 700)")
    page.get_by_role("checkbox", name="Repeat it").dispatch_event("click")
    settled(page)
    expect(inside(page).locator("#repeat")).to_have_count(0, timeout=60_000)
    inside(page).locator(":root[data-drawn]").wait_for()
    wait_until(lambda: abs(place(page) - 700) < 2)

    # what is pinned comes with its notes and comments, escaped
    pin(page, "Pinned scenarios", ONE, OTHER)
    scenarios = inside(page).locator("#scenarios")
    expect(scenarios).to_contain_text("Is <b>Pulse</b> safe there?", timeout=60_000)
    expect(inside(page).locator("#comparison")).to_contain_text(f"From {ONE} to {OTHER}")

    # notes: beside the whole and beside a figure; raw HTML never passes
    write_note(page, "**Mind** this <img src=x onerror=alert(1)>")
    expect(inside(page).locator("#notes strong")).to_have_text("Mind", timeout=60_000)
    expect(inside(page).locator("img")).to_have_count(0)
    choose(page, "Write beside", "Figure: Affinity by Label correlation")
    # the empty field of the figure, not that of the whole report that it follows
    expect(page.get_by_role("textbox", name="Note (Markdown)")).to_have_value("")
    write_note(page, "look at the corner")
    expect(inside(page).locator("#affinity figure .remark").first).to_contain_text(
        "look at the corner", timeout=60_000
    )

    # a refresh, and a colleague with the link, find all of it
    assert "draft=" in page.url
    page.reload()
    expect(inside(page).locator("#notes strong")).to_have_text("Mind", timeout=90_000)
    with colleague(browser) as other:
        other.goto(page.url)
        expect(inside(other).locator("#notes strong")).to_have_text("Mind", timeout=90_000)
        assert headings(other) == headings(page)
        expect(other.get_by_role("textbox", name="Note (Markdown)")).to_have_value(
            re.compile("Mind")
        )

    files = {}
    for words, ending in (("HTML", "html"), ("Markdown", "md"), (".zip", "zip"), ("PDF", "pdf")):
        page.get_by_role("radio", name=words, exact=True).click()
        settled(page)
        button = page.locator(f".st-key-download_{ending} button")
        expect(button).to_be_enabled(timeout=180_000)
        with page.expect_download() as waiting:
            button.click()
        files[ending] = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(files[ending])
        assert files[ending].suffix == f".{ending}"
    check_html(browser, files["html"])
    assert "> **Mind** this &lt;img" in files["md"].read_text(encoding="utf-8")
    check_pdf(files["pdf"])
    whole, again = read_report(files["html"]), read_report(files["zip"])
    assert again.affinities[0].to_json() == whole.affinities[0].to_json()
    assert again.contents.scenarios == whole.contents.scenarios
    assert again.design == whole.design
    with zipfile.ZipFile(files["zip"]) as archive:
        assert any(name.endswith(".svg") for name in archive.namelist())

    # a colleague without any of the data opens the file, and goes on with its groups
    with colleague(browser) as stranger:
        open_page(stranger, f"{app.url}/report", "Report")
        stranger.get_by_text("Open a report").click()
        stranger.locator("input[type=file]").set_input_files(str(files["html"]))
        expect(stranger.get_by_role("heading", name="An opened report of linnerud")).to_be_visible(
            timeout=90_000
        )
        expect(inside(stranger).locator("#notes strong")).to_have_text("Mind", timeout=90_000)
        assert headings(stranger) == headings(page)
        settled(stranger)
        stranger.get_by_role("button", name="Work on its groups").click()
        expect(stranger.get_by_role("heading", name="Groups", level=1)).to_be_visible(
            timeout=90_000
        )
        expect(stranger.get_by_text(f"report: {ONE}")).to_be_visible(timeout=90_000)


def check_html(browser: Browser, file: Path) -> None:
    """It opens without a network, draws every chart, and its policy has nothing to complain of."""
    context = browser.new_context(offline=True)
    tab, complaints, asked = context.new_page(), [], []
    tab.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(file.as_uri())
    tab.wait_for_function("document.documentElement.dataset.drawn !== undefined", timeout=60_000)
    drawn = tab.evaluate(
        "[...document.querySelectorAll('.chart')].map(e => e.querySelectorAll('.main-svg').length)"
    )
    assert len(drawn) == 4  # heatmap and graph, one graph a scenario
    assert min(drawn) >= 1
    tables = tab.evaluate("document.querySelectorAll('figure details table').length")
    assert tables == len(drawn)
    for style, ground in (
        ("Light", "rgb(255, 255, 255)"),
        ("Dark", "rgb(15, 23, 26)"),
        ("Print", "rgb(255, 255, 255)"),
    ):
        tab.get_by_role("button", name=style, exact=True).click()
        expect(tab.locator("body")).to_have_css("background-color", ground)
        if folder := os.environ.get("TASKVIZ_LOOK"):
            tab.screenshot(path=f"{folder}/report-{style}.png", full_page=True)
    assert complaints == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    context.close()


def check_pdf(file: Path) -> None:
    """The summary is a page by itself; charts and notes follow."""
    from pypdf import PdfReader

    assert find_chromium() is not None
    pages = [page.extract_text() for page in PdfReader(file).pages]
    assert 3 <= len(pages) <= 20
    assert "Recommendation" in pages[0]
    assert "target: is helped" not in pages[0]
    whole = "\n".join(pages)
    for words in ("target: is helped", "look at the corner", "Is <b>Pulse</b> safe there?"):
        assert words in whole, words
    if folder := os.environ.get("TASKVIZ_LOOK"):
        Path(folder, "report.pdf").write_bytes(file.read_bytes())


def test_what_is_no_report_is_one_sentence(app: App, page: Page, tmp_path: Path) -> None:
    bad = tmp_path / "other.html"
    bad.write_text("<html><script>alert(1)</script></html>")
    open_page(page, f"{app.url}/report", "Report")
    page.get_by_text("Open a report").click()
    page.locator("input[type=file]").set_input_files(str(bad))
    expect(page.get_by_text("holds no values of a taskviz report")).to_be_visible(timeout=60_000)
    expect(page.get_by_test_id("stException")).to_have_count(0)
