"""Search where groups cannot be listed, with the best bound that the scores allow."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from taskviz.grouping.network_selection.blocks import BlockWorth
from taskviz.grouping.network_selection.bound import MatrixBound
from taskviz.grouping.network_selection.candidates import Candidates
from taskviz.grouping.network_selection.constraints import Constraints
from taskviz.grouping.network_selection.explore import explore
from taskviz.grouping.network_selection.feasible import fewest_groups, too_small
from taskviz.grouping.network_selection.local import LocalSearch
from taskviz.grouping.network_selection.milp import solve_milp
from taskviz.grouping.network_selection.scores import GroupScores, MatrixScores

RECOMBINE_SECONDS = 5.0
RANDOM_STARTS = 3

Searched = tuple[NDArray[np.bool_], float, tuple[str, ...]]
"""Groups, a lower bound on the total loss, and notes."""


class Search(ABC):
    """Searches for selections; budgets asked for one after another, the least first, share work.

    Args:
        scores: what each task loses in each group.
        constraints: which groups are allowed.
        seed: of starts and kicks.
        check: called often; may raise.
        budgets: how many will be asked for; the more, the less is spent on each.
    """

    def __init__(
        self,
        scores: GroupScores,
        constraints: Constraints,
        seed: int,
        check: Callable[[], None],
        budgets: int,
    ) -> None:
        self.scores, self.constraints, self.seed, self.check = scores, constraints, seed, check
        self.effort = budgets**-0.5
        self.legal = _legal_start(scores, constraints)

    @abstractmethod
    def at(self, budget: float, deadline: float) -> Searched:
        """A selection within the budget, improved until ``time.monotonic()`` is at the deadline.

        Raises:
            TaskvizError: no selection was found within the budget.
        """

    def improved(
        self, groups: NDArray[np.bool_], budget: float, expired: Callable[[], bool]
    ) -> LocalSearch:
        """Groups that no single change improves, from these."""
        local = LocalSearch(self.scores, self.constraints, groups, budget, self.check)
        local.descend(expired)
        return local


class PredictionSearch(Search):
    """Local search with any scores, from several starts."""

    def at(self, budget: float, deadline: float) -> Searched:
        """See :meth:`Search.at`."""

        def expired() -> bool:
            return time.monotonic() > deadline

        best: NDArray[np.bool_] | None = None
        total = np.inf
        for start in _starts(self.scores, self.constraints, self.legal, budget, self.seed):
            local = self.improved(start, budget, expired)
            if local.total < total and local.complete:
                best, total = local.groups[local.groups.any(axis=1)], local.total
            if expired() and best is not None:
                break
        if best is None:
            raise too_small(budget, None)
        return best, -np.inf, ("No bound is known for predictions of any form.",)


class MatrixSearch(Search):
    """Search over blocks; keeps every network met, and the last labels, for the next budget."""

    scores: MatrixScores

    def __init__(
        self,
        scores: MatrixScores,
        constraints: Constraints,
        seed: int,
        check: Callable[[], None],
        budgets: int,
    ) -> None:
        super().__init__(scores, constraints, seed, check, budgets)
        self.worth = BlockWorth(scores, constraints)
        self.apart = BlockWorth(scores, replace(constraints, overlap=False))
        self.complete = bool(scores.known[~np.eye(len(scores.tasks), dtype=bool)].all())
        self.bound = MatrixBound(scores, constraints)
        self.pool: dict[bytes, NDArray[np.bool_]] = {}
        self.known = [] if self.legal is None else [self.worth.labels_of(self.legal)]

    def at(self, budget: float, deadline: float) -> Searched:
        """See :meth:`Search.at`."""
        scores, constraints = self.scores, self.constraints
        number = _affordable(scores, constraints, budget)
        if self.legal is not None and scores.uniform_cost and len(self.legal) > number:
            raise too_small(budget, len(self.legal))

        def expired() -> bool:
            return time.monotonic() > deadline

        while number:
            groups = self._explored(number, expired)
            legal = bool(constraints.allowed(scores.tasks)(groups).all())
            if legal and scores.costs(groups).sum() <= budget * (1 + 1e-12):
                if self.complete:
                    break
                # The search filled unmeasured entries in; what they are worth is settled here.
                local = self.improved(groups, budget, expired)
                groups = local.groups[local.groups.any(axis=1)]
                if local.complete:
                    break
            number -= 1
        else:
            raise too_small(budget, None)
        groups = self._recombined(groups, budget, deadline)
        bound = -self.bound.at(budget if scores.uniform_cost else np.inf)
        notes = ("The time was over before the search had ended.",) if expired() else ()
        return groups, bound, notes

    def _explored(self, number: int, expired: Callable[[], bool]) -> NDArray[np.bool_]:
        known, effort = list(self.known), self.effort
        if self.constraints.overlap:
            # A partition is found sooner, and helpers can only add to it.
            half = effort if effort >= 1 else effort / 2
            labels, _ = explore(self.apart, number, self.seed, self.check, expired, known, half)
            known.append(labels)
        else:
            # Without helpers a step costs a fraction: more of them.
            effort *= 4
        labels, met = explore(self.worth, number, self.seed, self.check, expired, known, effort)
        for networks in met:
            self._keep(networks)
        self.known = [*self.known[: self.legal is not None], labels]
        return self.worth.networks(np.unique(labels)[:, None] == labels[None, :])

    def _keep(self, networks: NDArray[np.bool_]) -> None:
        networks = networks[self.constraints.allowed(self.scores.tasks)(networks)]
        self.pool.update({row.tobytes(): row for row in networks})

    def _recombined(
        self, groups: NDArray[np.bool_], budget: float, deadline: float
    ) -> NDArray[np.bool_]:
        """The best selection among all networks met, often better than any search's own."""
        scores, constraints = self.scores, self.constraints
        self._keep(groups)
        members = np.array(list(self.pool.values()))
        listed = Candidates(members, scores.costs(members), scores.losses(members))
        seconds = RECOMBINE_SECONDS * self.effort**2
        limit = min(max(deadline, time.monotonic() + 0.1), time.monotonic() + seconds)
        solved = solve_milp(listed, budget, constraints.overlap, limit, self.check)
        own = float(scores.losses(groups).min(axis=0).sum())
        if len(solved.rows) and listed.total(solved.rows) < own:
            return members[solved.rows]
        return groups


def search_for(
    scores: GroupScores,
    constraints: Constraints,
    seed: int,
    check: Callable[[], None],
    budgets: int,
) -> Search:
    """The search that suits the scores."""
    if isinstance(scores, MatrixScores):
        return MatrixSearch(scores, constraints, seed, check, budgets)
    return PredictionSearch(scores, constraints, seed, check, budgets)


def _legal_start(scores: GroupScores, constraints: Constraints) -> NDArray[np.bool_] | None:
    """Groups that keep to the rules, where there are rules that random ones may break."""
    hard = constraints.largest is not None or constraints.apart or constraints.smallest > 2
    return fewest_groups(scores.tasks, constraints) if hard else None


def _affordable(scores: GroupScores, constraints: Constraints, budget: float) -> int:
    """How many groups the budget could pay for, were each as cheap as the cheapest unit's."""
    units = constraints.units(scores.tasks)
    if scores.uniform_cost:
        return min(int(budget + 1e-9), len(units))
    smallest = np.zeros((len(units), len(scores.tasks)), dtype=bool)
    for i, unit in enumerate(units):
        smallest[i, unit] = True
    return min(int(budget / scores.costs(smallest).min() + 1e-9), len(units))


def _starts(
    scores: GroupScores,
    constraints: Constraints,
    legal: NDArray[np.bool_] | None,
    budget: float,
    seed: int,
) -> list[NDArray[np.bool_]]:
    """All tasks together, and random partitions into as many groups as the budget allows."""
    units = constraints.units(scores.tasks)
    number = max(_affordable(scores, constraints, budget), 1)
    rng = np.random.default_rng(seed)
    made = []
    if legal is not None:
        spare = np.zeros((max(number - len(legal), 0), len(scores.tasks)), dtype=bool)
        made.append(np.concatenate([legal, spare]))
    for turn in range(RANDOM_STARTS + 1):
        labels = rng.permutation(np.resize(np.arange(number), len(units)))
        if turn == 0:
            labels = np.zeros(len(units), dtype=np.intp)
        groups = np.zeros((number, len(scores.tasks)), dtype=bool)
        for unit, label in zip(units, labels, strict=True):
            groups[label, unit] = True
        made.append(groups)
    return made
