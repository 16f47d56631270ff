"""Odd names go out and come back whole, and no CSV that we write holds a formula."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskviz.cache import Cache
from taskviz.data import open_collection
from taskviz.values import AffinityMatrix, SubsetTable, TaskvizError
from taskviz.values.escaping import spreadsheet_plain, spreadsheet_safe
from taskviz.verbs.imports import import_scores

NAMES = (
    '=HYPERLINK("http://x.example","y")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1,2)",
    "'=quoted",
    "<script>alert(1)</script>",
    "a\nb",
    "שלום",
    "🦄🏳️‍🌈",
    "\u202eright to left\u202c",
    "-1.5",
    "plain",
)


def no_formula(path: Path) -> None:
    """No cell that a spreadsheet would run; numbers may have a sign."""
    with path.open(newline="", encoding="utf-8") as file:
        for cell in (cell for row in csv.reader(file) for cell in row):
            if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")):
                float(cell)


def test_a_matrix_comes_back_and_holds_no_formula(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(len(NAMES), len(NAMES)))
    path = AffinityMatrix(values, NAMES, "example").save(tmp_path / "m.csv")
    no_formula(path)
    again = AffinityMatrix.read(path)
    assert again.tasks == NAMES
    np.testing.assert_array_equal(again.values, values)


def test_a_subset_table_comes_back_and_holds_no_formula(tmp_path: Path) -> None:
    names = tuple(name for name in NAMES if "+" not in name)
    inside = np.triu(np.ones((len(names), len(names)), dtype=bool))
    losses = np.where(inside, -0.25, np.nan)
    table = SubsetTable(names, inside, losses, np.ones(len(names)))
    path = table.save(tmp_path / "s.csv")
    no_formula(path)
    again = SubsetTable.read(path)
    assert again.tasks == names
    np.testing.assert_array_equal(again.membership, inside)
    np.testing.assert_array_equal(again.losses, losses)


@given(st.text())
def test_quoting_is_undone(text: str) -> None:
    safe = spreadsheet_safe(text)
    assert spreadsheet_plain(safe) == text
    if safe.startswith(("=", "+", "-", "@", "\t", "\r", "\n")):
        float(safe)


@pytest.mark.parametrize("name", ["a\0b.csv", "🦄" * 200 + ".json", "../../x.csv", "", ".csv"])
def test_the_name_of_an_upload_is_a_label_and_no_path(name: str, tmp_path: Path) -> None:
    data = b",a,b\na,1,2\nb,3,4\n"
    if name.endswith(".json"):
        data = b'{"tasks": ["a", "b"], "values": [[1, 2], [3, 4]], "method": "m"}'
    key = import_scores(data, name, Cache(tmp_path / "cache"))
    assert key.startswith("i-")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cache"]


def test_a_million_columns_are_refused_soon(tmp_path: Path) -> None:
    head = ",".join(["subset", *(f"c{i}" for i in range(10**6))])
    path = tmp_path / "wide.csv"
    path.write_text(f"{head}\nc1{',1' * 10**6}\n")
    with pytest.raises(TaskvizError, match="1,000,001 columns"):
        SubsetTable.read(path)
    with pytest.raises(TaskvizError, match="1,000,001 columns, more than the 20,000"):
        open_collection(str(path), Cache(tmp_path / "cache"))
    with pytest.raises(TaskvizError, match="square matrix"):
        AffinityMatrix.read(path)


@pytest.mark.parametrize("read", [AffinityMatrix.read, SubsetTable.read])
def test_a_folder_in_place_of_a_file_is_one_sentence(read, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "m.csv"
    folder.mkdir()
    with pytest.raises(TaskvizError, match="Cannot read"):
        read(folder)
