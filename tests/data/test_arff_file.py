"""ARFF files: dense, sparse, and broken."""

import numpy as np
import pytest

from taskviz.data.reference import CollectionRef, open_collection
from taskviz.data.table import read_table
from taskviz.values import TaskvizError

HEAD = """% MULAN writes such files
@relation 'emotions: -C 2'

@attribute size numeric
@ATTRIBUTE "the colour" {red, 'dark blue', green}
@attribute note string
@attribute amazed {0,1}
@attribute calm {0,1}
@data
"""


def table(tmp_path, text, name="t.arff"):
    path = tmp_path / name
    path.write_text(text)
    return read_table(path)


def test_dense_rows(tmp_path):
    found = table(tmp_path, HEAD + "1.5,red,'a, b',0,1\n% remark\n?,'dark blue',x,1,?\n")
    frame = found.frame
    assert list(frame.columns) == ["size", "the colour", "note", "amazed", "calm"]
    assert frame["size"].tolist()[0] == 1.5
    assert np.isnan(frame["size"].tolist()[1])
    assert frame["the colour"].tolist() == ["red", "dark blue"]
    assert frame["note"].tolist() == ["a, b", "x"]
    assert list(frame.index) == [10, 12]


def test_sparse_rows(tmp_path):
    frame = table(tmp_path, HEAD + "{0 2.5, 3 1}\n{1 green, 4 ?}\n").frame
    assert frame["size"].tolist() == [2.5, 0.0]
    assert frame["the colour"].tolist() == ["red", "green"]
    assert frame["amazed"].tolist() == [1, 0]
    assert np.isnan(frame["calm"].tolist()[1])


def test_agrees_with_scipy_on_what_scipy_reads(tmp_path):
    from scipy.io import arff

    text = "@relation r\n@attribute a real\n@attribute b {x,y}\n@data\n1,x\n2.5,y\n?,x\n"
    frame = table(tmp_path, text).frame
    data, _ = arff.loadarff(tmp_path / "t.arff")
    assert np.array_equal(frame["a"], data["a"], equal_nan=True)
    assert frame["b"].tolist() == [v.decode() for v in data["b"]]


def test_as_a_collection(tmp_path):
    rows = "\n".join(f"{i * i % 7},red,x,{i % 2},{(i // 2) % 2}" for i in range(40))
    (tmp_path / "m.arff").write_text(HEAD + rows + "\n")
    ref = CollectionRef(str(tmp_path / "m.arff"), targets=("amazed", "calm"))
    collection = open_collection(ref)
    assert collection.names == ("amazed", "calm")
    assert collection.n == 40


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD, "has no rows after @data"),
        ("@relation r\n@data\n1\n", "declares no @attribute"),
        ("@relation r\n@attribute a real\n1\n", "Line 3 .* is needed there"),
        ("@relation r\n@attribute a real\n", "has no line @data"),
        ("@attribute a complex\n@data\n1\n", "the type 'complex' is not read"),
        ("@attribute a {x,y\n@data\nx\n", "not closed by a brace"),
        (HEAD + "1,red,x,0\n", "Line 10 .* has 4 cells but there are 5"),
        (HEAD + "1,red,x,0,1,2\n", "has 6 cells"),
        (HEAD + "nan,red,x,0,1\n", "attribute 'size': 'nan' is not a number"),
        (HEAD + "1,pink,x,0,1\n", "'pink' is none of its values, red, dark blue, green"),
        (HEAD + "{9 1}\n", "no entry of a sparse row"),
        ("a,b\n1,2\n", "Line 1 .* is 'a,b'"),
        ("\0\0", "is not a text file"),
    ],
)
def test_broken(tmp_path, text, words):
    with pytest.raises(TaskvizError, match=words):
        table(tmp_path, text)
