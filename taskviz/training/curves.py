"""One point of a learning curve: loss and primary metric of every task, in a few operations.

The values are those of :mod:`taskviz.training.metrics`; there they cost a millisecond a task, here
all tasks of a kind together cost about as much, so that they can be had in every epoch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from taskviz.training.objective import Labels, Objective


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Of one split and epoch, in the order of the group's tasks; NaN where not defined.

    Args:
        losses: mean loss over the samples with a label.
        primary: :func:`taskviz.training.metrics.primary_metric`, on the original scale.
    """

    losses: list[float]
    primary: list[float]


@torch.no_grad()
def curve_point(
    objective: Objective, outputs: Tensor, labels: Labels, scales: Sequence[float]
) -> CurvePoint:
    """Loss and primary metric of each task.

    Args:
        outputs: ``(n, outputs)`` on the host, columns as in :class:`Objective`.
        labels: of the same rows.
        scales: of each task's regression target; 1 for other kinds.
    """
    losses = objective.losses(outputs, labels)
    present = objective.present(labels)
    if len(outputs) == 0:
        present = torch.zeros(len(objective.tasks), dtype=torch.bool)
    if present is not None:
        losses = torch.where(present, losses, torch.full_like(losses, torch.nan))
    primary = [float("nan")] * len(objective.tasks)
    ranked = [i for i, t in enumerate(objective.tasks) if t.kind in ("binary", "multilabel")]
    if ranked:
        areas = _areas_of(objective, ranked, outputs, labels)
        for i, area in zip(ranked, areas, strict=True):
            primary[i] = area
    for i, task in enumerate(objective.tasks):
        own, target, mask = _of(objective, i, outputs, labels)
        if task.kind == "regression":
            primary[i] = float(((own - target).abs() * mask).sum() / mask.sum() * scales[i])
        elif task.kind == "multiclass":
            primary[i] = _balanced_accuracy(own, target[:, 0].long(), mask[:, 0])
    return CurvePoint(losses.tolist(), primary)


def _of(
    objective: Objective, i: int, outputs: Tensor, labels: Labels
) -> tuple[Tensor, Tensor, Tensor]:
    span = objective.label_columns[i]
    targets = labels.targets[:, span]
    mask = torch.ones_like(targets, dtype=torch.bool)
    mask = mask if labels.masks is None else labels.masks[:, span]
    return outputs[:, objective.columns[i]], targets, mask


def _areas_of(
    objective: Objective, tasks: list[int], outputs: Tensor, labels: Labels
) -> list[float]:
    parts = [_of(objective, i, outputs, labels) for i in tasks]
    scores, targets, masks = (torch.cat(columns, dim=1) for columns in zip(*parts, strict=True))
    areas = area_under_roc(scores.numpy(), targets.numpy() > 0.5, masks.numpy())
    ends = np.cumsum([objective.tasks[i].width for i in tasks])[:-1]
    return [_mean(part) for part in np.split(areas, ends)]


def area_under_roc(
    scores: NDArray[np.floating], positive: NDArray[np.bool_], known: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Area under the ROC curve of each column; equal scores count half, as in Mann-Whitney's U.

    Args:
        scores: ``(n, c)``.
        positive: ``(n, c)``.
        known: ``(n, c)``, False where the label is missing.

    Returns:
        ``(c,)``, NaN where a column has one class only.
    """
    # numpy sorts these several times faster than torch; unknown rows come last and count nowhere
    scores = np.ascontiguousarray(np.where(known, -scores, np.inf).T)
    ranks = np.argsort(scores, axis=1)
    ordered = np.take_along_axis(scores, ranks, axis=1)
    hits = np.take_along_axis((positive & known).T, ranks, axis=1).cumsum(axis=1)
    falls = np.take_along_axis((~positive & known).T, ranks, axis=1).cumsum(axis=1)
    # The curve has a corner only after the last of several equal scores.
    corner = np.ones(ordered.shape, dtype=bool)
    corner[:, :-1] = ordered[:, 1:] != ordered[:, :-1]
    doubled = np.where(corner, (falls - _before(falls, corner)) * (hits + _before(hits, corner)), 0)
    pairs = (hits[:, -1:] * falls[:, -1:]).sum(axis=1)
    return np.where(pairs > 0, doubled.sum(axis=1) / np.maximum(2.0 * pairs, 1.0), np.nan)


def _before(counts: NDArray[np.int64], corner: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Counts at the corner before each place."""
    reached = np.maximum.accumulate(np.where(corner, counts, 0), axis=1)
    return np.concatenate([np.zeros_like(reached[:, :1]), reached[:, :-1]], axis=1)


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _balanced_accuracy(logits: Tensor, codes: Tensor, mask: Tensor) -> float:
    codes, right = codes[mask], (logits.argmax(dim=1) == codes)[mask]
    counts = torch.bincount(codes, minlength=logits.shape[1])
    recalls = torch.bincount(codes[right], minlength=logits.shape[1]).double() / counts
    return float(recalls.nanmean()) if int((counts > 0).sum()) > 1 else float("nan")
