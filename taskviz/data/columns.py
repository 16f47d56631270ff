"""One column: is it numbers or text, what is missing in it, which levels has it."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

ColumnKind = Literal["number", "whole number", "yes/no", "text", "date", "empty"]

MISSING = ("", "na", "n/a", "#n/a", "#na", "nan", "-nan", "null", "<na>", "?")
"""Read as missing everywhere, whatever the case."""

MISSING_NUMBERS = ("none", "-", "--", "–", ".", "missing", "#div/0!", "#value!", "#ref!", "#num!")
"""Read as missing among numbers only: in a text column "none" may well be a level."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?inf(inity)?", re.ASCII | re.I)
_COMMA_NUMBER = re.compile(r"[+-]?(\d+,?\d*|,\d+)(e[+-]?\d+)?", re.ASCII | re.I)
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([ T].*)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}( .*)?", re.ASCII)
_WHOLE = 2.0**53


@dataclass(frozen=True)
class ColumnInfo:
    """What there is to know of a column before anything is decided.

    Args:
        name: of the column.
        kind: of its known cells.
        rows: all cells.
        missing: cells without a value.
        distinct: different known values.
    """

    name: str
    kind: ColumnKind
    rows: int
    missing: int
    distinct: int

    @property
    def missing_share(self) -> float:
        """From 0 to 1; 1 where there is no row."""
        return self.missing / self.rows if self.rows else 1.0


def describe_column(column: "pd.Series[Any]", name: str = "") -> ColumnInfo:
    """Kind and counts of a column of any dtype."""
    known = column.dropna()
    distinct = int(known.nunique())
    return ColumnInfo(
        name or str(column.name),
        _kind(known, distinct),
        len(column),
        len(column) - len(known),
        distinct,
    )


def _kind(known: "pd.Series[Any]", distinct: int) -> ColumnKind:
    import pandas as pd

    if not len(known):
        return "empty"
    if pd.api.types.is_bool_dtype(known.dtype):
        return "yes/no"
    if pd.api.types.is_numeric_dtype(known.dtype):
        values = known.to_numpy(dtype=np.float64)
        finite = values[np.isfinite(values)]
        return "whole number" if (finite == np.round(finite)).all() else "number"
    if pd.api.types.is_datetime64_any_dtype(known.dtype):
        return "date"
    some = known.iloc[:: max(len(known) // 200, 1)]
    return "date" if all(_DATE.fullmatch(str(cell)) for cell in some) else "text"


def label_of(value: object) -> str:
    """The name of a class: text as it stands, whole numbers without a decimal point."""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < _WHOLE:
        return str(int(value))
    return str(value)


def encode_levels(column: "pd.Series[Any]") -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Codes 0…k−1 (NaN where missing) and the names of the levels.

    Numbers and truth values are in their order, text in the order of its characters.
    """
    levels = sorted(column.dropna().unique().tolist(), key=_level_order)
    place = {level: float(i) for i, level in enumerate(levels)}
    codes = column.map(place).to_numpy(dtype=np.float64, na_value=np.nan)
    return codes, tuple(label_of(level) for level in levels)


def _level_order(level: object) -> tuple[int, float, str]:
    if isinstance(level, bool | int | float):
        return (0, float(level), "")
    return (1, 0.0, str(level))


def as_numbers(column: "pd.Series[Any]") -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """``(n,)`` numbers, NaN where missing or text; and ``(n,)`` True where text stands instead."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return values, np.zeros(len(values), dtype=bool)
    known = column.notna().to_numpy(dtype=bool)
    numbers = {cell: _number(str(cell)) for cell in column.dropna().unique().tolist()}
    parsed = [numbers.get(cell) if ok else None for cell, ok in zip(column, known, strict=True)]
    values = np.array([np.nan if p is None else p for p in parsed], dtype=np.float64)
    stray = np.array([p is None for p in parsed], dtype=bool) & known
    return values, stray


def _number(cell: str) -> float | None:
    """The number, NaN for a word that stands for "missing", None for any other text."""
    cell = cell.strip()
    if cell.lower() in MISSING or cell.lower() in MISSING_NUMBERS:
        return float("nan")
    return float(cell) if _NUMBER.fullmatch(cell) else None


def plain_column(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """A column of numbers, truth values, dates or text, whatever a caller's frame holds.

    Columns of mixed Python objects become text; categories their values; missing stays missing.
    """
    import pandas as pd

    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        return plain_column(column.astype(kind.categories.dtype))
    if pd.api.types.is_complex_dtype(kind):
        return column.astype("str")
    known_kinds = (
        pd.api.types.is_numeric_dtype,
        pd.api.types.is_bool_dtype,
        pd.api.types.is_datetime64_any_dtype,
        pd.api.types.is_string_dtype,
    )
    is_object = pd.api.types.is_object_dtype(kind)
    if not is_object and any(test(kind) for test in known_kinds):
        return column
    better = column.infer_objects()
    if is_object and not pd.api.types.is_object_dtype(better.dtype):
        return plain_column(better)
    known = column.notna()
    return column.map(str).where(known, None).astype("str")


def parse_text_column(cells: Any, comma: bool = False) -> tuple["pd.Series[Any]", bool]:
    """Text cells of a file as numbers where all known ones are numbers, else as text.

    Args:
        cells: a pyarrow (chunked) array of strings.
        comma: whether a decimal comma may be meant (the delimiter is something else).

    Returns:
        int64 where all cells are known whole numbers, float64 or text (outer blanks removed); and
        whether a decimal comma was read.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    cells = pc.utf8_trim_whitespace(cells)
    lower = pc.utf8_lower(cells)
    text = _without(cells, lower, MISSING)
    numbers = _without(text, lower, MISSING_NUMBERS)
    if numbers.null_count == len(numbers):
        if text.null_count == len(text):
            return pd.Series(np.full(len(text), np.nan)), False
        return _text(text), False
    # Arrow would read 0x10 as a whole number, so whole numbers are told by their look.
    whole = not numbers.null_count and pc.all(pc.match_substring_regex(numbers, "^-?[0-9]+$"))
    for wanted in (pa.int64(), pa.float64()) if whole and whole.as_py() else (pa.float64(),):
        try:
            return _numeric(pc.cast(numbers, wanted)), False
        except pa.ArrowInvalid:
            continue
    if comma and all(_COMMA_NUMBER.fullmatch(c) for c in _distinct(numbers)):
        return _numeric(pc.cast(pc.replace_substring(numbers, ",", "."), pa.float64())), True
    return _text(text), False


def _without(cells: Any, lower: Any, tokens: tuple[str, ...]) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    absent = pc.is_in(lower, value_set=pa.array(tokens, type=lower.type))
    return pc.if_else(absent, pa.scalar(None, type=cells.type), cells)


def _distinct(cells: Any) -> list[str]:
    return [cell for cell in cells.unique().to_pylist() if cell is not None]


def _numeric(cells: Any) -> "pd.Series[Any]":
    import pandas as pd

    return pd.Series(np.asarray(cells.to_numpy(zero_copy_only=False)))


def _text(cells: Any) -> "pd.Series[Any]":
    import pandas as pd

    text: pd.Series[Any] = pd.Series(pd.array(cells, dtype="str"))
    return text
