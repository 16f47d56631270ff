"""CSV as people write it: delimiters, encodings, quotes, and every way to be broken."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskviz.data.raw import Limits
from taskviz.data.table import Table, read_table
from taskviz.values import TaskvizError


@pytest.fixture
def write(tmp_path):
    def write(data, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return write


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_delimiters_encodings_and_line_ends(write, delimiter, encoding, newline):
    rows = [["größe", "name", "y"], ["1.5", "é", "0"], ["-2e3", "b", "1"]]
    text = newline.join(delimiter.join(row) for row in rows) + newline
    table = read_table(write(text.encode(encoding)))
    assert table.delimiter == delimiter
    assert table.encoding == encoding
    assert list(table.frame.columns) == ["größe", "name", "y"]
    assert table.frame["größe"].tolist() == [1.5, -2000.0]
    assert table.frame["name"].tolist() == ["é", "b"]
    assert table.frame["y"].dtype == np.int64
    assert [bool("Latin-1" in note) for note in table.notes] == [True] * (encoding == "latin-1")


def test_values_survive_the_trip_bit_for_bit(write):
    values = np.random.default_rng(0).normal(size=(200, 3)) * 10.0 ** np.arange(-150, 151, 150)
    text = "a,b,c\n" + "\n".join(",".join(repr(float(v)) for v in row) for row in values)
    assert np.array_equal(read_table(write(text)).frame.to_numpy(), values)


def test_quotes_lines_in_cells_html_formulas_and_emoji_stay_text(write):
    text = (
        '"<b>x</b>",note,"a, ""b""",🙂\n'
        '1,"two\nlines",=1+1,<script>alert(1)</script>\n'
        '2,"semi;colon",@SUM(A1),🎉\n'
    )
    frame = read_table(write(text)).frame
    assert list(frame.columns) == ["<b>x</b>", "note", 'a, "b"', "🙂"]
    assert frame["note"].tolist() == ["two\nlines", "semi;colon"]
    assert frame['a, "b"'].tolist() == ["=1+1", "@SUM(A1)"]
    assert frame["🙂"].tolist() == ["<script>alert(1)</script>", "🎉"]
    assert frame.index.tolist() == [2, 3]


def test_missing_tokens(write):
    cells = ["", "NA", "n/a", "NaN", "null", "?", " "]
    text = "a,b\n" + "".join(f"{cell},{i}\n" for i, cell in enumerate(cells)) + "1.5,9\n"
    frame = read_table(write(text)).frame
    assert frame["a"].isna().tolist() == [True] * 7 + [False]
    assert frame["a"].iloc[-1] == 1.5


def test_none_is_a_level_in_text_and_missing_among_numbers(write):
    frame = read_table(write("pain,dose\nnone,1\nmild,none\nsevere,-\n")).frame
    assert frame["pain"].tolist() == ["none", "mild", "severe"]
    assert frame["dose"].isna().tolist() == [False, True, True]


def test_column_of_dashes_is_text_and_of_blanks_is_empty(write):
    frame = read_table(write("a,b,c\n-,,1\n-,NA,2\n")).frame
    assert frame["a"].tolist() == ["-", "-"]
    assert frame["b"].isna().all()
    assert frame["b"].dtype == np.float64


def test_infinite_values_are_kept_for_the_check(write):
    frame = read_table(write("a,b\ninf,1\n-Infinity,2\n1e999,3\n")).frame
    assert frame["a"].tolist() == [np.inf, -np.inf, np.inf]


@pytest.mark.parametrize("cell", ["0x10", "1_000", "١٢", "1,5", "1 2", "1e", "--1", "abc"])
def test_what_is_no_number_stays_text(write, cell):
    frame = read_table(write(f'a,b\n1,2\n"{cell}",3\n')).frame
    assert frame["a"].tolist() == ["1", cell]


def test_decimal_comma_where_the_delimiter_allows_it(write):
    table = read_table(write("a;b\n1,5;x\n-2,25;y\n;x\n3;x\n"))
    assert table.frame["a"].tolist()[:2] == [1.5, -2.25]
    assert any("decimal point in column 'a'" in note for note in table.notes)
    with pytest.raises(TaskvizError, match="Row 2"):
        read_table(write("a,b\n1,5,x\n"))


def test_big_whole_numbers_keep_every_digit(write):
    frame = read_table(write("id,a\n9007199254740993,1\n9007199254740995,2\n")).frame
    assert frame["id"].tolist() == [9007199254740993, 9007199254740995]


@pytest.mark.parametrize(
    ("text", "row", "cells"),
    [
        ("a,b\n1,2\n3\n", 3, 1),
        ("a,b\n1,2\n3,4,5\n", 3, 3),
        ("a,b\n\n1,2\n\n3,4,5\n", 5, 3),
        ('a,b\n"x\ny",2\n3,4,5\n', 3, 3),
    ],
)
def test_ragged_row_is_told_with_its_number(write, text, row, cells):
    with pytest.raises(TaskvizError) as caught:
        read_table(write(text))
    plural = "s" if cells != 1 else ""
    assert f"Row {row} of t.csv has {cells} cell{plural} but the header has 2" in str(caught.value)


def test_blank_lines_count_but_hold_no_data(write):
    table = read_table(write("\n\na,b\n1,2\n\n3,4\n,\n"))
    assert table.frame.index.tolist() == [4, 6]
    assert any("header is taken from row 3" in note for note in table.notes)
    assert any("Row 7 is empty" in note for note in table.notes)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\n\n  \n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"a,b\n", "no data rows"),
        (b"a,b\n,\n\n", "no data rows"),
        (b"a,b,a\n1,2,3\n", "Columns 1 and 3 of t.csv are both named 'a'"),
        (b"a, a \n1,2\n", "both named 'a'"),
        (b"a,b\n1,\x002\n", r"byte 7 is zero"),
        (b"\xff\xfea\x00,\x00b\x00\n\x00\x00\xd8\x00\xd8", "begins as UTF-16 but cannot"),
        (b'a,b\n1,"' + b"x" * 200_000, "Row 2 of t.csv .*quotation mark"),
        (bytes(range(1, 32)) * 20, "control characters"),
    ],
)
def test_broken_files_are_told_in_a_sentence(write, data, words):
    with pytest.raises(TaskvizError, match=words) as caught:
        read_table(write(data))
    assert str(caught.value).rstrip().endswith(".")


def test_nameless_columns_get_a_name_and_a_note(write):
    table = read_table(write(",column 3,,b\x01c\n1,2,3,4\n"))
    assert list(table.frame.columns) == ["column 1", "column 3", "column 3_", "b c"]
    assert any("Columns 1, 3 have no name" in note for note in table.notes)


def test_header_of_numbers_is_noted(write):
    assert any("numbers only" in note for note in read_table(write("0,1\n1,2\n")).notes)
    assert not read_table(write("a,1\n1,2\n")).notes


def test_caps(write):
    path = write("a,b,c\n" + "1,2,3\n" * 50)
    assert len(read_table(path, limits=Limits(cells=150)).frame) == 50
    with pytest.raises(TaskvizError, match="more than the 149 cells"):
        read_table(path, limits=Limits(cells=149))
    with pytest.raises(TaskvizError, match="3 columns, more than the 2"):
        read_table(path, limits=Limits(columns=2))
    with pytest.raises(TaskvizError, match=r"0\.0 MB, more than"):
        read_table(path, limits=Limits(size=100))


def test_many_chunks_join_in_order(write, monkeypatch):
    monkeypatch.setattr("taskviz.data.csv_file._CHUNK", 8)
    table = read_table(write("a,b\n" + "".join(f"{i},{'xyz'[i % 3]}\n" for i in range(101))))
    assert table.frame["a"].tolist() == list(range(101))
    assert table.frame["b"].tolist() == ["xyz"[i % 3] for i in range(101)]


def test_overlong_line(write, monkeypatch):
    monkeypatch.setattr("taskviz.data.csv_file._LINE", 50)
    with pytest.raises(TaskvizError, match=r"Line 2 of t\.csv is longer than 50"):
        read_table(write("a,b\n1," + "2" * 60 + "\n"))


def test_one_column_is_a_table(write):
    assert read_table(write("a\n1\n2\n")).frame["a"].tolist() == [1, 2]


def test_path_problems(tmp_path):
    with pytest.raises(TaskvizError, match="There is no file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(TaskvizError, match="is not a file"):
        read_table(tmp_path)
    (tmp_path / "t.xlsx").write_bytes(b"PK")
    with pytest.raises(TaskvizError, match=r"must end in \.csv"):
        read_table(tmp_path / "t.xlsx")


def test_column_info(write):
    table = read_table(write("n,w,t,d,e\n1.5,1,a,2024-01-31,\n2.5,2,b,2024-02-01,\n,2,,,\n"))
    told = {c.name: (c.kind, c.distinct, c.missing) for c in table.columns}
    assert told == {
        "n": ("number", 2, 1),
        "w": ("whole number", 2, 0),
        "t": ("text", 2, 1),
        "d": ("date", 2, 1),
        "e": ("empty", 0, 3),
    }
    assert table.columns[0].missing_share == pytest.approx(1 / 3)


CSV_LIKE = st.lists(
    st.sampled_from(
        [b"a", b"1", b"-2.5", b",", b";", b"\t", b"|", b'"', b"\n", b"\r", b" ", b"inf", b"\xff"]  # noqa: RUF005
        + [b"\xef\xbb\xbf", b"\xff\xfe", b"NA", b"\xe2\x82\xac", b"\x00", b"1,5"]
    ),
    max_size=60,
).map(b"".join)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.one_of(st.binary(max_size=300), CSV_LIKE))
def test_any_bytes_give_a_table_or_a_sentence(tmp_path, data):
    path = tmp_path / "fuzz.csv"
    path.write_bytes(data)
    try:
        table = read_table(path)
    except TaskvizError:
        return
    assert isinstance(table, Table)
    assert len(table.frame) >= 1
    assert table.frame.columns.is_unique
    assert len(table.columns) == table.frame.shape[1]
    assert table.frame.index.is_monotonic_increasing


def test_the_length_of_a_cell_is_ours_whatever_a_package_set(tmp_path):
    import csv

    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + '"' + "x" * 200_000 + "\n")
    before = csv.field_size_limit(10_000_000)
    try:
        with pytest.raises(TaskvizError, match="quotation mark"):
            read_table(path)
        assert csv.field_size_limit() == 10_000_000
    finally:
        csv.field_size_limit(before)
