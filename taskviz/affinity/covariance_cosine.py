"""Cosine between the input-label covariances of two tasks."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from taskviz.affinity.base import Estimator, Outcome
from taskviz.affinity.support import missing_notes
from taskviz.affinity.target_columns import target_columns
from taskviz.data.batch_inputs import StoredRows
from taskviz.data.tensors import to_tensors
from taskviz.engines import RunContext
from taskviz.values import TaskCollection, TaskvizError

FOLDS = 20
READ = 8192
"""Rows that are used at most where inputs are read when asked for (a folder of images)."""
FLAT = ("table", "image", "series")


@dataclass(frozen=True)
class CovarianceCosineOptions:
    """There is nothing to choose."""


class CovarianceCosine(Estimator):
    """Cosine of columns s and t of ``Xᵀ(Y − Ȳ)`` on the training split.

    This is the gradient with respect to the shared trunk of a linear network with tied heads. X is
    scaled as the networks see it (a table standardised a column) and flattened; Y is one-hot,
    standardised or 0/1 as in :func:`target_columns`; a missing label takes its row out of its
    column only.

    A task with several columns is matched column by column: ``A[s, t]`` is the mean over the
    target's columns of the greatest cosine with a column of the source. Two equal tasks get 1
    whatever their number of columns; between unlike tasks with many columns the best of many
    matches is biased upwards.

    The standard error is a jackknife over 20 interleaved parts of the rows; the support is the
    number of labelled rows of the scarcer of the two.

    Raises:
        TaskvizError: a separate collection, or inputs that are no plain vectors.
    """

    name = "covariance-cosine"
    title = "Covariance cosine"
    source = "ours; the first gradient of a linear network with tied heads"
    summary = "Which tasks use the inputs in the same direction. Milliseconds, no training."
    unit = "cosine, from −1 to 1"
    draws = False
    Options = CovarianceCosineOptions

    def measure(self, collection: TaskCollection, context: RunContext) -> Outcome:
        """One product of inputs and labels, and its jackknife."""
        if collection.layout != "joint":
            raise TaskvizError(
                f"Collection {collection.name!r} is separate: covariance-cosine needs a joint "
                "collection, whose tasks share their inputs; gradient-cosine takes both."
            )
        if collection.modality not in FLAT:
            raise TaskvizError(
                f"Collection {collection.name!r} holds {collection.modality} data: "
                "covariance-cosine needs plain vectors as inputs; gradient-cosine takes any."
            )
        size = len(collection.tasks)
        columns = [target_columns(collection, task) for task in range(size)]
        labels = np.concatenate(columns, axis=1)
        owner = np.repeat(np.arange(size), [c.shape[1] for c in columns])
        rows = np.arange(len(labels))
        notes: tuple[str, ...] = ()
        data = to_tensors(collection, "cpu", torch.float32)
        if isinstance(data.inputs[0], StoredRows) and len(rows) > READ:
            rng = np.random.default_rng([context.seed, 0xC05])
            rows = np.sort(rng.choice(rows, READ, replace=False))
            notes = (f"{READ} of {len(labels)} training samples were read.",)
        labels = labels[rows]
        taken = data.inputs[0][data.rows("train")[torch.from_numpy(rows)]].nan_to_num()
        inputs = taken.numpy().reshape(len(rows), -1)
        values, error = covariance_cosines(inputs, labels, owner)
        known = np.array([(~np.isnan(c[rows]).any(axis=1)).sum() for c in columns])
        support = np.where(np.isnan(values), 0, np.minimum(known[:, None], known))
        notes += missing_notes(support, "labels that vary with the inputs")
        return Outcome(values, error, support.astype(np.int64), notes=notes)


def covariance_cosines(
    inputs: NDArray[np.floating], labels: NDArray[np.float64], owner: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Affinity of every pair of tasks and its jackknife error.

    Args:
        inputs: ``(n, p)``.
        labels: ``(n, C)``; NaN where missing.
        owner: ``(C,)`` the task of each column, ascending from 0.

    Returns:
        Two ``(T, T)``: cosines (NaN for a task none of whose columns covaries with the inputs)
        and standard errors.
    """
    parts = min(FOLDS, len(inputs))
    pieces = [(inputs[part::parts], labels[part::parts]) for part in range(parts)]
    total = _Sums(inputs.shape[1], labels.shape[1])
    for x, y in pieces:
        total.add(x, y)
    values = _match(total.covariance(), owner)
    left_out = []
    for x, y in pieces:
        total.add(x, y, sign=-1)
        left_out.append(_match(total.covariance(), owner))
        total.add(x, y)
    spread = np.stack(left_out).var(axis=0) if parts > 1 else np.full(values.shape, np.nan)
    return values, np.asarray(np.sqrt((parts - 1) * spread))


class _Sums:
    """Running sums from which the covariance of any part of the rows follows."""

    def __init__(self, features: int, columns: int) -> None:
        self.products, self.inputs = np.zeros((2, features, columns))
        self.labels, self.counts = np.zeros((2, columns))

    def add(self, x: NDArray[np.floating], y: NDArray[np.float64], sign: int = 1) -> None:
        x = x.astype(np.float64)
        known = ~np.isnan(y)
        filled = np.where(known, y, 0.0)
        self.products += sign * (x.T @ filled)
        self.inputs += sign * (x.T @ known.astype(np.float64))
        self.labels += sign * filled.sum(axis=0)
        self.counts += sign * known.sum(axis=0)

    def covariance(self) -> NDArray[np.float64]:
        """``(p, C)``."""
        mean = self.labels / np.maximum(self.counts, 1)
        found = self.products - self.inputs * mean
        # What cancels to rounding error is no direction.
        noise = 1e-12 * (np.abs(self.products) + np.abs(self.inputs * mean))
        return np.where(np.abs(found) > noise, found, 0.0)


def _match(covariance: NDArray[np.float64], owner: NDArray[np.int64]) -> NDArray[np.float64]:
    """Cosines of columns, and of tasks the mean best match over the target's columns."""
    length = np.linalg.norm(covariance, axis=0)
    unit = covariance / np.where(length > 0, length, 1.0)
    cosines = np.clip(unit.T @ unit, -1.0, 1.0)
    np.fill_diagonal(cosines, 1.0)
    alive = length > 0
    size = int(owner[-1]) + 1
    values = np.full((size, size), np.nan)
    of = [np.flatnonzero((owner == task) & alive) for task in range(size)]
    for s in range(size):
        for t in range(size):
            if len(of[s]) and len(of[t]):
                values[s, t] = cosines[np.ix_(of[s], of[t])].max(axis=0).mean()
    return values
