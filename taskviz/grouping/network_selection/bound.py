"""A bound on any selection from a matrix, where the groups are too many to list.

In a group of n tasks a task gets at most the mean of its n − 1 best sources, m_t(n), and a group of
n serves at most n tasks. Relaxed to that, with z_n groups of n tasks, a selection is a solution of

    max Σ_t Σ_n m_t(n) y_tn   over   Σ_n y_tn = 1,  Σ_t y_tn ≤ n z_n,  Σ_n z_n ≤ b,

whose dual has one variable, the price λ of a group, of which each of n tasks pays its share:

    min over λ ≥ 0 of   b λ + Σ_t max_n (m_t(n) − λ/n).

Every λ gives a valid bound, so that rounding errors of a solver cannot spoil it. Where groups may
not overlap, every task of a group is served by it, so that the sum over the group is the same for
the symmetrised matrix, and the smaller of the two bounds holds.
"""

import numpy as np
from numpy.typing import NDArray

from taskviz.grouping.network_selection.constraints import Constraints
from taskviz.grouping.network_selection.scores import MatrixScores

HALVINGS = 100


class MatrixBound:
    """Upper bounds on Σ_t best mean affinity; what does not depend on the budget is done once.

    Args:
        scores: the matrix.
        constraints: which groups are allowed.
    """

    def __init__(self, scores: MatrixScores, constraints: Constraints) -> None:
        values = np.where(scores.known, scores.values, np.nan)
        self._means = [best_means(values, scores, constraints)]
        if not constraints.overlap and scores.known[~np.eye(len(values), dtype=bool)].all():
            self._means.append(best_means((values + values.T) / 2, scores, constraints))

    def at(self, groups: float) -> float:
        """The bound with at most this many groups.

        Args:
            groups: how many the budget affords; fractions are rounded down, inf leaves the budget
                out.
        """
        return min(_size_bound(means, groups) for means in self._means)


def _size_bound(means: NDArray[np.float64], groups: float) -> float:
    """The dual's minimum, found by halving on its slope, which grows with λ."""
    alone = float(means.max(axis=1).sum())
    if not np.isfinite(groups) or not np.isfinite(alone):
        return alone
    number = np.floor(groups + 1e-9)
    share = 1.0 / np.arange(1, len(means) + 1)
    rows = np.arange(len(means))

    def dual(price: float) -> tuple[float, float]:
        paid = means - price * share
        best = paid.argmax(axis=1)
        return float(number * price + paid[rows, best].sum()), float(number - share[best].sum())

    low, high = 0.0, 1.0
    while dual(high)[1] < 0 and high < 1e300:
        high *= 2
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if dual(middle)[1] < 0:
            low = middle
        else:
            high = middle
    return min(dual(low)[0], dual(high)[0])


def best_means(
    values: NDArray[np.float64], scores: MatrixScores, constraints: Constraints
) -> NDArray[np.float64]:
    """``(T, T)``: entry (t, n − 1) is m_t(n), −inf where no such group may hold the task."""
    size = len(values)
    apart = constraints.apart_matrix(scores.tasks)
    tied = np.zeros((size, size), dtype=bool)
    for unit in constraints.units(scores.tasks):
        tied[np.ix_(unit, unit)] = True
    np.fill_diagonal(tied, False)
    largest = size if constraints.largest is None else constraints.largest
    # Rows are targets from here on.
    own = values.T
    known = ~np.isnan(own)
    free = ~tied & ~apart & ~np.eye(size, dtype=bool)
    # Sources that must come along first, then the best; an unmeasured one is no source, and a group
    # of n may hold all of them.
    ranked = -np.sort(np.where(free & known, -own, np.inf), axis=1)
    ranks = np.arange(size + 1)
    reachable = (free & known).sum(axis=1, keepdims=True)
    base = np.where(tied & known, own, 0.0).sum(axis=1, keepdims=True)
    steps = np.where(ranks[1:] <= reachable, ranked, 0.0)
    sums = base + np.concatenate([np.zeros((size, 1)), np.cumsum(steps, axis=1)], axis=1)
    count = (tied & known).sum(axis=1, keepdims=True) + ranks
    means = np.full((size, size + 1), -np.inf)
    np.divide(sums, count, out=means, where=(count > 0) & (ranks <= reachable))
    # A running mean over falling values climbs to one peak and then falls: the best of a window is
    # its member nearest to the peak.
    forced = tied.sum(axis=1, keepdims=True)
    unknown = (~known & (free | tied)).sum(axis=1, keepdims=True)
    sizes = ranks[1:]
    most = sizes - 1 - forced
    least = np.maximum(most - unknown, 0)
    peak = means.argmax(axis=1)[:, None]
    best = np.clip(peak, least, np.maximum(np.minimum(most, reachable), least))
    allowed = (sizes >= constraints.floor) & (sizes <= largest) & (most >= 0) & (least <= reachable)
    found = np.where(allowed, np.take_along_axis(means, np.minimum(best, size), axis=1), -np.inf)
    if constraints.floor <= 1:
        single = ~tied.any(axis=1)
        found[single, 0] = scores.alone[single]
    return np.asarray(found, dtype=np.float64)
