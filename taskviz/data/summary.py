"""What a screen shows of a collection: one row a task, and the first samples."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taskviz.values import Task, TaskCollection

if TYPE_CHECKING:
    import pandas as pd

DESCRIPTION_COLUMNS = (
    "task",
    "kind",
    "known",
    "missing_share",
    "classes",
    "smallest_class_share",
    "minimum",
    "mean",
    "maximum",
    "metric",
)
DEFAULT_METRIC = {
    "regression": "mae",
    "binary": "auroc",
    "multiclass": "balanced_accuracy",
    "multilabel": "auroc",
}
"""Task kind → the metric shown first; the same as training's, which stands above this room."""


def describe_tasks(collection: TaskCollection) -> "pd.DataFrame":
    """One row a task, with the columns :data:`DESCRIPTION_COLUMNS`.

    ``known`` counts labels and ``missing_share`` is from 0 to 1, over all rows of all splits.
    ``classes`` is text such as ``no 1655 · yes 762``; ``smallest_class_share`` is of the known
    labels. Both are empty (NaN) for regression, as are minimum, mean and maximum for the others.
    """
    import pandas as pd

    rows = [_describe(t, collection.target_of(i)) for i, t in enumerate(collection.tasks)]
    return pd.DataFrame(rows, columns=list(DESCRIPTION_COLUMNS))


def class_counts(task: Task, target: NDArray[np.float64]) -> dict[str, int]:
    """Class → number of known labels; for multilabel the number of positive ones a column."""
    if task.kind == "regression":
        return {}
    if task.kind == "multilabel":
        return {c: int((target[:, i] == 1).sum()) for i, c in enumerate(task.classes)}
    codes = target[~np.isnan(target)].astype(np.int64)
    counts = np.bincount(codes, minlength=len(task.classes))
    return {name: int(count) for name, count in zip(task.classes, counts, strict=True)}


def preview(
    data: "TaskCollection | pd.DataFrame", rows: int = 10, columns: int = 40
) -> "pd.DataFrame":
    """The first rows of a table, or of a collection: targets first, as class names, then inputs.

    Args:
        data: a collection or a frame.
        rows: at most so many; of a separate collection so many a task.
        columns: at most so many input columns.

    Returns:
        A frame whose index counts the samples from 1, or is that of the frame given. Inputs that
        are no table are left out.
    """
    import pandas as pd

    if isinstance(data, pd.DataFrame):
        return data.iloc[:rows, : max(columns, 1)].copy()
    parts = []
    for number, block in enumerate(data.samples):
        tasks = data.tasks if data.layout == "joint" else (data.tasks[number],)
        shown: dict[str, Any] = {}
        if data.layout == "separate":
            shown["task"] = [tasks[0].name] * min(rows, len(block))
        for task, target in zip(tasks, block.targets, strict=True):
            shown[_free(task.name, shown)] = _labels(task, target[:rows])
        inputs = block.inputs
        if isinstance(inputs, np.ndarray) and data.modality == "table" and inputs.ndim == 2:
            for i in range(min(columns, inputs.shape[1])):
                name = data.feature_names[i] if i < len(data.feature_names) else f"input {i + 1}"
                shown[_free(name, shown)] = inputs[:rows, i]
        part = pd.DataFrame(shown)
        part.index = pd.RangeIndex(1, len(part) + 1, name="sample")
        parts.append(part)
    return pd.concat(parts) if len(parts) > 1 else parts[0]


def _free(name: str, taken: dict[str, Any]) -> str:
    # A feature may be called like a task: a frame needs names that differ.
    while name in taken:
        name += " (input)"
    return name


def _labels(task: Task, target: NDArray[np.float64]) -> list[Any]:
    if task.kind == "regression":
        return [None if np.isnan(v) else float(v) for v in target[:, 0]]
    if task.kind == "multilabel":
        return [
            " ".join(c for c, v in zip(task.classes, row, strict=True) if v == 1) for row in target
        ]
    return [None if np.isnan(v) else task.classes[int(v)] for v in target[:, 0]]


def _describe(task: Task, target: NDArray[np.float64]) -> dict[str, Any]:
    known = target[~np.isnan(target)]
    row: dict[str, Any] = {
        "task": task.name,
        "kind": task.kind,
        "known": len(known),
        "missing_share": 1 - len(known) / target.size if target.size else 1.0,
        "classes": "",
        "smallest_class_share": np.nan,
        "minimum": np.nan,
        "mean": np.nan,
        "maximum": np.nan,
        "metric": task.metric or DEFAULT_METRIC[task.kind],
    }
    if task.kind == "regression":
        if len(known):
            row |= {"minimum": known.min(), "mean": known.mean(), "maximum": known.max()}
        return row
    counts = class_counts(task, target)
    row["classes"] = " · ".join(f"{name} {count}" for name, count in counts.items())
    if len(known):
        row["smallest_class_share"] = _smallest(task, target, counts)
    return row


def _smallest(task: Task, target: NDArray[np.float64], counts: dict[str, int]) -> float:
    if task.kind != "multilabel":
        return min(counts.values()) / sum(counts.values())
    known = np.maximum((~np.isnan(target)).sum(axis=0), 1)
    positive = np.array(list(counts.values())) / known
    return float(np.minimum(positive, 1 - positive).min())
