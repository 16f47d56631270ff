"""What a table's own toolbar hands on holds no formula."""

import re
from pathlib import Path

import pandas as pd

from taskviz.ui.tables import harmless
from taskviz.values.escaping import spreadsheet_plain

ROOT = Path(__file__).resolve().parents[2]


def test_text_headings_and_labels_are_quoted_and_numbers_stay() -> None:
    table = pd.DataFrame(
        {"=a": ["=cmd()", "plain", None], "n": [-1.5, 2.0, 3.0], "-2.5": ["-2.5", "+x", "@y"]},
        index=["@one", "two", "+3"],
    )
    before = table.copy()
    shown = harmless(table)
    assert list(shown.columns) == ["'=a", "n", "-2.5"]
    assert list(shown.index) == ["'@one", "two", "+3"]
    assert shown["'=a"].tolist()[:2] == ["'=cmd()", "plain"]
    assert pd.isna(shown["'=a"].iloc[2])
    assert shown["-2.5"].tolist() == ["-2.5", "'+x", "'@y"]
    assert shown["n"].tolist() == table["n"].tolist()
    assert [spreadsheet_plain(name) for name in shown.columns] == list(table.columns)
    pd.testing.assert_frame_equal(table, before)


def test_amounts_as_we_write_them_stay() -> None:
    amounts = ["+0.147 %", "-1.2", "+1.2 ± 0.3 %", "+0.1 … +0.4 %", "+12%"]
    attacks = [
        "+1+1",
        "-1-cmd()",
        "+1 ± A1",
        "=1",
        "+0.1 … =2",
        "+1 %+1",
        "'+1",
        "+1\n=2",
        "+",
        "-%",
    ]
    shown = harmless(pd.DataFrame({"cell": [*amounts, *attacks]}))["cell"].tolist()
    assert shown == [*amounts, *(f"'{text}" for text in attacks)]


def test_two_columns_of_one_name_and_lists_and_categories_pass() -> None:
    table = pd.DataFrame([["=x", [1, 2]], ["y", [3]]], columns=["a", "a"])
    assert harmless(table).iloc[:, 0].tolist() == ["'=x", "y"]
    categories = pd.DataFrame({"c": pd.Categorical(["=x", "y", "=x"])})
    assert harmless(categories)["c"].tolist() == ["'=x", "y", "'=x"]


def test_every_table_of_every_page_goes_that_way() -> None:
    """Streamlit's toolbar has a download of its own, which quotes nothing."""
    files = [*(ROOT / "app_pages").glob("*.py"), *(ROOT / "taskviz" / "ui").rglob("*.py")]
    texts = {file.name: file.read_text(encoding="utf-8") for file in files}
    direct = [name for name, text in texts.items() if re.search(r"\bst\.(dataframe|table)\(", text)]
    assert direct == ["tables.py"]
    for name, text in texts.items():
        for call in re.findall(r"st\.data_editor\(\s*([^,]+),", text):
            assert call.startswith("tables.harmless("), name
        for call in re.findall(r"(\S+)\.style\.", text):
            if name != "tables.py" and "pandas" not in call:
                assert call.startswith(("tables.harmless(", "from taskviz")) or "figures" in call
