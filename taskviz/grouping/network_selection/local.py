"""Local search with any scores: put a task into a group, take it out, or move it.

Slower than ``blocks``, which knows what a matrix is, but it asks nothing of the scores.
"""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskviz.grouping.network_selection.constraints import Constraints
from taskviz.grouping.network_selection.scores import GroupScores


class LocalSearch:
    """Groups that no single change of one unit improves.

    Args:
        scores: losses of groups.
        constraints: which groups are allowed.
        groups: ``(k, T)`` memberships to start from; empty rows are networks not yet used.
        budget: most that the groups may cost.
        check: called before every group is looked at; may raise.
    """

    def __init__(
        self,
        scores: GroupScores,
        constraints: Constraints,
        groups: NDArray[np.bool_],
        budget: float,
        check: Callable[[], None],
    ) -> None:
        self.scores, self.constraints, self._check = scores, constraints, check
        self.allowed = constraints.allowed(scores.tasks)
        self.budget = budget * (1 + 1e-12)
        self.units = np.zeros((len(constraints.units(scores.tasks)), len(scores.tasks)), bool)
        for i, unit in enumerate(constraints.units(scores.tasks)):
            self.units[i, unit] = True
        self.groups = groups.copy()
        k, size = groups.shape
        self.losses, self.cost = self._evaluate(self.groups)
        self.toggled = np.full((k, len(self.units), size), np.inf)
        self.toggled_cost = np.zeros((k, len(self.units)))
        # A task that no group serves weighs more than anything serving it could cost others.
        finite = np.abs(self.losses[np.isfinite(self.losses)])
        self.unserved = 1e9 * max(1.0, float(finite.max(initial=0.0)))
        for g in range(k):
            self._refresh(g)

    @property
    def total(self) -> float:
        """Σ_t least loss, ``unserved`` for a task that no group serves."""
        return float(self._sum(self.losses.min(axis=0)))

    @property
    def complete(self) -> bool:
        """Every task is served and the budget is kept."""
        served = np.isfinite(self.losses.min(axis=0)).all()
        return bool(served and self.cost.sum() <= self.budget)

    def descend(self, expired: Callable[[], bool]) -> None:
        """Make the best change until none improves or the time is over."""
        while not expired():
            self._check()
            changes = [self._best_move()]
            if self.constraints.overlap:
                changes.append(self._best_toggle())
            total, unit, source, target = min(changes)
            if total >= self.total - 1e-12 * max(1.0, abs(self.total)) or unit < 0:
                if self.complete or not self._swap():
                    return
                continue
            for g in {source, target} - {-1}:
                self.groups[g] ^= self.units[unit]
                losses, cost = self._evaluate(self.groups[g][None])
                self.losses[g], self.cost[g] = losses[0], cost[0]
                self._refresh(g)

    def _best_toggle(self) -> tuple[float, int, int, int]:
        best = (np.inf, -1, -1, -1)
        for g in range(len(self.groups)):
            others = np.delete(self.losses, g, axis=0).min(axis=0, initial=np.inf)
            total = self._sum(np.minimum(self.toggled[g], others))
            spent = self.cost.sum() - self.cost[g] + self.toggled_cost[g]
            total[spent > self.budget] = np.inf
            unit = int(total.argmin())
            best = min(best, (float(total[unit]), unit, -1, g))
        return best

    def _best_move(self) -> tuple[float, int, int, int]:
        best = (np.inf, -1, -1, -1)
        inside = (self.groups @ self.units.T) > 0
        for g in range(len(self.groups)):
            for h in range(len(self.groups)):
                movable = np.flatnonzero(inside[g] & ~inside[h])
                if g == h or not len(movable):
                    continue
                others = np.delete(self.losses, [g, h], axis=0).min(axis=0, initial=np.inf)
                after = np.minimum(self.toggled[g, movable], self.toggled[h, movable])
                total = self._sum(np.minimum(after, others))
                spent = self.cost.sum() - self.cost[[g, h]].sum()
                spent = spent + self.toggled_cost[g, movable] + self.toggled_cost[h, movable]
                # A group that must not be, on either side, is no way to serve anyone.
                legal = np.isfinite(self.toggled_cost[[g, h]][:, movable]).all(axis=0)
                total[(spent > self.budget) | ~legal] = np.inf
                place = int(total.argmin())
                best = min(best, (float(total[place]), int(movable[place]), g, h))
        return best

    def _swap(self) -> bool:
        """Exchange two units between groups so that more is served; True if one was made.

        Only for groups too tight for single moves: it asks for many groups.
        """
        inside = (self.groups @ self.units.T) > 0
        for g, h in combinations(range(len(self.groups)), 2):
            self._check()
            others = np.delete(self.losses, [g, h], axis=0).min(axis=0, initial=np.inf)
            spent = self.cost.sum() - self.cost[[g, h]].sum()
            for u in np.flatnonzero(inside[g] & ~inside[h]):
                for v in np.flatnonzero(inside[h] & ~inside[g]):
                    both = self.units[u] | self.units[v]
                    losses, cost = self._evaluate(np.stack([self.groups[g], self.groups[h]]) ^ both)
                    total = self._sum(np.minimum(losses.min(axis=0), others))
                    if total < self.total - 1e-9 and spent + cost.sum() <= self.budget:
                        self.groups[[g, h]] ^= both
                        self.losses[[g, h]], self.cost[[g, h]] = losses, cost
                        self._refresh(g)
                        self._refresh(h)
                        return True
        return False

    def _sum(self, losses: NDArray[np.float64]) -> Any:
        return np.where(np.isfinite(losses), losses, self.unserved).sum(axis=-1)

    def _refresh(self, g: int) -> None:
        self._check()
        self.toggled[g], self.toggled_cost[g] = self._evaluate(self.groups[g] ^ self.units)

    def _evaluate(
        self, groups: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Losses and costs; an empty group costs nothing, a forbidden one is out of reach."""
        losses = np.full(groups.shape, np.inf)
        cost = np.zeros(len(groups))
        used = groups.any(axis=1)
        legal = used & self.allowed(groups)
        losses[legal] = self.scores.losses(groups[legal])
        cost[legal] = self.scores.costs(groups[legal])
        cost[used & ~legal] = np.inf
        return losses, cost
