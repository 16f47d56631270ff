"""How well one fitted estimator foretells trained networks, task by task."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taskviz.affinity.base import Estimator
from taskviz.evidence.plans import members_of
from taskviz.evidence.truth import Truth, table_codes

LEAST = 5
"""Groups that a rank correlation rests on at least."""


@dataclass(frozen=True)
class Judged:
    """Of one estimator on the groups of a truth.

    Args:
        rank: mean over tasks of Spearman's correlation of predicted and true gain over the groups
            of two tasks or more that hold the task; NaN where too few are predicted.
        rank_error: its standard error over tasks.
        f1: of predicted negative transfer on groups that the estimator did not train; NaN where
            it predicts no losses or gains, or trained all groups.
        negatives: share of those cases that truly were negative.
    """

    rank: float
    rank_error: float
    f1: float
    negatives: float


def judge(estimator: Estimator, truth: Truth) -> Judged:
    """Compare predictions with test losses averaged over the seeds of the truth."""
    predicted = predictions(estimator, truth)
    losses = truth.test.mean(axis=0)
    sign = -1.0 if estimator.predicts == "loss" else 1.0
    size = np.array([len(members_of(int(code))) for code in truth.codes])
    ranks = [
        _spearman(sign * predicted[use, t], -losses[use, t])
        for t in range(len(truth.tasks))
        if (use := np.isfinite(predicted[:, t]) & np.isfinite(losses[:, t]) & (size > 1)).sum()
        >= LEAST
    ]
    known = np.array([rank for rank in ranks if np.isfinite(rank)])
    rank = float(known.mean()) if len(known) else float("nan")
    error = float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else float("nan")
    f1, negatives = _negative_transfer(estimator, truth, predicted, losses, size)
    return Judged(rank, error, f1, negatives)


def predictions(estimator: Estimator, truth: Truth) -> NDArray[np.float64]:
    """``(G, T)`` what an estimator predicts for each group of a truth, in its own unit."""
    found = np.full((len(truth.codes), len(truth.tasks)), np.nan)
    for row, code in enumerate(truth.codes):
        members = members_of(int(code))
        scores = estimator.predict([truth.tasks[t] for t in members])
        for t in members:
            found[row, t] = scores[truth.tasks[t]]
    return found


def _negative_transfer(
    estimator: Estimator,
    truth: Truth,
    predicted: NDArray[np.float64],
    losses: NDArray[np.float64],
    size: NDArray[np.int64],
) -> tuple[float, float]:
    if estimator.predicts == "affinity":
        return float("nan"), float("nan")
    used = table_codes(estimator.table_)
    fresh = np.array([int(code) not in used for code in truth.codes]) & (size > 1)
    called, true = [], []
    for t in range(len(truth.tasks)):
        alone = int(np.searchsorted(truth.codes, 1 << t))
        if alone == len(truth.codes) or truth.codes[alone] != 1 << t:
            continue
        base = predicted[alone, t] if estimator.predicts == "loss" else 0.0
        rows = fresh & np.isfinite(predicted[:, t]) & np.isfinite(losses[:, t])
        if not np.isfinite(base):
            continue
        if estimator.predicts == "loss":
            called.append(predicted[rows, t] > base)
        else:
            called.append(predicted[rows, t] < 0)
        true.append(losses[rows, t] > losses[alone, t])
    if not true or not sum(map(len, true)):
        return float("nan"), float("nan")
    call, fact = np.concatenate(called), np.concatenate(true)
    either = float(call.sum() + fact.sum())
    f1 = 2 * float((call & fact).sum()) / either if either else float("nan")
    return f1, float(fact.mean())


def _spearman(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    from scipy.stats import spearmanr

    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(spearmanr(first, second).statistic)
