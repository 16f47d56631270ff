"""A table of the user's own: CSV or Parquet, read whole and described."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from taskviz.data.columns import ColumnInfo, describe_column
from taskviz.data.raw import Limits, RawTable
from taskviz.values import TaskvizError

if TYPE_CHECKING:
    import pandas as pd

CSV_SUFFIXES = (".csv", ".tsv", ".txt")
PARQUET_SUFFIXES = (".parquet", ".pq")
ARFF_SUFFIXES = (".arff",)
TABLE_SUFFIXES = CSV_SUFFIXES + PARQUET_SUFFIXES + ARFF_SUFFIXES


@dataclass(frozen=True, eq=False)
class Table:
    """A table as it was read.

    Args:
        label: what messages call it: the name of its file.
        frame: one column a name: int64, float64, bool or str; NaN where missing. Its index, named
            ``row``, is the row number in the file, the header being row 1.
        notes: sentences about what the reader had to assume.
        encoding: of a CSV file, else "".
        delimiter: of a CSV file, else "".
    """

    label: str
    frame: "pd.DataFrame"
    notes: tuple[str, ...] = ()
    encoding: str = ""
    delimiter: str = ""

    @cached_property
    def columns(self) -> tuple[ColumnInfo, ...]:
        """Kind and counts of each column."""
        return tuple(describe_column(self.frame[name]) for name in self.frame.columns)


def read_table(path: Path | str, *, label: str = "", limits: Limits | None = None) -> Table:
    """Read a CSV (also tab, semicolon or bar separated) or Parquet file by its ending.

    Args:
        path: the file.
        label: what messages call it; the name of the file where none is given.
        limits: on size, columns and cells.

    Raises:
        TaskvizError: no such file, another ending, or whatever is wrong in it, with its row.
    """
    path = Path(path)
    label = label or path.name
    limits = limits or Limits()
    suffix = path.suffix.lower()
    try:
        if not path.exists():
            raise TaskvizError(f"There is no file {path}: give the path of a CSV or Parquet file.")
        if not path.is_file():
            raise TaskvizError(f"{path} is not a file: give the path of a CSV or Parquet file.")
        if suffix in CSV_SUFFIXES:
            from taskviz.data.csv_file import read_csv

            raw = read_csv(path, label, limits)
        elif suffix in PARQUET_SUFFIXES:
            from taskviz.data.parquet_file import read_parquet

            raw = read_parquet(path, label, limits)
        elif suffix in ARFF_SUFFIXES:
            from taskviz.data.arff_file import read_arff

            raw = read_arff(path, label, limits)
        else:
            raise TaskvizError(
                f"Cannot read {label}: a table must end in .csv, .tsv, .parquet or .arff; "
                "save a spreadsheet as one of these."
            )
    except OSError as error:
        raise TaskvizError(
            f"Cannot open {path} ({error.strerror or error}): check the path and its permissions."
        ) from None
    return Table(label, _frame(raw), raw.notes, raw.encoding, raw.delimiter)


def _frame(raw: RawTable) -> "pd.DataFrame":
    import pandas as pd

    frame = pd.concat(raw.columns, axis=1, ignore_index=True)
    frame.columns = pd.Index(raw.names, dtype=object)
    first, last = int(raw.rows[0]), int(raw.rows[-1])
    contiguous = last - first + 1 == len(raw.rows)
    frame.index = pd.RangeIndex(first, last + 1) if contiguous else pd.Index(raw.rows)
    frame.index.name = "row"
    return frame
