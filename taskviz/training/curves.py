"""Points of learning curves: the losses of an epoch at once, its primary metrics when told.

Losses stop a training and choose its best state, so each epoch has them as it ends. Metrics are
only looked at: the raw outputs of some epochs are held and scored together, which gives the very
values of :mod:`taskviz.training.metrics` at a fraction of the cost of one epoch after another.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from taskviz.training.metrics import (
    PRIMARY,
    area_under_roc,
    balanced_accuracy,
    primary_metric,
    task_metrics,
)
from taskviz.training.objective import Labels, Objective

Floats = NDArray[np.float64]

BLOCK = 32_768
"""Outputs that are scored at once: so many stay within a processor's cache."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One split in one epoch, not yet scored beyond its losses.

    Args:
        losses: of each task, the mean over its samples with a label; NaN where there is none.
        outputs: ``(n, outputs)`` raw outputs on the host; one for each data set.
        rows: ``(n,)`` row numbers of each of these.
    """

    losses: list[float]
    outputs: tuple[Tensor, ...]
    rows: tuple[Tensor, ...]

    @property
    def size(self) -> int:
        """Values that are held."""
        return sum(outputs.numel() for outputs in self.outputs)


@torch.no_grad()
def split_losses(objective: Objective, outputs: Tensor, labels: Labels) -> list[float]:
    """Mean loss of each task on some rows; NaN where no row has a label.

    Args:
        outputs: ``(n, outputs)``, columns as in :class:`Objective`.
        labels: of the same rows.
    """
    losses = objective.losses(outputs, labels)
    present = objective.present(labels)
    if len(outputs) == 0:
        present = torch.zeros(len(objective.tasks), dtype=torch.bool)
    if present is not None:
        losses = torch.where(present, losses, torch.full_like(losses, torch.nan))
    found: list[float] = losses.tolist()
    return found


class PrimaryMetrics:
    """The primary metric (:func:`taskviz.training.metrics.primary_metric`) of each task of a group.

    The usual ones of binary tasks and of regressions are had for all of these tasks at once.

    Args:
        objective: of the group.
        labels: of every row, on the host, columns as in the objective.
        scales: of each task's regression target; 1 for other kinds.
    """

    def __init__(self, objective: Objective, labels: Labels, scales: Sequence[float]) -> None:
        self._objective, self._labels = objective, labels
        self._scales = np.asarray(scales, dtype=np.float64)
        usual = [primary_metric(task) == PRIMARY[task.kind] for task in objective.tasks]
        kinds = [task.kind if usual[i] else "" for i, task in enumerate(objective.tasks)]
        self._alone = [i for i, kind in enumerate(kinds) if kind not in ("binary", "regression")]
        self._binary = _Columns(objective, labels, kinds, "binary")
        self._positive = self._binary.targets > 0.5
        self._regression = _Columns(objective, labels, kinds, "regression")

    def __call__(self, outputs: Sequence[Tensor], rows: Sequence[Tensor]) -> Floats:
        """``(e, k)``: each epoch's metric of each task, on the original scale; NaN if undefined.

        Args:
            outputs: ``(n, outputs)`` of each epoch.
            rows: ``(n,)`` their row numbers.
        """
        found = np.full((len(outputs), len(self._objective.tasks)), np.nan)
        for start, stop in _blocks(outputs):
            held = np.stack([own.numpy() for own in outputs[start:stop]])
            at = np.stack([own.numpy() for own in rows[start:stop]])
            if self._binary.heads:
                found[start:stop, self._binary.heads] = self._areas(held, at)
            if self._regression.heads:
                found[start:stop, self._regression.heads] = self._errors(held, at)
            for i in self._alone:
                for epoch in range(start, stop):
                    found[epoch, i] = self._one(i, outputs[epoch], rows[epoch])
        return found

    def _areas(self, held: NDArray[np.floating], at: NDArray[np.int64]) -> Floats:
        columns = self._binary

        def flat(block: NDArray[Any]) -> NDArray[Any]:
            """``(e, n, k)`` as ``(n, e k)``, whose transpose is contiguous."""
            epochs, rows, tasks = block.shape
            return block.transpose(0, 2, 1).reshape(epochs * tasks, rows).T

        # take is several times faster than an index of rows
        known = None if columns.known is None else flat(columns.known.take(at, axis=0))
        positive = flat(self._positive.take(at, axis=0))
        areas = area_under_roc(flat(held[:, :, columns.outputs]), positive, known)
        return areas.reshape(len(held), -1)

    def _errors(self, held: NDArray[np.floating], at: NDArray[np.int64]) -> Floats:
        """Mean absolute errors, summed in double precision."""
        columns = self._regression
        errors = np.abs(held[:, :, columns.outputs] - columns.targets[at])
        scales = self._scales[columns.heads]
        if columns.known is None:
            counts = np.full(errors.shape[::2], errors.shape[1])
        else:
            known = columns.known[at]
            errors, counts = np.where(known, errors, 0), known.sum(axis=1)
        sums = errors.sum(axis=1, dtype=np.float64) * scales
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)

    def _one(self, i: int, outputs: Tensor, rows: Tensor) -> float:
        objective = self._objective
        task, span = objective.tasks[i], objective.label_columns[i]
        labels = self._labels.columns(span).take(rows)
        own, targets = outputs[:, objective.columns[i]].numpy(), labels.targets.numpy()
        known = np.ones(targets.shape, bool) if labels.masks is None else labels.masks.numpy()
        if primary_metric(task) != PRIMARY[task.kind]:
            scale = self._scales[i : i + 1]
            # All of a regression's metrics stay the same wherever its zero is.
            return task_metrics(task, own, targets, known, None, scale)[primary_metric(task)]
        if task.kind == "multiclass":
            whole = known[:, 0]
            codes = targets[whole, 0].astype(np.int64)
            return balanced_accuracy(codes, own[whole].argmax(axis=1))
        areas = area_under_roc(own, targets > 0.5, known)
        return float(np.nanmean(areas)) if not np.isnan(areas).all() else float("nan")


class _Columns:
    """The tasks of one kind side by side.

    Args:
        objective: of the group.
        labels: of every row.
        kinds: of each task.
        kind: which.
    """

    def __init__(
        self, objective: Objective, labels: Labels, kinds: Sequence[str], kind: str
    ) -> None:
        self.heads = [i for i, own in enumerate(kinds) if own == kind]
        self.outputs = _picked([objective.columns[i].start for i in self.heads])
        places = _picked([objective.label_columns[i].start for i in self.heads])
        self.targets = np.ascontiguousarray(labels.targets.numpy()[:, places])
        known = None if labels.masks is None else labels.masks.numpy()[:, places]
        self.known = None if known is None else np.ascontiguousarray(known)


def _picked(places: list[int]) -> slice | list[int]:
    """Neighbours as a slice, which copies nothing."""
    if places and places == list(range(places[0], places[0] + len(places))):
        return slice(places[0], places[-1] + 1)
    return places


def _blocks(outputs: Sequence[Tensor]) -> Iterator[tuple[int, int]]:
    """Ranges of epochs with as many rows each, none larger than :data:`BLOCK` if it can be."""
    start = 0
    while start < len(outputs):
        shape, stop = outputs[start].shape, start + 1
        most = start + max(1, BLOCK // max(outputs[start].numel(), 1))
        while stop < min(most, len(outputs)) and outputs[stop].shape == shape:
            stop += 1
        yield start, stop
        start = stop
