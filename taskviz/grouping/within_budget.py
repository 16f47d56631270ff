"""Groups within a budget that need not be counted in networks."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from taskviz.grouping import grouper_class
from taskviz.grouping.base import Affinity, Grouper
from taskviz.grouping.group_costs import CostModel, spend
from taskviz.grouping.priced_selection import below_least, select_priced
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
    grouper = grouper_class(method)(**options)
    grouper.progress = progress
    if model.unit == "networks":
        return grouper.group(affinity, budget, seed)
    if not math.isfinite(budget) or budget <= 0:
        raise TaskvizError(
            f"The budget is {budget:g} {model.unit}: it must be a finite positive number."
        )
    model = model.of(affinity.tasks)
    if isinstance(grouper, Selection):
        return select_priced(grouper, affinity, budget, model, seed)
    if isinstance(grouper, AllSeparate):
        return _separate(grouper, affinity, budget, model, seed)
    return _clustered(grouper, affinity, budget, model, seed)


def frontier_within(
    affinity: Affinity,
    method: str,
    model: CostModel,
    budgets: Sequence[float] | None = None,
    **arguments: Any,
) -> list[Grouping]:
    """:func:`group_within` for each budget; without them, for what 1…T disjoint groups cost."""
    if budgets is None:
        own = model.of(affinity.tasks)
        budgets = [own.partition(k + 1) for k in range(len(own.tasks))]
    return [group_within(affinity, method, b, model, **arguments) for b in budgets]


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
    grouper: Grouper, affinity: Affinity, budget: float, model: CostModel, seed: int
) -> Grouping:
    """The largest number of groups whose cost fits."""
    most = model.most_groups(budget)
    if not most:
        raise below_least(budget, model.partition(1), model)
    # Disjoint groups fit at once; where a clustering overlaps, fewer of them may be affordable.
    made = spend(grouper.group(affinity, most, seed), model, budget)
    if model.affords(budget, made.cost):
        return made
    for number, fewer in zip(
        range(most - 1, 0, -1),
        grouper.frontier(affinity, range(most - 1, 0, -1), seed),
        strict=True,
    ):
        made = spend(fewer, model, budget)
        if model.affords(budget, made.cost):
            note = (
                f"The budget would pay for {most} disjoint groups, but groups of this method "
                f"overlap: {number} is the largest number asked for whose cost fits."
            )
            return replace(made, notes=(*made.notes, note))
    raise below_least(budget, made.cost, model)
