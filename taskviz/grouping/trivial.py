"""The two ends of the scale: one network for all tasks, one network a task."""

import time
from dataclasses import dataclass

from taskviz.grouping.base import Affinity, Grouper
from taskviz.grouping.budget import positive_budget
from taskviz.values import Grouping


@dataclass(frozen=True)
class NoOptions:
    """There is nothing to choose."""


class AllTogether(Grouper):
    """One group that holds every task: naive multi-task learning, at the cost of one model."""

    name = "all-together"
    title = "All together"
    source = "talk: naive multi-task learning"
    summary = "One network for all tasks."
    needs_integer_budget = False
    Options = NoOptions

    def group(self, affinity: Affinity, budget: float, seed: int = 0) -> Grouping:
        """See :meth:`Grouper.group`; of ``affinity`` only the task names are used."""
        start = time.perf_counter()
        positive_budget(budget, self.name)
        return Grouping.of(
            [affinity.tasks],
            budget=budget,
            method=self.name,
            seed=seed,
            objective="none: fixed",
            seconds=time.perf_counter() - start,
        )


class AllSeparate(Grouper):
    """One group a task: single-task learning, at the cost of T models whatever the budget."""

    name = "all-separate"
    title = "All separate"
    source = "talk: single-task learning"
    summary = "One network a task: the reference for negative transfer."
    needs_integer_budget = False
    Options = NoOptions

    def group(self, affinity: Affinity, budget: float, seed: int = 0) -> Grouping:
        """See :meth:`Grouper.group`; of ``affinity`` only the task names are used."""
        start = time.perf_counter()
        positive_budget(budget, self.name)
        size = len(affinity.tasks)
        notes: tuple[str, ...] = ()
        if size > budget:
            notes = (f"One network a task costs {size} models: above the budget of {budget:g}.",)
        return Grouping.of(
            [[task] for task in affinity.tasks],
            budget=budget,
            method=self.name,
            seed=seed,
            objective="none: fixed",
            seconds=time.perf_counter() - start,
            notes=notes,
        )
