"""Parquet: every flat type, and files that are broken."""

import datetime
import decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskviz.data.raw import Limits
from taskviz.data.table import read_table
from taskviz.values import TaskvizError


@pytest.fixture
def write(tmp_path):
    def write(columns, name="t.parquet"):
        pq.write_table(pa.table(columns), tmp_path / name)
        return tmp_path / name

    return write


def test_types(write):
    day = datetime.date(2024, 1, 31)
    frame = read_table(
        write(
            {
                "int": pa.array([1, 2, 3], pa.int8()),
                "uint": pa.array([1, 2, 2**64 - 1], pa.uint64()),
                "gap": pa.array([1, None, 3], pa.int32()),
                "float": pa.array([1.5, None, float("inf")], pa.float32()),
                "half": pa.array([np.float16(1), np.float16(2), np.float16(3)]),
                "bool": [True, False, True],
                "maybe": pa.array([True, None, False]),
                "text": ["a", None, ""],
                "digits": ["1", "2.5", "NA"],
                "cat": pa.array(["x", "y", "x"]).dictionary_encode(),
                "dec": [decimal.Decimal("1.25"), None, decimal.Decimal("2")],
                "day": [day, None, day],
                "null": pa.nulls(3),
            }
        )
    ).frame
    assert frame["int"].tolist() == [1, 2, 3]
    assert frame["uint"].tolist() == [1, 2, 2**64 - 1]
    assert frame["gap"].isna().tolist() == [False, True, False]
    assert frame["float"].iloc[2] == np.inf
    assert frame["half"].tolist() == [1, 2, 3]
    assert frame["bool"].dtype == bool
    assert frame["maybe"].tolist()[::2] == [1.0, 0.0]
    assert frame["text"].isna().tolist() == [False, True, True]
    assert frame["digits"].tolist()[:2] == [1.0, 2.5]
    assert frame["cat"].tolist() == ["x", "y", "x"]
    assert frame["dec"].tolist()[::2] == [1.25, 2.0]
    assert frame["day"].tolist()[0] == "2024-01-31"
    assert frame["null"].isna().all()
    assert frame.index.tolist() == [2, 3, 4]


def test_nested_and_binary_columns_are_left_out_with_a_note(write):
    table = read_table(write({"a": [1, 2], "list": [[1], [2, 3]], "bytes": [b"a", b"b"]}))
    assert list(table.frame.columns) == ["a"]
    assert [note.split(" holds ")[0] for note in table.notes] == ["Column 'list'", "Column 'bytes'"]


def test_pandas_index_is_left_out(tmp_path):
    frame = pd.DataFrame({"a": [1, 2], "b": [3.5, 4.5]}, index=[7, 9])
    frame.to_parquet(tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert list(table.frame.columns) == ["a", "b"]
    assert "index" in table.notes[0]


def test_same_values_as_csv(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=30), "c": list("ab") * 15, "y": np.arange(30) % 2})
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(
        read_table(tmp_path / "t.csv").frame, read_table(tmp_path / "t.parquet").frame
    )


def test_broken_files(write, tmp_path):
    path = write({"a": list(range(100)), "b": list(range(100))})
    data = path.read_bytes()
    for name, broken, words in (
        ("empty", b"", "is empty"),
        ("text", b"a,b\n1,2\n", "does not begin with PAR1"),
        ("short", data[:40], "cannot be read as Parquet"),
        ("middle", data[:50] + b"\xff" * 60 + data[110:], ""),
        ("magic", b"PAR1" * 10, "cannot be read as Parquet"),
    ):
        (tmp_path / f"{name}.parquet").write_bytes(broken)
        if words:
            with pytest.raises(TaskvizError, match=words):
                read_table(tmp_path / f"{name}.parquet")
        else:
            _read_or_error(tmp_path / f"{name}.parquet")


def _read_or_error(path):
    try:
        frame = read_table(path).frame
    except TaskvizError:
        return
    assert len(frame) > 0


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_a_flipped_byte_gives_a_table_or_a_sentence(tmp_path, place, byte):
    path = tmp_path / "whole.parquet"
    if not path.exists():
        pq.write_table(pa.table({"a": list(range(50)), "t": ["x", "y"] * 25}), path)
    data = bytearray(path.read_bytes())
    data[place % len(data)] = byte
    (tmp_path / "flipped.parquet").write_bytes(data)
    _read_or_error(tmp_path / "flipped.parquet")


def test_no_rows_and_no_columns(write):
    with pytest.raises(TaskvizError, match="no data rows"):
        read_table(write({"a": pa.array([], pa.int64())}))
    with pytest.raises(TaskvizError, match="no column of numbers or text"):
        read_table(write({"a": [[1], [2]]}))


def test_caps_hold_before_anything_is_decoded(write):
    # A constant column packs a million cells into a few hundred bytes.
    path = write({"a": np.zeros(1_000_000), "b": np.zeros(1_000_000)})
    assert path.stat().st_size < 20_000
    with pytest.raises(TaskvizError, match="more than the 1,000,000 cells"):
        read_table(path, limits=Limits(cells=1_000_000))
    with pytest.raises(TaskvizError, match="2 columns, more than the 1"):
        read_table(path, limits=Limits(columns=1))
    long = write({"a": ["x" * 1000] * 5000})
    with pytest.raises(TaskvizError, match=r"once decoded|MB, more than"):
        read_table(long, limits=Limits(size=2000))


def test_repeated_names(tmp_path):
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(TaskvizError, match="both named 'a'"):
        read_table(tmp_path / "t.parquet")
