"""Collections in .ts files: a training file, and a test file that is published beside it."""

from pathlib import Path

import numpy as np

from taskviz.data.readers.base import DataSet, Reader, Request, Target, frame_of
from taskviz.data.readers.ts_file import TimeSeriesFile, read_ts
from taskviz.values import TaskvizError

CLASS, VALUE = "class", "target"


def recognise(folder: Path) -> dict[str, str] | None:
    """Whether a folder holds one problem in .ts files."""
    names = sorted(p.name for p in folder.glob("*.ts"))
    problems = {
        name.removesuffix(".ts").removesuffix("_TRAIN").removesuffix("_TEST") for name in names
    }
    if len(problems) != 1:
        return None
    train = [name for name in names if name.endswith("_TRAIN.ts")]
    if len(names) == 1:
        return {"train": names[0]}
    if len(names) == 2 and len(train) == 1:
        return {"train": train[0], "test": next(name for name in names if name not in train)}
    return None


def read(request: Request) -> DataSet:
    """Series of both files, padded to the longest; classes as text, or a number to predict."""
    parts = [read_ts(request.files[role]) for role in ("train", "test") if role in request.files]
    first = parts[0]
    for part in parts[1:]:
        _check_alike(first, part)
    if not first.labels:
        raise TaskvizError(
            f"{first.name} has no labels (@classLabel and @targetLabel are false): there is "
            "nothing to predict."
        )
    length = max(part.values.shape[2] for part in parts)
    values = np.concatenate([_longer(part.values, length) for part in parts])
    texts = [label or None for part in parts for label in part.labels]
    split = np.repeat(np.array([0, 2], dtype=np.int8)[: len(parts)], [len(p.values) for p in parts])
    published = split if len(parts) == 2 else None
    if first.classes:
        return DataSet(values, frame_of({CLASS: texts}), class_column=CLASS, split=published)
    numbers = np.array([np.nan if text is None else float(text) for text in texts])
    default = (Target(VALUE, (VALUE,), "regression"),)
    return DataSet(values, frame_of({VALUE: numbers}), default, split=published)


def _check_alike(first: TimeSeriesFile, second: TimeSeriesFile) -> None:
    if first.values.shape[1] != second.values.shape[1]:
        raise TaskvizError(
            f"{second.name}: the training file has {first.values.shape[1]} channels but the test "
            f"file {second.values.shape[1]}."
        )
    if set(first.classes) != set(second.classes):
        raise TaskvizError(f"{second.name}: training and test file list different classes.")


def _longer(values: np.ndarray, length: int) -> np.ndarray:
    more = ((0, 0), (0, 0), (0, length - values.shape[2]))
    return np.pad(values, more, constant_values=np.nan)


READER = Reader(
    "ts",
    "series",
    ".ts files of the UCR and UEA archives: NAME_TRAIN.ts, NAME_TEST.ts",
    {"train": "NAME_TRAIN.ts or the only file", "test?": "NAME_TEST.ts"},
    {},
    recognise,
    read,
)
