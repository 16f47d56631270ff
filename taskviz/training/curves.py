"""One point of a learning curve: loss and primary metric of every task, in a few operations.

The values are those of :mod:`taskviz.training.metrics`, for all binary tasks at once and cheap
enough to be had in every epoch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from taskviz.training.metrics import area_under_roc, balanced_accuracy
from taskviz.training.objective import Labels, Objective
from taskviz.values import Task


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
    block, binaries = objective.binary_columns, objective.binaries
    if binaries:
        masks = None if labels.masks is None else labels.masks[:, block].numpy()
        areas = area_under_roc(
            outputs[:, block].numpy(), labels.targets[:, block].numpy() > 0.5, masks
        )
        for i, area in zip(binaries, areas.tolist(), strict=True):
            primary[i] = area
    for i, task in enumerate(objective.tasks):
        if task.kind != "binary":
            primary[i] = _primary(task, *_of(objective, i, outputs, labels), scales[i])
    return CurvePoint(losses.tolist(), primary)


def _primary(task: Task, outputs: Tensor, targets: Tensor, mask: Tensor, scale: float) -> float:
    if task.kind == "regression":
        return float(((outputs - targets).abs() * mask).sum() / mask.sum() * scale)
    if task.kind == "multiclass":
        known = mask[:, 0].numpy()
        codes = targets[:, 0].numpy()[known].astype(np.int64)
        return balanced_accuracy(codes, outputs.numpy()[known].argmax(axis=1))
    areas = area_under_roc(outputs.numpy(), targets.numpy() > 0.5, mask.numpy())
    return float(np.nanmean(areas)) if not np.isnan(areas).all() else float("nan")


def _of(
    objective: Objective, i: int, outputs: Tensor, labels: Labels
) -> tuple[Tensor, Tensor, Tensor]:
    span = objective.label_columns[i]
    targets = labels.targets[:, span]
    mask = torch.ones_like(targets, dtype=torch.bool)
    mask = mask if labels.masks is None else labels.masks[:, span]
    return outputs[:, objective.columns[i]], targets, mask
