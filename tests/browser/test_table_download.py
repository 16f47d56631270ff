"""The download in the toolbar that Streamlit gives every table: no formula, and the way back."""

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
from browser.app_process import App
from browser.steps import open_page, settled
from browser.test_script_payloads import publish
from playwright.sync_api import Locator, Page, expect

from taskviz.cache import Cache
from taskviz.data import CollectionRef
from taskviz.data.uploads import store_upload

NAMES = ("=cmd()", "@SUM(1,2)", "+1+1", "plain")


def downloaded(page: Page, table: Locator) -> list[list[str]]:
    """The rows of the file that a table's toolbar gives."""
    table.hover()
    with page.expect_download() as waiting:
        table.get_by_role("button", name="Download as CSV").click()
    with Path(waiting.value.path()).open(newline="", encoding="utf-8-sig") as file:
        return list(csv.reader(file))


def no_formula(rows: list[list[str]]) -> None:
    """No cell that a spreadsheet would run."""
    for cell in (cell for row in rows for cell in row):
        if cell.startswith(("=", "+", "-", "@", "\t", "\r")):
            float(cell)


def test_no_table_hands_on_a_formula(page: Page, app: App) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 3))
    columns: dict[str, object] = {f"-x{i}": x[:, i] for i in range(3)}
    for i, name in enumerate(NAMES):
        score = x @ rng.normal(size=3)
        columns[name] = np.where(score > 0, "=yes()", "no") if i % 2 else score
    out = io.StringIO()
    pd.DataFrame(columns).to_csv(out, index=False)
    upload = store_upload(out.getvalue().encode(), "odd.csv", Cache(app.cache))
    name = publish(CollectionRef(upload.reference, targets=NAMES), app)

    # Without its picker of files the browser downloads, as Firefox and Safari do.
    page.add_init_script("delete window.showSaveFilePicker")
    open_page(page, f"{app.url}/?collection={name}", "Collection")
    settled(page)
    tables = page.get_by_test_id("stDataFrame")
    expect(tables.first).to_be_visible()
    rows = downloaded(page, tables.first)
    no_formula(rows)
    assert {"'=cmd()", "'@SUM(1,2)", "'+1+1", "plain"} <= {cell for row in rows for cell in row}

    page.get_by_role("tab", name="Samples").click()
    settled(page)
    expect(tables.first).to_be_visible()
    rows = downloaded(page, tables.first)
    no_formula(rows)
    assert "'=cmd()" in rows[0]
    assert "'=yes()" in {cell for row in rows for cell in row}
    # What is chosen in a table that quotes names finds the tasks all the same.
    assert page.get_by_text("Keep at least 2 tasks").count() == 0
