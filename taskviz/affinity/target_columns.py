"""Targets of any kind as columns of numbers."""

import numpy as np
from numpy.typing import NDArray

from taskviz.values import Split, TaskCollection


def target_columns(
    collection: TaskCollection, task: int, split: Split = "train"
) -> NDArray[np.float64]:
    """Targets of one task on a split, a column for each thing there is to predict.

    Regression: the value, standardised over the known rows of the split. Binary: the code 0 or 1.
    Multiclass: one-hot, a column a class. Multilabel: the label columns.

    Returns:
        ``(n, columns)``; NaN where the label is missing.
    """
    chosen = collection.tasks[task]
    raw = collection.target_of(task)[collection.samples_of(task).indices(split)]
    if chosen.kind == "multiclass":
        hot = raw == np.arange(len(chosen.classes))
        return np.where(np.isnan(raw), np.nan, hot.astype(np.float64))
    if chosen.kind == "regression":
        known = raw[~np.isnan(raw)]
        centre = known.mean() if len(known) else 0.0
        spread = known.std() if len(known) else 0.0
        return np.asarray((raw - centre) / (spread if spread > 0 else 1.0))
    return np.array(raw, dtype=np.float64)
