"""Folders of the MIMIC-III benchmark (Harutyunyan et al., Scientific Data 2019), one a task.

In-hospital mortality, decompensation and phenotyping: ``train/`` and ``test/`` with one CSV a stay
and ``listfile.csv``; where the benchmark's own split was made, ``train_listfile.csv``,
``val_listfile.csv`` and ``test_listfile.csv`` beside them.
"""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taskviz.data.readers.base import DataSet, Reader, Request, Target, whole_option
from taskviz.data.readers.file_rows import FileRows, files_digest, stats_of
from taskviz.data.readers.mimic3_channels import CHANNELS, WIDTH, encode_stay
from taskviz.data.readers.paths import is_plain_name
from taskviz.values import TaskvizError

if TYPE_CHECKING:
    import pandas as pd

_MORTALITY_HOURS = 48
_LISTS = (
    ("train", "train_listfile.csv"),
    ("train", "val_listfile.csv"),
    ("test", "test_listfile.csv"),
)


def recognise(folder: Path) -> dict[str, str] | None:
    """Whether one task of the benchmark lies in a folder."""
    for part in ("train", "test"):
        if (folder / part / "listfile.csv").is_file():
            return {"folder": "."}
    return {"folder": "."} if (folder / "train_listfile.csv").is_file() else None


class Stays(FileRows):
    """``(n, 76, hours)`` float32 out of CSV files of stays, one step an hour.

    Args:
        root: folder of the task.
        files: of each sample, relative to ``root``.
        ends: hours that each sample may look at.
        hours: steps kept, the latest ones; shorter samples end in NaN.
        identity: changes whenever a file does.
    """

    def __init__(
        self, root: Path, files: list[str], ends: NDArray[np.float64], hours: int, identity: str
    ) -> None:
        super().__init__((len(files), WIDTH, hours), np.dtype(np.float32), f"{identity} {hours}")
        self.root = root
        self.files = files
        self.ends = ends
        self.hours = hours

    def decode(self, row: int) -> NDArray[np.float32]:
        """One stay."""
        name = self.files[row]
        values = encode_stay(*read_stay(self.root / name, name), float(self.ends[row]))
        out = np.full((WIDTH, self.hours), np.nan, dtype=np.float32)
        kept = values[:, -self.hours :]
        out[:, : kept.shape[1]] = kept
        return out


def read_stay(path: Path, label: str) -> tuple[NDArray[np.float64], list[list[str]]]:
    """Hours ``(m,)`` of the rows of a stay, and the text of its 17 channels.

    Raises:
        TaskvizError: no such file, another header, an hour that is no number.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise TaskvizError(f"The stay {label} cannot be read: its CSV file is needed.") from None
    if not rows or rows[0] != ["Hours", *CHANNELS]:
        raise TaskvizError(
            f"The stay {label} has {max(len(rows[0]) - 1, 0) if rows else 0} channels or other "
            f"names than the benchmark's {len(CHANNELS)}: use the files as it writes them."
        )
    hours = []
    for number, row in enumerate(rows[1:], 2):
        try:
            hours.append(float(row[0]))
        except (ValueError, IndexError):
            hours.append(np.nan)
        if len(row) != len(CHANNELS) + 1 or not np.isfinite(hours[-1]):
            raise TaskvizError(
                f"Row {number} of the stay {label} does not fit its header: {len(CHANNELS) + 1} "
                "cells that begin with an hour are needed."
            )
    return np.array(hours), [row[1:] for row in rows[1:]]


def read(request: Request) -> DataSet:
    """Labels of every list; stays are read when they are asked for."""
    import pandas as pd

    root = request.files["folder"]
    parts = _parts(root)
    tables: list[pd.DataFrame] = []
    for place, path, number in parts:
        table = _list(path)
        if tables and list(table.columns) != list(tables[0].columns)[: len(table.columns)]:
            raise TaskvizError(f"{path.name} has other columns than the list before it.")
        table["file"] = place + "/" + table["stay"]
        table["part"] = number
        tables.append(table)
    table = pd.concat(tables, ignore_index=True)
    names = list(dict.fromkeys(table["file"]))
    missing = [name for name in names if not (root / name).is_file()]
    for name in missing[:20]:
        request.findings.error(f"The stay {name} is in a list but its file is missing.")
    if missing:
        raise TaskvizError(f"{len(missing):,} stays of {root.name} are missing.")
    lengths = "period_length" in table.columns
    ends = table["period_length"].to_numpy(float) if lengths else np.full(len(table), 48.0)
    longest = int(np.ceil(min(float(ends.max()), 200))) if lengths else _MORTALITY_HOURS
    hours = whole_option(request, "hours", max(longest, 1), 1, 2000)
    if lengths and float(ends.max()) > hours:
        request.findings.note(f"Of longer stays the latest {hours} hours are used.")
    identity = files_digest(names, stats_of(root, names))
    stays = Stays(root, table["file"].tolist(), ends, hours, f"{identity} {ends.tobytes().hex()}")
    if request.thorough:
        stays.check(request.findings)
    labels = table.drop(
        columns=[c for c in ("stay", "period_length", "file", "part") if c in table]
    )
    split = table["part"].to_numpy(np.int8)
    return DataSet(stays, labels, _default(labels, root.name), split=split)


def _default(labels: "pd.DataFrame", name: str) -> tuple[Target, ...]:
    columns = [str(column) for column in labels.columns]
    if columns == ["y_true"]:
        return (Target(name, ("y_true",), "binary"),)
    return (Target(name, tuple(columns), "multilabel"),)


def _parts(root: Path) -> list[tuple[str, Path, int]]:
    """Folder, list, and part of the split."""
    own = [
        (place, root / name, i) for i, (place, name) in enumerate(_LISTS) if (root / name).is_file()
    ]
    if own:
        return own
    return [
        (place, root / place / "listfile.csv", i)
        for place, i in (("train", 0), ("test", 2))
        if (root / place / "listfile.csv").is_file()
    ]


def _list(path: Path) -> "pd.DataFrame":
    import pandas as pd
    import pyarrow as pa
    from pyarrow import csv as csv_format

    try:
        convert = csv_format.ConvertOptions(column_types={"stay": pa.string()})
        table: pd.DataFrame = csv_format.read_csv(path, convert_options=convert).to_pandas()
    except (pa.ArrowException, ValueError, OSError) as error:
        text = " ".join(str(error).split())[:120]
        raise TaskvizError(f"{path.name} cannot be read as a list of stays ({text}).") from None
    if "stay" not in table.columns or table.empty:
        raise TaskvizError(f"{path.name} has no column 'stay' with rows below it.")
    for i, name in enumerate(table["stay"].tolist()):
        if not isinstance(name, str) or not is_plain_name(name):
            raise TaskvizError(f"{path.name}, row {i + 2}: {name!r} is no name of a stay's file.")
    rest = [c for c in table.columns if c != "stay"]
    for column in rest:
        values: Any = table[column]
        numbers = pd.to_numeric(values, errors="coerce")
        if numbers.isna().any():
            row = int(numbers.isna().to_numpy().argmax())
            raise TaskvizError(
                f"{path.name}, row {row + 2}: {column!r} is {values.iloc[row]!r}; a number is "
                "needed."
            )
        table[column] = numbers
    if not [c for c in rest if c != "period_length"]:
        raise TaskvizError(f"{path.name} has no column of labels beside the stay.")
    return table


READER = Reader(
    "mimic3",
    "series",
    "one task of the MIMIC-III benchmark: train/, test/ with listfile.csv and a CSV a stay",
    {"folder": "folder of the task"},
    {"hours": "latest hours that are kept"},
    recognise,
    read,
)
