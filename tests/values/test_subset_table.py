"""SubsetTable: reading by names or letters, and each kind of bad cell."""

from pathlib import Path

import numpy as np
import pytest

from taskviz.values import SubsetTable, TaskvizError


def read(tmp_path: Path, text: str) -> SubsetTable:
    path = tmp_path / "t.csv"
    path.write_text(text)
    return SubsetTable.read(path)


def test_letters_and_names_mean_the_same(tmp_path: Path) -> None:
    letters = read(tmp_path, "subset,cost,s,d\ns,0.5,0.1,\nsd,1,0.2,0.3\n")
    names = read(tmp_path, "subset,cost,s,d\ns,0.5,0.1,\ns+d,1,0.2,0.3\n")
    assert letters.membership.tolist() == names.membership.tolist() == [[True, False], [True, True]]
    assert letters.cost.tolist() == [0.5, 1.0]
    assert np.isnan(letters.losses[0, 1])
    assert letters.rows_of(["d", "s"]).tolist() == [1]


def test_a_saved_table_comes_back(tmp_path: Path) -> None:
    table = SubsetTable(
        ("one", "two"),
        np.array([[True, False], [True, True]]),
        np.array([[0.25, np.nan], [0.125, 1 / 3]]),
        np.array([1.0, 2.0]),
        seeds=np.array([4, 5]),
    )
    back = SubsetTable.read(table.save(tmp_path / "t.csv"))
    assert back.seeds is not None
    assert back.seeds.tolist() == [4, 5]
    np.testing.assert_array_equal(back.losses, table.losses)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,2\n", "no column 'subset'"),
        ("subset,a,b\nc,1,\n", "row 2: the subset 'c' names 'c'"),
        ("subset,a,b\na,x,\n", "row 2, column 'a': 'x'"),
        ("subset,a,b\na,,\n", "row 2, column 'a'"),
        ("subset,a,b\na,1,2\n", "'b' has a loss but is not in the subset"),
        ("subset,cost,a\na,-1,2\n", "every cost must be a positive number"),
        ("subset,a,a\na,1,1\n", "column 'a' occurs twice"),
    ],
)
def test_bad_tables_say_where(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(TaskvizError, match=says):
        read(tmp_path, text)
