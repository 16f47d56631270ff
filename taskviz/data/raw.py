"""What a file reader hands on: columns of text or numbers, where each row stood, and remarks."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taskviz.values import TaskvizError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Limits:
    """The largest table that is read, so that no file can fill the memory.

    Args:
        size: bytes of the file.
        columns: columns of the header.
        cells: rows times columns.
    """

    size: int = 200_000_000
    columns: int = 20_000
    cells: int = 50_000_000

    def check_size(self, size: int, label: str) -> None:
        """Raise where the file is empty or too large."""
        if size == 0:
            raise TaskvizError(f"{label} is empty: a header row and data rows are needed.")
        if size > self.size:
            raise TaskvizError(
                f"{label} has {megabytes(size)}, more than the {megabytes(self.size)} that are "
                "read: leave out columns or rows, or save it as Parquet."
            )

    def check_shape(self, columns: int, rows: int, label: str) -> None:
        """Raise where there are too many columns or cells."""
        if columns > self.columns:
            raise TaskvizError(
                f"{label} has {columns:,} columns, more than the {self.columns:,} that are read: "
                "leave some out."
            )
        if columns * rows > self.cells:
            raise TaskvizError(
                f"{label} has more than the {self.cells:,} cells (rows times columns) that are "
                "read: leave out columns or rows."
            )


@dataclass(frozen=True, eq=False)
class RawTable:
    """Columns as they stand in a file.

    Args:
        names: clean and unique.
        columns: one a name, index 0…n−1.
        rows: ``(n,)`` row number of each row in the file; the header is row 1.
        notes: sentences about what the reader had to assume.
        encoding: of a text file.
        delimiter: of a text file.
    """

    names: tuple[str, ...]
    columns: tuple["pd.Series[Any]", ...]
    rows: NDArray[np.int64]
    notes: tuple[str, ...] = ()
    encoding: str = ""
    delimiter: str = ""


def megabytes(size: int) -> str:
    """A size for people, in units of 10⁶ bytes."""
    return f"{size / 1e6:,.1f} MB" if size < 1e7 else f"{size / 1e6:,.0f} MB"


def clean_names(header: Sequence[str], label: str) -> tuple[tuple[str, ...], list[str]]:
    """Column names without control characters and outer blanks, none empty, all different.

    Returns:
        The names, and a note where names had to be made up.

    Raises:
        TaskvizError: a name that occurs twice; both places are told.
    """
    names = [_clean(name) for name in header]
    unnamed = [i for i, name in enumerate(names) if not name]
    taken = set(names)
    for i in unnamed:
        name = f"column {i + 1}"
        while name in taken:
            name += "_"
        names[i] = name
        taken.add(name)
    seen: dict[str, int] = {}
    for i, name in enumerate(names):
        if name in seen:
            raise TaskvizError(
                f"Columns {seen[name] + 1} and {i + 1} of {label} are both named {name!r}: "
                "give every column a name of its own."
            )
        seen[name] = i
    if not unnamed:
        return tuple(names), []
    some = ", ".join(str(i + 1) for i in unnamed[:5]) + (", …" if len(unnamed) > 5 else "")
    which = f"Column {some} has" if len(unnamed) == 1 else f"Columns {some} have"
    return tuple(names), [f"{which} no name in the header and got one after the position."]


def _clean(name: str) -> str:
    plain = "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in name)
    return plain.strip().removeprefix("\ufeff").strip()
