"""Groups within a budget that need not be counted in networks."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from taskviz.grouping import grouper_class
from taskviz.grouping.base import Affinity, Grouper
from taskviz.grouping.group_costs import CostModel, spend
from taskviz.grouping.priced_selection import below_least, priced_frontier
from taskviz.grouping.selection import Selection
from taskviz.grouping.trivial import AllSeparate
from taskviz.progress import SILENT, Progress
from taskviz.values import Grouping, TaskvizError


def group_within(
    affinity: Affinity,
    method: str,
    budget: float,
    model: CostModel,
    *,
    seed: int = 0,
    progress: Progress = SILENT,
    **options: Any,
) -> Grouping:
    """Groups that cost at most ``budget`` in the unit of ``model``.

    Selection chooses among groups at their prices, with a bound that holds for them. A clustering
    (and ``random``) makes k groups: the largest k is taken whose groups can be paid for.
    ``all-separate`` costs what it costs, and says where that is too much.

    Args:
        affinity: a matrix, or a subset table of full-size networks.
        method: grouper name.
        budget: in the unit of ``model``.
        model: prices of groups; it must know every task of ``affinity``.
        seed: of the grouper.
        progress: asked for a cancel.
        options: the grouper's own.

    Raises:
        TaskvizError: a budget below the cheapest groups that cover every task (the least one is
            named), a task without a price, a table with networks that are not full-size, or what
            the grouper itself raises.
    """
    return frontier_within(
        affinity, method, model, [budget], seed=seed, progress=progress, **options
    )[0]


def frontier_within(
    affinity: Affinity,
    method: str,
    model: CostModel,
    budgets: Sequence[float] | None = None,
    *,
    seed: int = 0,
    progress: Progress = SILENT,
    **options: Any,
) -> list[Grouping]:
    """:func:`group_within` for each budget, which share their work where the method can.

    Without ``budgets``: what 1…T disjoint groups cost.
    """
    grouper = grouper_class(method)(**options)
    grouper.progress = progress
    own = model.of(affinity.tasks)
    if budgets is None:
        budgets = [own.partition(k + 1) for k in range(len(own.tasks))]
    if model.unit == "networks":
        return grouper.frontier(affinity, budgets, seed)
    for budget in budgets:
        if not math.isfinite(budget) or budget <= 0:
            raise TaskvizError(
                f"The budget is {budget:g} {model.unit}: it must be a finite positive number."
            )
    if isinstance(grouper, Selection):
        return priced_frontier(grouper, affinity, budgets, own, seed)
    if isinstance(grouper, AllSeparate):
        return [_separate(grouper, affinity, budget, own, seed) for budget in budgets]
    made: dict[int, Grouping] = {}
    numbers = sorted({own.most_groups(budget) for budget in budgets} - {0})
    _make(grouper, affinity, numbers, seed, made)
    return [_clustered(grouper, affinity, budget, own, seed, made) for budget in budgets]


def _make(
    grouper: Grouper,
    affinity: Affinity,
    numbers: Sequence[int],
    seed: int,
    made: dict[int, Grouping],
) -> None:
    """Groupings into so many groups, those not made yet, all at once."""
    missing = [number for number in numbers if number not in made]
    if missing:
        made.update(zip(missing, grouper.frontier(affinity, missing, seed), strict=True))


def _separate(
    grouper: Grouper, affinity: Affinity, budget: float, model: CostModel, seed: int
) -> Grouping:
    made = spend(grouper.group(affinity, len(model.tasks), seed), model, budget)
    if model.affords(budget, made.cost):
        return made
    note = (
        f"One network a task costs {model.words(made.cost)}: above the budget of "
        f"{model.words(budget)}."
    )
    return replace(made, notes=(*made.notes, note))


def _clustered(
    grouper: Grouper,
    affinity: Affinity,
    budget: float,
    model: CostModel,
    seed: int,
    known: dict[int, Grouping],
) -> Grouping:
    """The largest number of groups whose cost fits."""
    most = model.most_groups(budget)
    if not most:
        raise below_least(budget, model.partition(1), model)
    # Disjoint groups fit at once; where a clustering overlaps, fewer of them may be affordable.
    made = spend(known[most], model, budget)
    if model.affords(budget, made.cost):
        return made
    _make(grouper, affinity, range(most - 1, 0, -1), seed, known)
    for number in range(most - 1, 0, -1):
        made = spend(known[number], model, budget)
        if model.affords(budget, made.cost):
            note = (
                f"The budget would pay for {most} disjoint groups, but groups of this method "
                f"overlap: {number} is the largest number asked for whose cost fits."
            )
            return replace(made, notes=(*made.notes, note))
    raise below_least(budget, made.cost, model)
