from pathlib import Path

import numpy as np
import pytest

from taskviz.cache import Cache
from taskviz.ui.imports import KIND, find, import_scores, labels
from taskviz.ui.labels import told_apart
from taskviz.values import AffinityMatrix, SubsetTable, TaskvizError

MATRIX = b"x,a,b\na,1,0.5\nb,0.25,1\n"
TABLE = b"subset,cost,a,b\na,1,2,\nb,1,,2\na+b,1,1,1\n"


def test_a_matrix_and_a_table_come_back(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    first = import_scores(MATRIX, "affinity.csv", cache)
    second = import_scores(TABLE, "networks.CSV", cache)
    assert import_scores(MATRIX, "affinity.csv", cache) == first
    matrix, table = find(first, Cache(tmp_path)), find(second, Cache(tmp_path))
    assert isinstance(matrix, AffinityMatrix)
    assert np.array_equal(matrix.values, [[1, 0.5], [0.25, 1]])
    assert isinstance(table, SubsetTable)
    assert len(table) == 3
    assert sorted(labels(cache).values()) == [
        "Imported affinity matrix · affinity.csv",
        "Imported subset table · networks.csv",
    ]


def test_json_as_saved(tmp_path: Path) -> None:
    path = AffinityMatrix(np.eye(3), ("a", "b", "c"), "sca").save(tmp_path / "m.json")
    found = find(import_scores(path.read_bytes(), "m.json", Cache(tmp_path)), Cache(tmp_path))
    assert isinstance(found, AffinityMatrix)
    assert found.method == "sca"


@pytest.mark.parametrize(
    ("data", "name", "says"),
    [
        (b"", "empty.csv", "square matrix"),
        (b"x,a,b\na,1,nan\nb,0,1\n", "m.csv", "from 'a' to 'b' is nan"),
        (b"x,a,b\na,1,\nb,0,1\n", "m.csv", "row 'a', column 'b': '' is not a number"),
        (b"x,a,b\na,1,2\n", "m.csv", "1 rows and 2 columns"),
        (b"x,a,a\na,1,2\na,1,2\n", "m.csv", "'a'"),
        (b"subset,a,b\na+z,1,\n", "t.csv", "names 'z'"),
        (b"subset,a,b\na,x,\n", "t.csv", "row 2, column 'a': 'x' is not a finite number"),
        (b"\xff\xfe\x00", "m.csv", "not a CSV file in UTF-8"),
        (b"[1, 2]", "m.json", "affinity matrix"),
        (b"{", "m.json", "m.json"),
    ],
)
def test_bad_files_get_one_sentence_and_leave_nothing(
    data: bytes, name: str, says: str, tmp_path: Path
) -> None:
    cache = Cache(tmp_path)
    with pytest.raises(TaskvizError) as caught:
        import_scores(data, name, cache)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(cache.entries(KIND)) == []


def test_a_name_is_a_label_and_never_a_path(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    key = import_scores(MATRIX, "../../evil.csv", cache)
    assert find(key, cache) is not None
    assert not list(tmp_path.glob("*.csv"))
    assert find("i-../../etc", cache) is None
    assert find("i-", cache) is None
    assert find(None, cache) is None


def test_two_files_of_one_name_can_be_told_apart(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    for data in (MATRIX, MATRIX.replace(b"0.5", b"0.6")):
        import_scores(data, "same.csv", cache)
    names = told_apart(labels(cache))
    assert len(set(names.values())) == len(names) == 2
