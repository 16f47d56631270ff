"""ARFF files (Weka, MULAN): dense or sparse rows of numbers, nominal values and text."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from taskviz.data.columns import parse_text_column
from taskviz.data.raw import Limits, RawTable, clean_names
from taskviz.values import TaskvizError

if TYPE_CHECKING:
    pass

_ATTRIBUTE = re.compile(
    r"""@attribute\s+('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\S+)\s+(.+)""", re.I | re.S
)
_NUMERIC = ("numeric", "real", "integer")


def read_arff(path: Path, label: str, limits: Limits) -> RawTable:
    """Read an ARFF file whole, or say in one sentence why it is none.

    Rows count as lines of the file.

    Raises:
        TaskvizError: no header, an attribute of another type, a row with too few or too many
            cells, a cell that its attribute does not allow.
    """
    import pyarrow as pa

    limits.check_size(path.stat().st_size, label)
    lines = _lines(path, label)
    names, kinds = _header(lines, label)
    limits.check_shape(len(names), 0, label)
    clean, notes = clean_names(names, label)
    rows: list[int] = []
    cells: list[list[str]] = []
    for number, line in lines:
        row = _row(line, kinds, f"Line {number} of {label}", clean)
        rows.append(number)
        cells.append(row)
        limits.check_shape(len(names), len(rows), label)
    if not rows:
        raise TaskvizError(f"{label} has no rows after @data: at least one is needed.")
    columns = tuple(
        parse_text_column(pa.chunked_array([pa.array(column, type=pa.string())]))[0]
        for column in zip(*cells, strict=True)
    )
    return RawTable(clean, columns, np.array(rows), tuple(notes), "utf-8")


def _lines(path: Path, label: str) -> Iterator[tuple[int, str]]:
    raw = path.read_bytes()
    if b"\0" in raw:
        raise TaskvizError(f"{label} is not a text file: an ARFF file is needed.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    for number, line in enumerate(text.splitlines(), 1):
        plain = line.strip()
        if plain and not plain.startswith("%"):
            yield number, plain


def _header(lines: Iterator[tuple[int, str]], label: str) -> tuple[list[str], list[Any]]:
    names: list[str] = []
    kinds: list[Any] = []
    for number, line in lines:
        word = line.split(None, 1)[0].lower()
        if word == "@data":
            if not names:
                raise TaskvizError(f"{label} declares no @attribute before @data.")
            return names, kinds
        if word == "@relation":
            continue
        found = _ATTRIBUTE.fullmatch(line) if word == "@attribute" else None
        if found is None:
            raise TaskvizError(
                f"Line {number} of {label} is {line[:40]!r}; @relation, @attribute NAME TYPE or "
                "@data is needed there."
            )
        names.append(_unquote(found[1]))
        kinds.append(_kind(found[2].strip(), f"Line {number} of {label}"))
    raise TaskvizError(f"{label} has no line @data: an ARFF file has a header, then @data.")


def _kind(text: str, where: str) -> Any:
    """A tuple of nominal values, or the word of another type."""
    if text.startswith("{"):
        if not text.rstrip().endswith("}"):
            raise TaskvizError(f"{where}: the list of values is not closed by a brace.")
        return tuple(_split(text.strip()[1:-1], where))
    word = text.split()[0].lower()
    if word not in (*_NUMERIC, "string", "date"):
        raise TaskvizError(
            f"{where}: the type {text[:30]!r} is not read; numeric, a list of values in braces, "
            "string or date is."
        )
    return word


def _row(line: str, kinds: list[Any], where: str, names: tuple[str, ...]) -> list[str]:
    if line.startswith("{"):
        cells = _sparse(line, kinds, where)
    else:
        cells = _split(line, where)
        if len(cells) != len(kinds):
            raise TaskvizError(
                f"{where} has {len(cells)} cells but there are {len(kinds)} attributes."
            )
    for cell, kind, name in zip(cells, kinds, names, strict=True):
        if cell == "?":
            continue
        if isinstance(kind, tuple) and cell not in kind:
            raise TaskvizError(
                f"{where}, attribute {name!r}: {cell[:40]!r} is none of its values, "
                f"{', '.join(kind[:8])}."
            )
        if kind in _NUMERIC and not _is_number(cell):
            raise TaskvizError(f"{where}, attribute {name!r}: {cell[:40]!r} is not a number.")
    return ["" if cell == "?" else cell for cell in cells]


def _sparse(line: str, kinds: list[Any], where: str) -> list[str]:
    # What a sparse row leaves out is 0, or the first value of a nominal attribute.
    cells = [kind[0] if isinstance(kind, tuple) else "0" for kind in kinds]
    for part in _split(line.strip().removeprefix("{").removesuffix("}"), where):
        place, _, value = part.strip().partition(" ")
        if not part.strip():
            continue
        if not place.isdigit() or int(place) >= len(kinds) or not value.strip():
            raise TaskvizError(
                f"{where}: {part[:40]!r} is no entry of a sparse row; the number of an attribute "
                "and its value are needed."
            )
        cells[int(place)] = _unquote(value.strip())
    return cells


def _split(text: str, where: str) -> list[str]:
    quote = "'" if text.count("'") >= 2 else '"'
    try:
        cells = next(csv.reader([text], quotechar=quote, skipinitialspace=True, escapechar="\\"))
    except (csv.Error, StopIteration):
        raise TaskvizError(f"{where} cannot be split at its commas.") from None
    return [_unquote(cell.strip()) for cell in cells]


def _unquote(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"":
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def _is_number(cell: str) -> bool:
    try:
        return bool(np.isfinite(float(cell)))
    except ValueError:
        return False
