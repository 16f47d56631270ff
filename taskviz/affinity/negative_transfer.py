"""How well a surrogate foretells which groups hurt a task."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taskviz.affinity.seeds import seed_groups
from taskviz.affinity.surrogate_fit import SurrogateFit
from taskviz.values import SubsetTable


@dataclass(frozen=True)
class NegativeTransfer:
    """Prediction of ``f(S) > f(∅)`` over pairs of a held-out subset and one of its tasks.

    Args:
        f1: harmonic mean of precision and recall; NaN where there was nothing to find and nothing
            was called, 0 where no call was right.
        precision: share of the calls that were right; NaN without a call.
        recall: share of the negative transfers that were called; NaN where there was none.
        cases: pairs judged.
        negatives: pairs that in truth were negative transfer.
    """

    f1: float
    precision: float
    recall: float
    cases: int
    negatives: int

    def sentence(self) -> str:
        """For people."""
        if np.isnan(self.f1):
            return f"No negative transfer occurred or was predicted in {self.cases} held-out cases."
        return (
            f"Negative transfer on held-out subsets: F1 {self.f1:.2f} "
            f"({self.negatives} of {self.cases} cases are negative)."
        )


def negative_transfer_f1(
    fit: SurrogateFit, held_out: SubsetTable, alone: SubsetTable | None = None
) -> NegativeTransfer:
    """Score a surrogate on subsets that were not used to fit it (talk, “Results”).

    A case is a task t of a held-out subset of two tasks or more. It is negative where its loss is
    above ``f(∅)``, the loss of t trained alone in the same seed (mean over the seeds known, where
    that seed has none), and called negative where the loss predicted for that seed is.

    Args:
        fit: made from other subsets.
        held_out: measured losses.
        alone: a table that holds single tasks; by default those of ``held_out``.
    """
    alone = held_out if alone is None else alone
    reference = _alone(alone)
    mean = _mean_alone(reference, len(held_out.tasks))
    predicted = fit.predict(held_out.membership, held_out.seeds)
    seeds = held_out.seeds if held_out.seeds is not None else np.zeros(len(held_out), np.int64)
    cases = []
    for row in np.flatnonzero(held_out.membership.sum(axis=1) > 1):
        for t in np.flatnonzero(held_out.membership[row]):
            base = reference.get((int(seeds[row]), int(t)), mean[t])
            loss, guess = held_out.losses[row, t], predicted[row, t]
            if np.isfinite([loss, guess, base]).all():
                cases.append((loss > base, guess > base))
    truth, called = np.array(cases, dtype=bool).reshape(-1, 2).T
    right = float((truth & called).sum())
    precision = right / called.sum() if called.any() else float("nan")
    recall = right / truth.sum() if truth.any() else float("nan")
    either = float(truth.sum() + called.sum())
    f1 = 2 * right / either if either else float("nan")
    return NegativeTransfer(f1, float(precision), float(recall), len(cases), int(truth.sum()))


def _alone(table: SubsetTable) -> dict[tuple[int, int], float]:
    """(seed, task) → loss trained alone."""
    seeds = table.seeds if table.seeds is not None else seed_groups(None, len(table))
    found = {}
    for row in np.flatnonzero(table.membership.sum(axis=1) == 1):
        t = int(np.flatnonzero(table.membership[row])[0])
        if np.isfinite(table.losses[row, t]):
            found[int(seeds[row]), t] = float(table.losses[row, t])
    return found


def _mean_alone(reference: dict[tuple[int, int], float], size: int) -> NDArray[np.float64]:
    mean = np.full(size, np.nan)
    for t in range(size):
        known = [loss for (_, task), loss in reference.items() if task == t]
        if known:
            mean[t] = np.mean(known)
    return mean
