"""What a result says of each task: metrics on the original scale, by scikit-learn."""

import warnings
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from taskviz.training.losses import mean_loss
from taskviz.values import Task

Floats = NDArray[np.float64]

_CLASSIFICATION = ("loss", "error", "balanced_accuracy", "auroc")
METRICS: dict[str, tuple[str, ...]] = {
    "regression": ("loss", "mae", "rmse", "r2"),
    "binary": _CLASSIFICATION,
    "multiclass": _CLASSIFICATION,
    "multilabel": _CLASSIFICATION,
}
"""Kind of task → its metrics, all of them in :data:`taskviz.values.HIGHER_IS_BETTER`.

``loss`` is the training loss: of a regression the mean squared error of the *standardised* target,
so that tasks can be averaged. ``mae``, ``rmse`` and ``r2`` are on the original scale. ``error`` is
the error rate. ``auroc`` of a multiclass task is the mean of one against the rest over the classes
that occur. Multilabel metrics are means over the columns where they are defined.
"""

PRIMARY: dict[str, str] = {
    "regression": "mae",
    "binary": "auroc",
    "multiclass": "balanced_accuracy",
    "multilabel": "auroc",
}
"""Kind of task → the metric shown first and drawn live beside the loss."""


def primary_metric(task: Task) -> str:
    """The metric shown first for a task."""
    return PRIMARY[task.kind]


def task_metrics(
    task: Task,
    outputs: Floats,
    targets: Floats,
    mask: NDArray[np.bool_],
    centre: Floats | None = None,
    scale: Floats | None = None,
) -> dict[str, float]:
    """Every metric of a task on some rows; NaN where it is not defined on them.

    Args:
        outputs: ``(n, task.outputs)`` raw head output.
        targets: ``(n, task.width)`` scaled value or class code.
        mask: ``(n, task.width)``, False where the label is missing.
        centre: ``(width,)`` what was subtracted from a regression target.
        scale: ``(width,)`` what it was then divided by.
    """
    if not mask.any():
        return dict.fromkeys(METRICS[task.kind], float("nan"))
    tensors = (torch.from_numpy(np.ascontiguousarray(a)) for a in (outputs, targets, mask))
    found = {"loss": float(mean_loss(task, *tensors))}
    if task.kind == "regression":
        known, factor = mask[:, 0], 1.0 if scale is None else float(scale[0])
        shift = 0.0 if centre is None else float(centre[0])
        found |= _regression(outputs[known, 0] * factor + shift, targets[known, 0] * factor + shift)
    elif task.kind == "multiclass":
        known = mask[:, 0]
        found |= _multiclass(outputs[known], targets[known, 0].astype(np.int64))
    else:
        columns = [
            _binary(outputs[mask[:, j], j], targets[mask[:, j], j] > 0.5)
            for j in range(task.width)
            if mask[:, j].any()
        ]
        found |= {name: _mean([column[name] for column in columns]) for name in columns[0]}
    return found


def why_undefined(task: Task, metric: str) -> str:
    """In what case :func:`task_metrics` gives NaN for a metric although there are labels."""
    if metric == "r2":
        return "fewer than two different values occur"
    return "no column has two classes" if task.kind == "multilabel" else "only one class occurs"


def _regression(predicted: Floats, true: Floats) -> dict[str, float]:
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    varied = len(true) > 1 and np.ptp(true) > 0
    return {
        "mae": float(mean_absolute_error(true, predicted)),
        "rmse": float(root_mean_squared_error(true, predicted)),
        "r2": float(r2_score(true, predicted)) if varied else float("nan"),
    }


def _binary(logits: Floats, true: NDArray[np.bool_]) -> dict[str, float]:
    from sklearn.metrics import balanced_accuracy_score, roc_auc_score

    predicted = logits > 0
    two = 0 < int(true.sum()) < len(true)
    return {
        "error": float(np.mean(predicted != true)),
        "balanced_accuracy": _defined(balanced_accuracy_score, true, predicted, two),
        "auroc": _defined(roc_auc_score, true, logits, two),
    }


def _multiclass(logits: Floats, true: NDArray[np.int64]) -> dict[str, float]:
    from sklearn.metrics import balanced_accuracy_score, roc_auc_score

    predicted, classes = logits.argmax(axis=1), np.unique(true)
    # One against the rest ranks probabilities: a logit alone says nothing across samples.
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = shifted / shifted.sum(axis=1, keepdims=True)
    several = len(classes) > 1
    against_rest = [
        _defined(roc_auc_score, true == code, probabilities[:, code], several) for code in classes
    ]
    return {
        "error": float(np.mean(predicted != true)),
        "balanced_accuracy": _defined(balanced_accuracy_score, true, predicted, several),
        "auroc": _mean(against_rest),
    }


def _defined(
    score: Callable[..., float],
    true: NDArray[np.generic],
    predicted: NDArray[np.generic],
    several: bool,
) -> float:
    if not several:
        return float("nan")
    with warnings.catch_warnings():
        # A predicted class that does not occur: recall is then over those that do, as documented.
        warnings.simplefilter("ignore", UserWarning)
        return float(score(true, predicted))


def _mean(values: list[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
