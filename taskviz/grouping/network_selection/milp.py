"""Exact selection from listed candidates by mixed-integer programming (HiGHS).

x_S ∈ {0, 1}: network S is chosen. y_tS ≥ 0: S serves t; it is whole by itself once x is. Minimise
Σ loss_tS y_tS subject to Σ_S y_tS = 1, y_tS ≤ x_S and Σ c_S x_S ≤ b. Where overlap is forbidden y
is not needed: Σ_{S∋t} x_S = 1 and S weighs Σ_{t∈S} loss_tS.

The links y_tS ≤ x_S one by one, not summed, keep the relaxation tight; and before anything is
handed over, the Lagrangian bound and a good selection throw out every network and every pair that
cannot be part of a better one.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskviz.grouping.network_selection.candidates import Candidates
from taskviz.grouping.network_selection.exchange import exchange
from taskviz.grouping.network_selection.lagrangian import Bound, lagrangian_bound

FIRST_SLICE = 2.0
"""Seconds of the first run; each further one doubles, so that a cancel is heard in between."""
MOST_PROMISING = 300
"""Networks in the first programme: mostly more than the optimum needs, and solved in no time."""


@dataclass(frozen=True)
class Solved:
    """What a solver found.

    Args:
        rows: chosen candidates, none where nothing was found.
        bound: no selection has a lower total loss; -inf where nothing is proven.
        proven: ``rows`` is optimal, or, with no rows, nothing is feasible.
    """

    rows: NDArray[np.intp]
    bound: float
    proven: bool


def solve_milp(
    candidates: Candidates,
    budget: float,
    overlap: bool,
    deadline: float,
    check: Callable[[], None],
) -> Solved:
    """The best selection of cost ≤ ``budget``, with proof unless the deadline passes.

    Args:
        candidates: m groups.
        budget: in the unit of their cost.
        overlap: whether a task may be in several groups.
        deadline: ``time.monotonic()`` by which to return the best found so far.
        check: called between steps; may raise.
    """
    candidates, origin = _affordable(candidates, budget, overlap)
    if not len(candidates) or not np.isfinite(candidates.losses).any(axis=0).all():
        return Solved(np.zeros(0, dtype=np.intp), float("inf"), True)
    known = exchange(candidates, budget, check) if overlap else None
    upper = candidates.total(known) if known is not None else float("inf")
    bound = lagrangian_bound(candidates, budget, overlap, upper, check)
    best, lower = known, bound.value
    for wanted in (MOST_PROMISING, 10 * MOST_PROMISING, len(candidates)):
        # Look for a selection below `cut` only: whatever cannot be part of one is left out.
        cut = min(upper, bound.cut(wanted))
        model = _Model(candidates, bound, cut, budget, overlap)
        rows, proven_lower, finished = model.solve(deadline, check)
        if rows is not None and candidates.total(rows) < upper:
            best, upper = rows, candidates.total(rows)
        if not finished:
            lower = max(lower, min(proven_lower, cut))
            break
        lower = max(lower, min(upper, cut))
        if upper <= cut:
            break
    if best is None:
        proven = not np.isfinite(lower)
        return Solved(np.zeros(0, dtype=np.intp), lower, proven)
    proven = lower >= upper - 1e-9 * max(1.0, abs(upper))
    return Solved(origin[best], upper if proven else lower, proven)


class _Model:
    def __init__(
        self, candidates: Candidates, bound: Bound, cut: float, budget: float, overlap: bool
    ) -> None:
        self.candidates, self.budget, self.overlap = candidates, budget, overlap
        self.rows = np.flatnonzero(bound.may_improve(cut))
        losses = candidates.losses[self.rows]
        # HiGHS stops at an absolute gap of 1e-6: spread the losses over a thousand.
        finite = losses[np.isfinite(losses)]
        span = float(finite.max() - finite.min()) if finite.size else 0.0
        self.scale = 1000.0 / (span or 1.0)
        least = np.where(np.isfinite(losses), losses, np.inf).min(axis=0, initial=np.inf)
        self.coverable = bool(np.isfinite(least).all())
        least = np.where(np.isfinite(least), least, 0.0)
        self.shift = float(least.sum())
        relative = (losses - least) * self.scale
        if overlap:
            extra = np.maximum(losses - bound.prices, 0.0)
            rate = np.maximum(bound.reduced[self.rows], 0.0)[:, None]
            pairs = np.isfinite(losses) & (bound.value + extra + rate <= cut)
            self.coverable &= bool(pairs.any(axis=0).all())
            self.network, self.task = np.nonzero(pairs)
            self.weights = np.concatenate([np.zeros(len(self.rows)), relative[pairs]])
        else:
            inside = candidates.members[self.rows]
            self.weights = np.where(inside, relative, 0.0).sum(axis=1)

    def constraints(self, budget: float) -> list[Any]:
        from scipy.optimize import LinearConstraint
        from scipy.sparse import coo_array

        m, size = len(self.rows), self.candidates.members.shape[1]
        cost = self.candidates.cost[self.rows] / budget
        if not self.overlap:
            cover = self.candidates.members[self.rows].T.astype(float)
            return [
                LinearConstraint(coo_array(cover).tocsr(), 1, 1),
                LinearConstraint(cost[None, :], -np.inf, 1.0),
            ]
        n = len(self.network)
        ones, place = np.ones(n), np.arange(n)
        served = coo_array((ones, (self.task, m + place)), shape=(size, m + n))
        linked = coo_array(
            (
                np.concatenate([ones, -ones]),
                (np.concatenate([place, place]), np.concatenate([m + place, self.network])),
            ),
            shape=(n, m + n),
        )
        spent = coo_array((cost, (np.zeros(m, dtype=int), np.arange(m))), shape=(1, m + n))
        return [
            LinearConstraint(served.tocsr(), 1, 1),
            LinearConstraint(linked.tocsr(), -np.inf, 0),
            LinearConstraint(spent.tocsr(), -np.inf, 1.0),
        ]

    def solve(
        self, deadline: float, check: Callable[[], None]
    ) -> tuple[NDArray[np.intp] | None, float, bool]:
        """Rows or None, a lower bound among what was kept, and whether the search was finished."""
        from scipy.optimize import Bounds, milp

        m = len(self.rows)
        if not self.coverable:
            return None, float("inf"), True
        whole = np.zeros(len(self.weights))
        whole[:m] = 1
        seconds, budget = FIRST_SLICE, self.budget
        while True:
            check()
            left = deadline - time.monotonic()
            limit = max(min(seconds, left), 0.05)
            found = milp(
                self.weights,
                integrality=whole,
                bounds=Bounds(0, 1),
                constraints=self.constraints(budget),
                options={"time_limit": limit, "mip_rel_gap": 0.0},
            )
            if found.status == 2:
                return None, float("inf"), True
            rows = None
            if found.x is not None:
                rows = self.rows[np.flatnonzero(found.x[:m] > 0.5)]
                if self.candidates.cost[rows].sum() > self.budget * (1 + 1e-9):
                    # Within the solver's tolerance but above the budget: ask a little tighter.
                    budget *= 1 - 3e-6
                    continue
                if not np.isfinite(self.candidates.total(rows)):
                    rows = None
            if found.status == 0:
                lower = float("-inf") if rows is None else self.candidates.total(rows)
                return rows, lower, rows is not None
            seconds *= 2
            if time.monotonic() >= deadline - 0.05:
                dual = found.mip_dual_bound
                lower = float("-inf") if dual is None else self.shift + float(dual) / self.scale
                return rows, lower, False


def coverable(candidates: Candidates, overlap: bool) -> bool:
    """Whether some selection serves every task, whatever it costs."""
    if overlap:
        return bool(np.isfinite(candidates.losses).any(axis=0).all())
    return cheapest_cover(candidates, overlap) is not None


def cheapest_cover(candidates: Candidates, overlap: bool, seconds: float = 10.0) -> float | None:
    """The least budget at which every task is served; None where no budget suffices.

    At the time limit, the cheapest found so far.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    served = np.isfinite(candidates.losses)
    whole = served if overlap else candidates.members
    rows = np.arange(len(candidates))
    if not overlap:
        rows = np.flatnonzero((served == candidates.members).all(axis=1))
    if not len(rows) or not whole[rows].any(axis=0).all():
        return None
    cost = candidates.cost[rows]
    single = whole[rows].all(axis=1)
    if single.any() and cost[single].min() <= cost.min():
        return float(cost[single].min())
    found = milp(
        cost,
        integrality=np.ones(len(rows)),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(whole[rows].T.astype(float), 1, np.inf if overlap else 1),
        options={"time_limit": seconds, "mip_rel_gap": 0.0},
    )
    return None if found.x is None else float(cost[found.x > 0.5].sum())


def _affordable(
    candidates: Candidates, budget: float, overlap: bool
) -> tuple[Candidates, NDArray[np.intp]]:
    keep = candidates.cost <= budget * (1 + 1e-12)
    if not overlap:
        # A group of a partition serves all its tasks, so it must know the loss of each.
        keep &= (np.isfinite(candidates.losses) == candidates.members).all(axis=1)
    rows = np.flatnonzero(keep)
    return candidates.keep(rows), rows
