"""A good selection from listed candidates by adding and exchanging networks."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from taskviz.grouping.network_selection.candidates import Candidates


def exchange(
    candidates: Candidates, budget: float, check: Callable[[], None], rounds: int = 50
) -> NDArray[np.intp] | None:
    """Rows of a selection that no exchange of one network improves; overlap is allowed.

    Starts empty and buys the network of most gain for its cost until nothing fits; then gives up
    each chosen network in turn and buys again, as long as that lowers the total loss. None where
    no cover within the budget was found, which does not say that there is none.
    """
    losses = candidates.losses
    finite = np.isfinite(losses)
    span = float((np.where(finite, losses, -np.inf).max() - losses.min()) or 1.0)
    # A task without a network costs more than anything that serving it could cost others.
    unserved = float(np.where(finite, losses, -np.inf).max()) + span * losses.shape[1] + 1.0
    losses = np.where(finite, losses, unserved)
    rows: list[int] = []
    total = _buy(candidates, losses, rows, budget, unserved)
    for _ in range(rounds):
        improved = False
        for row in list(rows):
            check()
            trial = [r for r in rows if r != row]
            reached = _buy(candidates, losses, trial, budget, unserved, banned=row)
            if reached < total - 1e-12 * max(1.0, abs(total)):
                rows, total, improved = trial, reached, True
                break
        if not improved:
            break
    chosen = _needed(losses, np.array(rows, dtype=np.intp))
    return chosen if np.isfinite(candidates.total(chosen)) else None


def _buy(
    candidates: Candidates,
    losses: NDArray[np.float64],
    rows: list[int],
    budget: float,
    unserved: float,
    banned: int = -1,
) -> float:
    """Extend ``rows`` greedily within the budget and return the total loss."""
    current = losses[rows].min(axis=0) if rows else np.full(losses.shape[1], unserved)
    left = budget * (1 + 1e-12) - candidates.cost[rows].sum()
    while True:
        gain = np.maximum(current - losses, 0.0).sum(axis=1)
        gain[candidates.cost > left] = 0.0
        if banned >= 0:
            gain[banned] = 0.0
        row = int((gain / candidates.cost).argmax())
        if gain[row] <= 0.0:
            return float(current.sum())
        rows.append(row)
        current = np.minimum(current, losses[row])
        left -= candidates.cost[row]


def _needed(losses: NDArray[np.float64], rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """The rows that serve a task, ties to the earliest."""
    if not len(rows):
        return rows
    rows = np.sort(rows)
    return np.asarray(rows[np.unique(losses[rows].argmin(axis=0))])
