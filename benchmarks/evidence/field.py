"""What was trained in one setting, and what can be asked of it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from taskviz.affinity.base import Estimator
from taskviz.evidence.oracle import halves
from taskviz.evidence.plans import best_plan, membership_of, partitions, plan_scores
from taskviz.evidence.truth import Truth
from taskviz.training.subsets import draw_subsets
from taskviz.values import SubsetTable

Array = NDArray[np.float64]
BUDGETS = (2, 3, 4)


class Field:
    """Trained losses of one setting and what can be asked of them."""

    def __init__(self, truth: Truth) -> None:
        self.truth, self.size, self.count = truth, len(truth.tasks), len(truth.seeds)
        self.test, self.valid = truth.sums("test"), truth.sums("valid")
        self.budgets = tuple(b for b in BUDGETS if b < self.size)
        self.partitions = {b: partitions(self.size, b) for b in self.budgets}
        pairs = [self._halves(pair) for pair in halves(self.count)]
        self.reachable = float(np.mean([one for one, _ in pairs]))
        self.ceiling = float(np.mean([two for _, two in pairs])) / self.reachable

    def random(self, seeds: NDArray[np.int64]) -> float:
        """Mean test loss of random plans, mean over budgets and seeds."""
        sums = self.test[seeds].mean(axis=0)
        return float(np.mean([plan_scores(sums, p).mean() for p in self.partitions.values()]))

    def achieved(self, plans: Sequence[tuple[int, ...]], seeds: NDArray[np.int64]) -> float:
        """Mean test loss of one plan a budget."""
        sums = self.test[seeds].mean(axis=0)
        return float(np.mean([sums[list(plan)].sum() for plan in plans]))

    def chosen(self, sums: Array) -> list[tuple[int, ...]]:
        """The plan of each budget with the least sum."""
        return [best_plan(sums, b) for b in self.budgets]

    def _halves(self, first: NDArray[np.int64]) -> tuple[float, float]:
        second = np.setdiff1d(np.arange(self.count), first)
        best, found = [], []
        for chosen_on, scored_on in ((first, second), (second, first)):
            chance = self.random(scored_on)
            plans = self.chosen(self.test[chosen_on].mean(axis=0))
            best.append(chance - self.achieved(plans, scored_on))
            plans = self.chosen(self.valid[chosen_on].mean(axis=0))
            found.append(chance - self.achieved(plans, scored_on))
        return float(np.mean(best)), float(np.mean(found))

    def table(self, rows: Sequence[tuple[int, int]]) -> SubsetTable:
        """Validation losses of some (seed, code)."""
        seeds, codes = np.array(rows).T
        inside = membership_of(codes, self.size)
        losses = self.truth.valid[seeds, self.truth.rows(codes)]
        return SubsetTable(self.truth.tasks, inside, losses, np.ones(len(rows)), seeds)

    def design(self, seeds: Sequence[int], m: int, draw: int) -> SubsetTable:
        """``m`` fresh random subsets in each seed."""
        names = self.truth.tasks
        rows = []
        for seed in seeds:
            for subset in draw_subsets(names, m, 1000 * draw + seed):
                rows.append((seed, sum(1 << names.index(task) for task in subset)))
        return self.table(rows)

    def predicted(self, losses: Array) -> Array:
        """``(2^T,)`` sums from ``(2^T − 1, T)`` predicted losses of all groups."""
        return np.concatenate([[np.nan], np.where(self.inside, losses, 0.0).sum(axis=1)])

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Membership of all groups, by code."""
        return membership_of(np.arange(1, 2**self.size), self.size)

    def foretold(self, estimator: Estimator) -> Array:
        """``(2^T,)`` sums of an estimator's predictions, lower is better; inf where none."""
        sign = 1.0 if estimator.predicts == "loss" else -1.0
        found = np.full(2**self.size, np.inf)
        for code, row in enumerate(self.inside, 1):
            scores = estimator.predict([n for n, i in zip(self.truth.tasks, row, strict=True) if i])
            total = sign * sum(scores.values())
            found[code] = total if np.isfinite(total) else np.inf
        return found
