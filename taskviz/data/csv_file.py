"""CSV files: delimiter, encoding and every row checked before a value is believed."""

import codecs
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from taskviz.data.columns import parse_text_column
from taskviz.data.raw import Limits, RawTable, clean_names
from taskviz.values import TaskvizError

if TYPE_CHECKING:
    import pandas as pd

DELIMITERS = (",", ";", "\t", "|")
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_SAMPLE = 1 << 18  # characters looked at for the delimiter
_LINE = 1 << 24  # characters; a longer line is no table
_CELL = 1 << 17  # characters of a cell; more are a quotation mark that is never closed
_CHUNK = 1 << 20  # cells held as Python objects at a time


def read_csv(path: Path, label: str, limits: Limits) -> RawTable:
    """Read a CSV file whole, or say in one sentence why it is none.

    Args:
        path: an existing file.
        label: what messages call it.
        limits: checked before and while reading.

    Raises:
        TaskvizError: empty, header only, binary, too large, a row with too few or too many cells,
            a column name that occurs twice.
    """
    # The limit is one of the process, and some packages lift it where they are imported.
    before = csv.field_size_limit(_CELL)
    try:
        return _read(path, label, limits)
    finally:
        csv.field_size_limit(before)


def _read(path: Path, label: str, limits: Limits) -> RawTable:
    import pyarrow as pa

    limits.check_size(path.stat().st_size, label)
    encoding, notes = _encoding(path, label)
    delimiter = _delimiter(path, encoding, label)
    records = _records(path, encoding, delimiter, label)
    header_row, header = next(((row, r) for row, r in records if _filled(r)), (0, []))
    if not header:
        raise TaskvizError(f"{label} is empty: a header row and data rows are needed.")
    limits.check_shape(len(header), 0, label)
    names, named = clean_names(header, label)
    notes += named + _header_notes(header, header_row)
    chunks: list[list[Any]] = [[] for _ in names]
    rows: list[int] = []
    empty: list[int] = []
    pending: list[list[str]] = []

    def flush() -> None:
        for chunk, cells in zip(chunks, zip(*pending, strict=True), strict=True):
            chunk.append(pa.array(cells, type=pa.string()))
        pending.clear()

    for row, record in records:
        if not _filled(record):
            # Spreadsheets like to end a file in rows of nothing but delimiters.
            empty += [row] if record else []
            continue
        if len(record) != len(names):
            raise _ragged(label, row, len(record), len(names), delimiter)
        rows.append(row)
        pending.append(record)
        limits.check_shape(len(names), len(rows), label)
        if len(pending) * len(names) >= _CHUNK:
            flush()
    if not rows:
        raise TaskvizError(f"{label} has a header but no data rows: at least one is needed.")
    if pending:
        flush()
    if empty:
        which = f"Row {empty[0]} is" if len(empty) == 1 else f"{len(empty)} rows are"
        first = "" if len(empty) == 1 else f" (the first is row {empty[0]})"
        notes.append(f"{which} empty and left out{first}.")
    columns, commas = _parse(chunks, delimiter)
    if commas:
        notes.append(
            f"A comma is read as the decimal point in column {names[commas[0]]!r}"
            + (f" and {len(commas) - 1} more." if len(commas) > 1 else ".")
        )
    return RawTable(names, columns, np.array(rows), tuple(notes), encoding, delimiter)


def _parse(
    chunks: list[list[Any]], delimiter: str
) -> tuple[tuple["pd.Series[Any]", ...], list[int]]:
    import pyarrow as pa

    columns, commas = [], []
    for i, chunk in enumerate(chunks):
        column, comma = parse_text_column(pa.chunked_array(chunk), comma=delimiter != ",")
        chunk.clear()
        columns.append(column)
        commas += [i] if comma else []
    return tuple(columns), commas


def _filled(record: list[str]) -> bool:
    return any(cell and not cell.isspace() for cell in record)


def _ragged(label: str, row: int, cells: int, columns: int, delimiter: str) -> TaskvizError:
    return TaskvizError(
        f"Row {row} of {label} has {cells} cell{'' if cells == 1 else 's'} but the header has "
        f"{columns}: give every row one cell a column, and put text that holds a "
        f"{_NAMES[delimiter]} in double quotes."
    )


def _header_notes(header: list[str], row: int) -> list[str]:
    notes = [] if row == 1 else [f"The header is taken from row {row}, the first that is filled."]
    try:
        for cell in header:
            float(cell)
    except ValueError:
        return notes
    return [*notes, "The header holds numbers only: the file may lack a row of column names."]


def _encoding(path: Path, label: str) -> tuple[str, list[str]]:
    with path.open("rb") as file:
        head = file.read(4)
        for mark, name in _BOMS:
            if head.startswith(mark):
                return name, []
        file.seek(0)
        decoder: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
        control, size = 0, 0
        while block := file.read(1 << 20):
            if 0 in block:
                raise TaskvizError(
                    f"{label} is not a text file (byte {size + block.index(0) + 1:,} is zero): "
                    "save the table as CSV in UTF-8 or as Parquet."
                )
            size += len(block)
            control += len(block) - len(block.translate(None, _CONTROL))
            if decoder is not None:
                try:
                    decoder.decode(block, final=len(block) < 1 << 20)
                except UnicodeDecodeError:
                    decoder = None
    if control > 8 and control > size / 100:
        raise TaskvizError(
            f"{label} is not a text file ({control:,} of its {size:,} bytes are control "
            "characters): save the table as CSV in UTF-8 or as Parquet."
        )
    if decoder is not None:
        return "utf-8", []
    return "latin-1", [
        "The file is not in UTF-8 and was read as Latin-1: check names with accents."
    ]


_CONTROL = bytes(c for c in range(32) if c not in b"\t\n\r\f\x1a")


def _lines(path: Path, encoding: str, label: str) -> Iterator[str]:
    with path.open("r", encoding=encoding, newline="") as file:
        number = 0
        while True:
            number += 1
            try:
                line = file.readline(_LINE + 1)
            except UnicodeError as error:
                raise TaskvizError(
                    f"{label} begins as {encoding.upper()} but cannot be read to its end "
                    f"({error}): save it again as CSV in UTF-8."
                ) from None
            if not line:
                return
            if len(line) > _LINE:
                raise TaskvizError(
                    f"Line {number} of {label} is longer than {_LINE:,} characters: "
                    "a table with one row a line is needed."
                )
            yield line


def _records(
    path: Path, encoding: str, delimiter: str, label: str
) -> Iterator[tuple[int, list[str]]]:
    """Row number (blank lines count, lines within quotes do not) and cells."""
    reader = csv.reader(_lines(path, encoding, label), delimiter=delimiter)
    row = 0
    while True:
        row += 1
        try:
            record = next(reader, None)
        except csv.Error as error:
            raise TaskvizError(
                f"Row {row} of {label} cannot be read ({error}): "
                "look there for a quotation mark that is opened and never closed."
            ) from None
        if record is None:
            return
        yield row, record


def _delimiter(path: Path, encoding: str, label: str) -> str:
    """The delimiter that splits the header, and the rows after it most evenly."""
    taken, length = [], 0
    for line in _lines(path, encoding, label):
        taken.append(line)
        length += len(line)
        if length > _SAMPLE or len(taken) > 200:
            break
    best, chosen = (0.0, 0), ","
    for delimiter in DELIMITERS:
        try:
            sample = csv.reader(io.StringIO("".join(taken), newline=""), delimiter=delimiter)
            records = [len(record) for record in sample if _filled(record)]
        except csv.Error:
            continue
        if not records or records[0] < 2:
            continue
        even = sum(count == records[0] for count in records) / len(records)
        if (even, records[0]) > best:
            best, chosen = (even, records[0]), delimiter
    return chosen
