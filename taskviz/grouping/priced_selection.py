"""Network selection where a group costs trunk + Σ heads.

A budget pays for no more than k = ⌊(b − Σ heads) / trunk⌋ groups that cover every task. With
disjoint groups that is all it says, so selecting at most k of them is the same problem. With
overlap it is a relaxation: its optimum solves the priced problem where it can be paid for, and its
bound holds in any case.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from taskviz.grouping.base import Affinity
from taskviz.grouping.group_costs import CostModel, spend
from taskviz.grouping.network_selection.feasible import BudgetTooSmall, fewest_groups
from taskviz.grouping.objective import higher_is_better
from taskviz.grouping.selection import PROVEN, Selection
from taskviz.values import Grouping, SubsetTable, TaskvizError, option_values

SHRINK = 1e-5
"""Solvers take a budget as kept that is passed by a millionth: asked again with this much less."""


def priced_frontier(
    grouper: Selection, affinity: Affinity, budgets: Sequence[float], model: CostModel, seed: int
) -> list[Grouping]:
    """The best groups found within each budget, with a bound on what any could reach.

    Takes up to three times the ``seconds`` of the options a budget.

    Args:
        grouper: its options are the constraints.
        affinity: a matrix, or a subset table whose networks all cost 1.
        budgets: in the unit of ``model``.
        model: prices of exactly the tasks of ``affinity``.
        seed: of the search.

    Raises:
        TaskvizError: a budget below the cheapest selection (the least one is named), constraints
            that clash, or a table with networks of other sizes.
    """
    if isinstance(affinity, SubsetTable):
        _need_full_size(affinity, model)
    warm = _Warm(affinity, [model.most_groups(budget) for budget in budgets], seed)
    made = []
    for budget in budgets:
        search = _Search(grouper, affinity, budget, model, seed, warm)
        found = search.overlapping() if grouper.options.overlap else search.disjoint()
        options = option_values(grouper.options)
        made.append(replace(found, options=options, seconds=search.seconds))
    return made


def below_least(budget: float, least: float | None, model: CostModel) -> TaskvizError:
    """The error of a budget that no groups keep to, in the model's unit.

    Args:
        budget: what was asked for.
        least: cost of the cheapest groups known to cover every task; None where none are.
        model: says the unit.
    """
    if least is None:
        return TaskvizError(
            f"No selection that keeps to the constraints was found within {model.words(budget)}: "
            "raise the budget or loosen them."
        )
    if model.affords(budget, least):
        return TaskvizError(
            f"No selection within {model.words(budget)} was found in the time given, though one "
            f"of {model.words(least, up=True)} exists: give it more seconds."
        )
    return TaskvizError(
        f"The budget is {model.words(budget)}, but the cheapest groups that cover every task cost "
        f"{model.words(least, up=True)}: raise it to that at least."
    )


class _Warm:
    """Selections of at most k networks for every k that a frontier asks for, solved together."""

    def __init__(self, affinity: Affinity, numbers: Sequence[int], seed: int) -> None:
        self.affinity, self.seed = affinity, seed
        self.numbers = sorted(set(numbers) - {0})
        self._made: dict[bool, dict[int, Grouping]] = {}

    def at(self, grouper: Selection, most: int) -> Grouping | None:
        """One of them; None where it has to be solved alone, which says why."""
        overlap = bool(grouper.options.overlap)
        if overlap not in self._made:
            self._made[overlap] = self._solve(grouper)
        return self._made[overlap].get(most)

    def _solve(self, grouper: Selection) -> dict[int, Grouping]:
        numbers = self.numbers
        while len(numbers) > 1:
            try:
                made = grouper.frontier(self.affinity, numbers, self.seed)
            except BudgetTooSmall as error:
                # Fewer networks than any cover needs: the others share their work all the same.
                least = numbers[0] + 1 if error.least is None else error.least
                numbers = [k for k in numbers if k >= least and k > numbers[0]]
            else:
                return dict(zip(numbers, made, strict=True))
        return {}


class _Search:
    """One priced selection and the time it took."""

    def __init__(
        self,
        grouper: Selection,
        affinity: Affinity,
        budget: float,
        model: CostModel,
        seed: int,
        warm: _Warm,
    ) -> None:
        self.grouper, self.affinity, self.warm = grouper, affinity, warm
        self.budget, self.model, self.seed = budget, model, seed
        self.most = model.most_groups(budget)
        self.seconds = 0.0

    def disjoint(self) -> Grouping:
        """Exact reduction to a number of networks.

        Raises:
            TaskvizError: see :func:`priced_frontier`.
        """
        try:
            return self._paid(self._relaxed(self._variant(overlap=False)))
        except BudgetTooSmall as error:
            least = None if error.least is None else self.model.partition(round(error.least))
            raise below_least(self.budget, least or self._cheapest_cover(), self.model) from None

    def overlapping(self) -> Grouping:
        """The relaxation where it can be paid for, else the groups at their prices.

        Raises:
            TaskvizError: see :func:`priced_frontier`.
        """
        bounds: list[float | None] = []
        try:
            relaxed = self._paid(self._relaxed(self._variant()))
        except BudgetTooSmall:
            # Nothing fits, or nothing was found: the search at prices says which.
            pass
        else:
            if self._fits(relaxed):
                return relaxed
            bounds.append(relaxed.bound)
        found = []
        least = None
        try:
            priced = self._at_prices()
        except BudgetTooSmall as error:
            least = error.least
        else:
            bounds.append(priced.bound)
            found.append(priced)
        if self.most and (not found or found[0].gap != 0):
            # Too many groups to list: disjoint ones are found better, and always fit.
            with suppress(TaskvizError):
                found.append(self.disjoint())
        found = [one for one in found if self._fits(one)]
        if not found:
            raise below_least(self.budget, least or self._cheapest_cover(), self.model)
        sign = 1.0 if higher_is_better(self.affinity) else -1.0
        best = max(found, key=lambda one: sign * (one.score or 0.0))
        return _bounded(best, bounds, sign)

    def _at_prices(self) -> Grouping:
        priced = self._variant()
        priced.cost = self.model
        affinity = self.affinity
        if isinstance(affinity, SubsetTable):
            affinity = replace(affinity, cost=self.model.costs(affinity.membership))
        first = self._paid(self._run(priced, self.budget, affinity))
        if self._fits(first):
            return first
        again = self._paid(self._run(priced, self.budget * (1 - SHRINK), affinity))
        return replace(again, bound=first.bound, gap=None)

    def _variant(self, **changes: bool) -> Selection:
        made = Selection(**{**option_values(self.grouper.options), **changes})
        made.progress = self.grouper.progress
        return made

    def _relaxed(self, grouper: Selection) -> Grouping:
        made = self.warm.at(grouper, self.most)
        if made is None:
            return self._run(grouper, self.most)
        self.seconds += made.seconds
        return made

    def _run(self, grouper: Selection, budget: float, affinity: Affinity | None = None) -> Grouping:
        # No network at all is no budget that selection takes: half of one cannot be had either.
        made = grouper.group(
            self.affinity if affinity is None else affinity, budget or 0.5, self.seed
        )
        self.seconds += made.seconds
        return made

    def _paid(self, grouping: Grouping) -> Grouping:
        return spend(grouping, self.model, self.budget)

    def _fits(self, grouping: Grouping) -> bool:
        return self.model.affords(self.budget, grouping.cost)

    def _cheapest_cover(self) -> float | None:
        """Cost of as few groups as keep to the rules, where groups cannot be listed."""
        if isinstance(self.affinity, SubsetTable):
            return None
        rules = self.grouper.constraints(self.model.tasks)
        if not self.grouper.scores(self.affinity).knows_singletons:
            rules = replace(rules, singletons=False)
        covers = [
            fewest_groups(self.model.tasks, replace(rules, overlap=overlap))
            for overlap in {False, rules.overlap}
        ]
        return min(
            (float(self.model.costs(c).sum()) for c in covers if c is not None), default=None
        )


def _bounded(grouping: Grouping, bounds: Sequence[float | None], sign: float) -> Grouping:
    """The grouping with the tightest of several bounds, and the gap to it."""
    known = [sign * bound for bound in bounds if bound is not None]
    if not known or grouping.score is None:
        return replace(grouping, bound=None, gap=None)
    score = grouping.score
    bound = sign * max(min(known), sign * score)
    gap = abs(score - bound) / max(abs(score), 1e-12)
    if gap <= PROVEN:
        return replace(grouping, bound=score, gap=0.0)
    return replace(grouping, bound=bound, gap=gap)


def _need_full_size(table: SubsetTable, model: CostModel) -> None:
    other = [row for row in range(len(table)) if table.cost[row] != 1]
    if other:
        raise TaskvizError(
            f"Subset table: the network of {'+'.join(table.subset(other[0]))} costs "
            f"{table.cost[other[0]]:g} networks, and what one of that size takes in {model.unit} "
            "is not known: give the budget in networks, or keep networks of cost 1 only."
        )
