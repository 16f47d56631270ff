"""What a result says of each task: metrics on the original scale.

The definitions are scikit-learn's, and its functions are the reference in the tests; written out
here because its checks of the arguments cost milliseconds a metric, more than an epoch.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from taskviz.training.losses import mean_loss
from taskviz.values import Task
from taskviz.values.task import SHOWN_METRICS

Floats = NDArray[np.float64]

METRICS: dict[str, tuple[str, ...]] = {
    kind: ("loss", *names) for kind, names in SHOWN_METRICS.items()
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
    return task.metric or PRIMARY[task.kind]


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


def area_under_roc(
    scores: NDArray[np.floating], positive: NDArray[np.bool_], known: NDArray[np.bool_] | None
) -> Floats:
    """Area under the ROC curve of each column, as Mann and Whitney's U: equal scores count half.

    Args:
        scores: ``(n, c)``.
        positive: ``(n, c)``.
        known: ``(n, c)``, False where the label is missing; None where none is.

    Returns:
        ``(c,)``, NaN where a column has one class only.
    """
    rows = len(scores)
    if known is not None:
        # Unknown rows go last, where they change no rank, and are no positives.
        scores, positive = np.where(known, scores, _last(scores)), positive & known
    scores, positive = np.ascontiguousarray(scores.T), np.ascontiguousarray(positive.T)
    if rows and scores.dtype == np.float32:
        above, hits = _by_keys(_keys(scores, positive))
    else:
        places = np.argsort(scores, axis=1)
        ordered = np.take_along_axis(scores, places, axis=1)
        above, hits = _ranks_of_hits(ordered, np.take_along_axis(positive, places, axis=1))
    falls = (rows if known is None else known.sum(axis=0)) - hits
    pairs = hits * falls
    return np.where(pairs > 0, (above - hits * (hits + 1) / 2) / np.maximum(pairs, 1), np.nan)


_LEAST, _RANGE = np.int32(0x20000000), 0x3F800000
"""Bits of the float 2^-63, and from there to those of 2^64."""
_LARGEST = np.nextafter(np.float32(2**64), np.float32(0))


def _last(scores: NDArray[np.floating]) -> np.floating:
    """Not less than any score; of the usual range of :func:`_keys` where they are."""
    usual = scores.dtype == np.float32 and scores.size and scores.max() < _LARGEST
    return _LARGEST if usual else scores.dtype.type(np.inf)


def _keys(
    scores: NDArray[np.float32], positive: NDArray[np.bool_]
) -> NDArray[np.int32] | NDArray[np.int64]:
    """Whole numbers of the order of the scores, the label in the last place.

    Sorting those is several times faster than sorting places. The bits of a float are such a
    number; where all lie in the usual range, which has half of them, there is room for the label.
    """
    bits = scores.view(np.int32)
    sign = bits >> 31
    keys = bits & np.int32(0x7FFFFFFF)
    keys -= _LEAST
    # What is below the range is above it without a sign.
    if keys.view(np.uint32).max() < _RANGE:
        keys ^= sign
        keys <<= 1
        keys |= positive
        return keys
    # Adding 0 makes -0 equal to 0.
    bits = (scores + np.float32(0)).view(np.int32)
    bits ^= (bits >> 31) & np.int32(0x7FFFFFFF)
    whole = bits.astype(np.int64)
    whole <<= 1
    whole |= positive
    return whole


def _by_keys(keys: NDArray[np.int32] | NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Each row's sum of the positives' ranks, and how many they are; the keys are sorted."""
    keys.sort(axis=1)
    hit = (keys & 1).astype(np.float64)
    hits = hit.sum(axis=1)
    above = hit @ np.arange(1.0, keys.shape[1] + 1)
    # Equal scores matter only where a positive has that of a negative; the negatives come first.
    tied = ((keys[:, 1:] ^ keys[:, :-1]) == 1).any(axis=1)
    if tied.any():
        above[tied], _ = _ranks_of_hits(keys[tied] >> 1, hit[tied] > 0)
    return above, hits


def _ranks_of_hits(ordered: NDArray[Any], hit: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Likewise of sorted rows: equal scores share their mean rank."""
    new = np.ones(ordered.shape, dtype=bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    ranks = _shared_ranks(new)
    return np.where(hit, ranks, 0.0).sum(axis=1), hit.sum(axis=1).astype(np.float64)


def _shared_ranks(new: NDArray[np.bool_]) -> Floats:
    """Ranks from 1 of sorted rows, the mean rank where values are equal; ``new``: first of them."""
    places = np.arange(new.shape[1])
    first = np.maximum.accumulate(np.where(new, places, 0), axis=1)
    ends = np.ones_like(new)
    ends[:, :-1] = new[:, 1:]
    last = np.where(ends, places, new.shape[1])[:, ::-1]
    last = np.minimum.accumulate(last, axis=1)[:, ::-1]
    return np.asarray((first + last) / 2 + 1)


def balanced_accuracy(true: NDArray[np.int64], predicted: NDArray[np.int64]) -> float:
    """Mean recall over the classes that occur; NaN where fewer than two do."""
    counts = np.bincount(true)
    occur = counts > 0
    if np.count_nonzero(occur) < 2:
        return float("nan")
    right = np.bincount(true[true == predicted], minlength=len(counts))
    return float(np.mean(right[occur] / counts[occur]))


def _regression(predicted: Floats, true: Floats) -> dict[str, float]:
    errors = predicted - true
    spread = float(np.square(true - true.mean()).sum())
    varied = len(true) > 1 and np.ptp(true) > 0
    return {
        "mae": float(np.abs(errors).mean()),
        "rmse": float(np.sqrt(np.square(errors).mean())),
        "r2": 1 - float(np.square(errors).sum()) / spread if varied else float("nan"),
    }


def _binary(logits: Floats, true: NDArray[np.bool_]) -> dict[str, float]:
    predicted = logits > 0
    return {
        "error": float(np.mean(predicted != true)),
        "balanced_accuracy": balanced_accuracy(true.astype(np.int64), predicted.astype(np.int64)),
        "auroc": float(area_under_roc(logits[:, None], true[:, None], None)[0]),
    }


def _multiclass(logits: Floats, true: NDArray[np.int64]) -> dict[str, float]:
    predicted, classes = logits.argmax(axis=1), np.unique(true)
    # One against the rest ranks probabilities: a logit alone says nothing across samples.
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = shifted / shifted.sum(axis=1, keepdims=True)
    areas = area_under_roc(probabilities[:, classes], true[:, None] == classes, None)
    return {
        "error": float(np.mean(predicted != true)),
        "balanced_accuracy": balanced_accuracy(true, predicted),
        "auroc": _mean(areas.tolist()),
    }


def _mean(values: list[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
