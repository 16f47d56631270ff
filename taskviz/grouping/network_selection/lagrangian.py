"""A valid bound for listed candidates, and which of them an optimal selection can do without.

Serving every task exactly once is priced by multipliers u_t and the budget by λ ≥ 0. What is left
falls apart into one question a network, so that for *any* u and λ

    L(u, λ) = Σ_t u_t − λ b + Σ_S min(0, ρ_S + λ c_S)

is at most the least total loss, with ρ_S = Σ_{t∈S} min(0, loss_tS − u_t) where tasks may be in
several groups, and the same without the min where they may not. Subgradient steps raise it to
about the bound of the linear programme, at one pass over the table each.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taskviz.grouping.network_selection.candidates import Candidates


@dataclass(frozen=True)
class Bound:
    """A lower bound on the total loss with the prices that prove it.

    Args:
        value: the bound.
        prices: ``(T,)`` u.
        reduced: ``(m,)`` ρ_S + λ c_S: a selection that uses S although this is positive costs at
            least ``value`` plus this.
    """

    value: float
    prices: NDArray[np.float64]
    reduced: NDArray[np.float64]

    def may_improve(self, upper: float) -> NDArray[np.bool_]:
        """``(m,)``: candidates that a selection better than ``upper`` may use."""
        return self.value + np.maximum(self.reduced, 0.0) <= upper

    def cut(self, count: int) -> float:
        """A total loss below which a selection can use about ``count`` candidates at most."""
        if count >= len(self.reduced):
            return float("inf")
        threshold = float(np.partition(self.reduced, count)[count])
        return self.value + max(threshold, 0.0)


def lagrangian_bound(
    candidates: Candidates,
    budget: float,
    overlap: bool,
    upper: float,
    check: Callable[[], None],
    iterations: int = 300,
) -> Bound:
    """The best bound found by subgradient steps of Polyak's length towards ``upper``.

    Args:
        candidates: m groups.
        budget: in the unit of their cost.
        overlap: whether a task may be in several groups.
        upper: total loss of a known selection; inf where none is known.
        check: called before every step; may raise.
        iterations: steps.
    """
    losses = np.where(candidates.members, candidates.losses, np.inf)
    least = losses.min(axis=0)
    worst = np.where(np.isfinite(losses), losses, -np.inf).max(axis=0)
    if not np.isfinite(upper):
        upper = float(worst.sum())
    # Between the best and the worst loss of each task, scaled so that prices sum to the target.
    share = (upper - least.sum()) / max(float((worst - least).sum()), 1e-300)
    prices = least + np.clip(share, 0.0, 1.0) * (worst - least)
    best: Bound | None = None
    step, stalled = 1.0, 0
    for _ in range(iterations):
        check()
        bound, served = _evaluate(candidates, losses, prices, budget, overlap)
        if best is None or bound.value > best.value + 1e-12 * abs(best.value):
            best, stalled = bound, 0
        else:
            stalled += 1
            if stalled >= 10:
                step, stalled = step / 2, 0
                prices = best.prices
                if step < 1e-3:
                    break
                continue
        slope = 1.0 - served
        norm = float(slope @ slope)
        if norm < 1e-12 or best.value >= upper:
            break
        target = max(upper - bound.value, 1e-6 * max(1.0, abs(upper)))
        prices = prices + step * target / norm * slope
    assert best is not None
    return best


def _evaluate(
    candidates: Candidates,
    losses: NDArray[np.float64],
    prices: NDArray[np.float64],
    budget: float,
    overlap: bool,
) -> tuple[Bound, NDArray[np.float64]]:
    """L at these prices and the best λ for them, and how often it serves each task."""
    excess = losses - prices
    if overlap:
        used = excess < 0
        value = np.where(used, excess, 0.0).sum(axis=1)
    else:
        used = candidates.members
        value = np.where(used, excess, 0.0).sum(axis=1)
    cost = candidates.cost
    gainful = np.flatnonzero(value < 0)
    order = gainful[np.argsort(value[gainful] / cost[gainful], kind="stable")]
    spent = np.cumsum(cost[order])
    # Networks are bought by gain for cost until the budget is spent; the first that does not fit
    # whole is bought in part, and its ratio is λ.
    whole = int(np.searchsorted(spent, budget * (1 + 1e-12), side="right"))
    amount = np.zeros(len(value))
    amount[order[:whole]] = 1.0
    rate = 0.0
    if whole < len(order):
        marginal = order[whole]
        left = budget - (spent[whole - 1] if whole else 0.0)
        amount[marginal] = max(left, 0.0) / cost[marginal]
        rate = float(-value[marginal] / cost[marginal])
    reduced = value + rate * cost
    total = float(prices.sum() - rate * budget + np.minimum(reduced, 0.0).sum())
    return Bound(total, prices, reduced), amount @ used
