"""The Collection page: cards of one kind, a .zip of images, a broken one, its pictures."""

from pathlib import Path

from browser.app_process import App
from browser.steps import open_page, settled
from data.readers import layouts
from playwright.sync_api import Page, expect


def test_a_zip_of_images_becomes_a_collection(app: App, page: Page, tmp_path: Path) -> None:
    open_page(page, app.url, "Collection")
    page.locator(".st-key-gallery_modality").get_by_text("image", exact=True).click()
    expect(page.locator(".st-key-card_mnist")).to_be_visible()
    expect(page.locator(".st-key-card_yeast")).to_have_count(0)
    root = layouts.class_folders(tmp_path / "<b>tissue")
    broken = root / "tiles" / "02_STROMA" / "0003_02_STROMA.tif"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:100])
    page.locator("input[type=file]").set_input_files(
        str(layouts.zipped(root, tmp_path / "broken.zip"))
    )
    expect(page.get_by_text("0003_02_STROMA.tif")).to_be_visible()
    expect(page.get_by_role("button", name="Use this", exact=True).last).to_be_disabled()
    broken.write_bytes(whole)
    page.locator("input[type=file]").set_input_files(
        str(layouts.zipped(root, tmp_path / "tissue.zip"))
    )
    expect(page.get_by_text("joint image, 24 samples, 3 tasks")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Use this", exact=True).last.click()
    # Names from a file are text, never markup.
    expect(page.get_by_role("heading", name="<b>tissue", level=3)).to_be_visible()
    page.get_by_role("tab", name="Samples").click()
    expect(page.get_by_text("15 × 15 pixels, 3 channels")).to_be_visible()
