"""Correlation of the labels themselves: the cheapest guess there is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taskviz.affinity.base import Estimator, Outcome
from taskviz.affinity.support import missing_notes
from taskviz.affinity.target_columns import target_columns
from taskviz.engines import RunContext
from taskviz.values import TaskCollection, TaskvizError

FOLDS = 20
LEAST_ROWS = 3
"""Two points always correlate perfectly."""


@dataclass(frozen=True)
class LabelCorrelationOptions:
    """There is nothing to choose."""


class LabelCorrelation(Estimator):
    """Absolute correlation of two tasks' targets on the training rows where both are known.

    A task with several columns (one-hot classes, several labels) is compared as a whole, by the
    square root of Escoufier's RV coefficient of the centred columns,
    ``‖C_st‖_F / sqrt(‖C_ss‖_F ‖C_tt‖_F)`` with ``C`` the blocks of their covariance. For two single
    columns it is the absolute Pearson correlation; it lies in [0, 1], does not depend on the order
    of the classes, and is 1 for a task and itself. A row counts where all its columns are known.

    The standard error is a jackknife over 20 interleaved parts of the rows.

    Raises:
        TaskvizError: a separate collection, whose tasks share no rows.
    """

    name = "label-correlation"
    title = "Label correlation"
    source = "baseline; RV coefficient: Escoufier 1973"
    summary = "How strongly two tasks' labels go together, up or down. Free, and blind to inputs."
    unit = "absolute correlation of the labels, from 0 to 1"
    draws = False
    Options = LabelCorrelationOptions

    def measure(self, collection: TaskCollection, context: RunContext) -> Outcome:
        """Every pair from the labels of the training split."""
        if collection.layout != "joint":
            raise TaskvizError(
                f"Collection {collection.name!r} is separate: label correlation needs a joint "
                "collection, whose tasks are measured on the same rows."
            )
        size = len(collection.tasks)
        columns = [target_columns(collection, task) for task in range(size)]
        values, error = np.full((2, size, size), np.nan)
        support = np.zeros((size, size), dtype=np.int64)
        context.progress.begin(f"{self.title} of {collection.name}", size)
        for s in range(size):
            context.progress.check()
            for t in range(s, size):
                pair = both_known(columns[s], columns[t])
                value = column_correlation(*pair)
                if np.isnan(value):
                    continue
                values[s, t] = values[t, s] = value
                error[s, t] = error[t, s] = 0.0 if s == t else _jackknife(*pair)
                support[s, t] = support[t, s] = len(pair[0])
            context.progress.advance(1)
        notes = missing_notes(support, "training row where both labels are known and vary")
        return Outcome(values, error, support, notes=notes)


def both_known(
    x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The rows of ``(n, k)`` and ``(n, l)`` without a NaN in either."""
    known = ~(np.isnan(x).any(axis=1) | np.isnan(y).any(axis=1))
    return x[known], y[known]


def column_correlation(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Root of the RV coefficient of ``(n, k)`` and ``(n, l)``.

    NaN with fewer than 3 rows or where one side is constant.
    """
    if len(x) < LEAST_ROWS:
        return float("nan")
    both = np.concatenate([x - x.mean(axis=0), y - y.mean(axis=0)], axis=1)
    return float(_correlation(both.T @ both / len(x), x.shape[1]))


def _correlation(covariance: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Of ``(…, k + l, k + l)`` covariances."""
    norms = [
        np.linalg.norm(block, axis=(-2, -1))
        for block in (
            covariance[..., :k, k:],
            covariance[..., :k, :k],
            covariance[..., k:, k:],
        )
    ]
    scale = np.sqrt(norms[1] * norms[2])
    # Labels are of order 1; what is left of a constant column after centring is rounding.
    vary = np.minimum(norms[1], norms[2]) > 1e-20
    found = np.where(vary, norms[0] / np.where(vary, scale, 1.0), np.nan)
    return np.asarray(np.minimum(found, 1.0))


def _jackknife(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    parts = min(FOLDS, len(x))
    both = np.concatenate([x - x.mean(axis=0), y - y.mean(axis=0)], axis=1)
    count = np.array([len(both[part::parts]) for part in range(parts)], dtype=np.float64)
    sums = np.stack([both[part::parts].sum(axis=0) for part in range(parts)])
    products = np.stack([both[part::parts].T @ both[part::parts] for part in range(parts)])
    rest = (count.sum() - count)[:, None]
    means = (sums.sum(axis=0) - sums) / rest
    covariance = (products.sum(axis=0) - products) / rest[..., None]
    covariance -= means[:, :, None] * means[:, None, :]
    left_out = _correlation(covariance, x.shape[1])
    left_out = left_out[~np.isnan(left_out)]
    if len(left_out) < 2:
        return float("nan")
    return float(np.sqrt((len(left_out) - 1) * left_out.var()))
