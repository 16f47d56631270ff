"""Keys alone: past the navigation, to every page, the list of keys."""

import pytest
from browser.app_process import App
from browser.steps import open_page, settled
from playwright.sync_api import Page, expect

from taskviz.ui.keyboard import ELSEWHERE
from taskviz.ui.pages import PAGES


def listening(page: Page) -> None:
    """Wait until the script listens: it also mends the navigation."""
    settled(page)
    page.locator('[data-testid="stSidebarNavItems"][role="presentation"]').wait_for()


def test_keys_are_of_one_page_each() -> None:
    keys = [entry.key for entry in PAGES]
    assert len(set(keys)) == len(keys)
    assert "?" not in keys


def test_keys_lead_to_pages_and_are_listed(app: App, page: Page) -> None:
    open_page(page, f"{app.url}/collection?collection=linnerud", "Collection")
    listening(page)
    page.keyboard.press("?")
    box = page.get_by_role("dialog", name="Keys")
    expect(box).to_be_visible()
    for entry in PAGES:
        expect(box.get_by_text(f"g {entry.key}", exact=True)).to_be_visible()
    for key, _ in ELSEWHERE:
        expect(box.get_by_text(key, exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    for name in ("laboratory", "groups", "collection"):
        entry = next(e for e in PAGES if e.name == name)
        page.keyboard.press("g")
        page.keyboard.press(entry.key)
        expect(page.get_by_role("heading", name=entry.title, level=1)).to_be_visible()
        settled(page)
    assert "collection=linnerud" in page.url


def test_words_typed_into_a_field_are_no_keys(app: App, page: Page) -> None:
    open_page(page, f"{app.url}/optima?collection=linnerud", "Optima")
    listening(page)
    field = page.get_by_label("Perplexity", exact=True).first
    field.click()
    page.keyboard.press("g")
    page.keyboard.press("j")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_have_count(0)
    expect(page.get_by_role("heading", name="Optima", level=1)).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_first_tab_leads_past_the_navigation_and_focus_is_seen(
    app: App, page: Page, theme: str
) -> None:
    page.emulate_media(color_scheme=theme)
    open_page(page, f"{app.url}/laboratory", "Laboratory")
    listening(page)
    page.keyboard.press("Tab")
    link = page.locator('a[href="#stMain"]')
    expect(link).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate(
        "() => document.querySelector('#stMain, [data-testid=\"stMain\"]')"
        ".contains(document.activeElement)"
    )
    # What stands in a shadow of its own (the button that copies the link) has its own ring.
    page.get_by_text("What am I looking at?").locator("xpath=ancestor::summary").focus()
    page.keyboard.press("Tab")
    page.wait_for_function(
        "() => { const s = getComputedStyle(document.activeElement);"
        " return s.outlineWidth === '2px' && s.outlineStyle === 'solid'; }"
    )
