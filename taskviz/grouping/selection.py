"""Network selection under a budget: exact where that is within reach, with the gap where not."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from taskviz.grouping.base import Affinity, Grouper
from taskviz.grouping.network_selection import (
    Constraints,
    GroupScores,
    Selected,
    scores_of,
    select_networks,
)
from taskviz.grouping.network_selection.constraints import parse_sets
from taskviz.grouping.network_selection.scores import Cost, Predicting, SingletonScore
from taskviz.values import Grouping, option, option_values

PROVEN = 1e-9
"""Relative gap below which score and bound differ by rounding only."""


@dataclass(frozen=True)
class SelectionOptions:
    """Options of :class:`Selection`."""

    overlap: bool = option(True, "a task may be in several groups; the best one serves it")
    smallest: int = option(1, "least number of tasks in a group", minimum=1)
    largest: int | None = option(None, "largest number of tasks in a group", minimum=1)
    together: str = option("", "tasks that a group holds all or none of: a+b; c+d")
    apart: str = option("", "tasks of which a group holds one at most: a+b; c+d")
    singletons: Literal["auto", "forbid", "allow", "zero", "diagonal"] = option(
        "auto",
        "groups of one task: forbid; allow (what a table or a prediction says of them); for a "
        "matrix, which says nothing of them, score them zero or by the diagonal; auto: forbid for "
        "a matrix, else allow",
    )
    solver: Literal["auto", "dynamic", "milp", "heuristic"] = option(
        "auto",
        "auto: exact where groups can be listed, else search; or one of them",
        advanced=True,
    )
    seconds: float = option(
        60.0, "after this long the best found so far is taken", minimum=0.1, advanced=True
    )


class Selection(Grouper):
    """Chooses groups of total cost ≤ b that cover all tasks and predict best.

    Minimises Σ_t min_{S∋t} L̂_t(S) (HOA, TAG), or maximises the sum of best scores: losses from a
    subset table, where networks may cost less than 1; the mean affinity from the other members in
    a matrix; or the ``predict`` of a fitted estimator. Up to 16 tasks, and for any subset table,
    the optimum is proven if time allows; beyond, a search states its gap to a bound.

    Tasks named by ``together`` share every group that holds one of them, tasks named by ``apart``
    share none.

    Example:
        >>> import numpy as np
        >>> from taskviz.values import AffinityMatrix
        >>> values = np.kron(np.eye(2), np.ones((2, 2)))
        >>> g = Selection().group(AffinityMatrix(values, tuple("abcd"), "example"), 2)
        >>> g.groups, g.score, g.gap
        ((('a', 'b'), ('c', 'd')), 4.0, 0.0)
    """

    name = "selection"
    title = "Network selection"
    source = "Standley et al. 2020 (HOA); Fifty et al. 2021 (TAG); talk"
    summary = "The best groups within the budget by predicted score, with proof or a stated gap."
    needs_integer_budget = False
    Options = SelectionOptions
    cost: Cost | None = None
    """Set it on the grouper to price groups of a matrix or a prediction otherwise than at 1 each;
    a subset table brings its costs along."""

    def group(
        self, affinity: Affinity | GroupScores | Predicting, budget: float, seed: int = 0
    ) -> Grouping:
        """See :meth:`Grouper.group`; takes fitted estimators and :class:`GroupScores` too."""
        return self.frontier(affinity, [budget], seed)[0]

    def frontier(
        self,
        affinity: Affinity | GroupScores | Predicting,
        budgets: Sequence[float],
        seed: int = 0,
    ) -> list[Grouping]:
        """See :meth:`Grouper.frontier`; exact solvers share their work between the budgets."""
        if not len(budgets):
            return []
        start = time.perf_counter()
        scores = self.scores(affinity)
        found = select_networks(
            scores,
            [float(budget) for budget in budgets],
            self.constraints(scores.tasks),
            solver=self.options.solver,
            seconds=self.options.seconds,
            seed=seed,
            check=self.progress.check,
        )
        seconds = (time.perf_counter() - start) / len(found)
        options = option_values(self.options)
        return [
            as_grouping(one, scores, options=options, seed=seed, seconds=seconds) for one in found
        ]

    def scores(self, affinity: Affinity | GroupScores | Predicting) -> GroupScores:
        """What the solvers are given, singletons scored as the options say."""
        rule = self.options.singletons
        score: SingletonScore = "forbid" if rule in ("auto", "allow", "forbid") else rule
        return scores_of(affinity, score, self.cost)

    def constraints(self, tasks: tuple[str, ...]) -> Constraints:
        """The constraints that the options state."""
        return Constraints(
            overlap=self.options.overlap,
            smallest=self.options.smallest,
            largest=self.options.largest,
            together=parse_sets(self.options.together, tasks, "together"),
            apart=parse_sets(self.options.apart, tasks, "apart"),
            singletons=self.options.singletons != "forbid",
        )


def as_grouping(selected: Selected, scores: GroupScores, **fields: Any) -> Grouping:
    """A selection as a :class:`Grouping`, groups in the order of their first tasks."""
    tasks = scores.tasks
    places = [tuple(int(i) for i in np.flatnonzero(row)) for row in selected.members]
    order = sorted(range(len(places)), key=lambda i: (places[i], selected.cost[i]))
    rank = {old: new for new, old in enumerate(order)}
    score = scores.score(selected.total)
    bound = scores.score(selected.bound) if np.isfinite(selected.bound) else None
    gap = None
    if bound is not None:
        gap = abs(score - bound) / max(abs(score), 1e-12)
        if gap <= PROVEN:
            bound, gap = score, 0.0
    sense = "higher" if scores.higher_is_better else "lower"
    return Grouping.of(
        [[tasks[i] for i in places[old]] for old in order],
        budget=selected.budget,
        serving={task: rank[int(i)] for task, i in zip(tasks, selected.serving, strict=True)},
        cost=float(selected.cost.sum()),
        costs=tuple(float(selected.cost[old]) for old in order),
        score=score,
        bound=bound,
        gap=gap,
        objective=f"{scores.unit}, {sense} is better",
        method="selection",
        affinity=scores.name,
        notes=selected.notes,
        **fields,
    )
