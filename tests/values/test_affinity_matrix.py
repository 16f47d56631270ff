"""AffinityMatrix: what goes out comes back, and bad files say what is wrong."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from taskviz.values import AffinityMatrix, TaskvizError

FINITE = st.floats(-1e9, 1e9, allow_nan=False, width=64)


@given(values=arrays(np.float64, (3, 3), elements=FINITE))
def test_json_and_csv_keep_every_bit(
    values: np.ndarray, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("matrix")
    matrix = AffinityMatrix(values, ("a", "b", "ü,\n<c>"), "sca", {"n": 5}, seed=3, seconds=0.5)
    for suffix in ("json", "csv"):
        back = AffinityMatrix.read(matrix.save(folder / f"m.{suffix}"))
        assert np.array_equal(back.values, values)
        assert back.tasks == matrix.tasks
    assert AffinityMatrix.read(folder / "m.json").to_json() == matrix.to_json()


def test_missing_entries_need_a_support_of_zero() -> None:
    values = np.array([[1.0, np.nan], [0.2, 1.0]])
    with pytest.raises(TaskvizError, match="from 'a' to 'b' is nan"):
        AffinityMatrix(values.copy(), ("a", "b"), "x")
    support = np.array([[3, 0], [3, 3]])
    matrix = AffinityMatrix(values.copy(), ("a", "b"), "x", support=support)
    assert matrix.missing.tolist() == [[False, True], [False, False]]
    assert matrix.symmetric().tolist() == [[1.0, 0.2], [0.2, 1.0]]
    assert AffinityMatrix.from_json(matrix.to_json()).missing[0, 1]


def test_values_cannot_be_changed() -> None:
    matrix = AffinityMatrix(np.eye(2), ("a", "b"), "x")
    with pytest.raises(ValueError, match="read-only"):
        matrix.values[0, 0] = 2.0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "square matrix"),
        ("x,a,b\na,1,2\n", "1 rows and 2 columns"),
        ("x,a,b\na,1,2\nc,3,4\n", "row 3: the row is named 'c'"),
        ("x,a,b\na,1,oops\nb,3,4\n", "row 'a', column 'b': 'oops'"),
        ("x,a,a\na,1,2\na,3,4\n", "row 1: columns 2 and 3 are both named 'a'"),
        ("x,a,b\na,1,nan\nb,3,4\n", "row 2, column 3: the entry from 'a' to 'b' is nan"),
        ("x,a,b\na,1\nb,3,4\n", "row 2 has 1 values"),
    ],
)
def test_a_bad_csv_is_named_cell_by_cell(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "m.csv"
    path.write_text(text)
    with pytest.raises(TaskvizError, match=says):
        AffinityMatrix.read(path)


@pytest.mark.parametrize("text", ["{}", "[1]", "nope", '{"tasks": 3, "values": 1, "method": "x"}'])
def test_a_bad_json_is_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "m.json"
    path.write_text(text)
    with pytest.raises(TaskvizError):
        AffinityMatrix.read(path)
