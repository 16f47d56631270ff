"""Search where groups cannot be listed, with the best bound that the scores allow."""

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from taskviz.grouping.network_selection.blocks import BlockWorth
from taskviz.grouping.network_selection.bound import matrix_bound
from taskviz.grouping.network_selection.candidates import Candidates
from taskviz.grouping.network_selection.constraints import Constraints
from taskviz.grouping.network_selection.explore import explore
from taskviz.grouping.network_selection.feasible import fewest_groups, too_small
from taskviz.grouping.network_selection.local import LocalSearch
from taskviz.grouping.network_selection.milp import solve_milp
from taskviz.grouping.network_selection.scores import GroupScores, MatrixScores

RECOMBINE_SECONDS = 5.0
RANDOM_STARTS = 3


def search_networks(
    scores: GroupScores,
    constraints: Constraints,
    budget: float,
    seed: int,
    check: Callable[[], None],
    deadline: float,
) -> tuple[NDArray[np.bool_], float, tuple[str, ...]]:
    """Groups, a lower bound on the total loss, and notes.

    Args:
        scores: what each task loses in each group.
        constraints: which groups are allowed.
        budget: most that the groups may cost.
        seed: of starts and kicks.
        check: called often; may raise.
        deadline: ``time.monotonic()`` by which to stop improving.

    Raises:
        TaskvizError: no selection was found within the budget.
    """

    def expired() -> bool:
        return time.monotonic() > deadline

    if isinstance(scores, MatrixScores):
        return _search_matrix(scores, constraints, budget, seed, check, expired, deadline)
    best: NDArray[np.bool_] | None = None
    total = np.inf
    for start in _starts(scores, constraints, budget, seed):
        local = LocalSearch(scores, constraints, start, budget, check)
        local.descend(expired)
        if local.total < total and local.complete:
            best, total = local.groups[local.groups.any(axis=1)], local.total
        if expired() and best is not None:
            break
    if best is None:
        raise too_small(budget, None)
    return best, -np.inf, ("No bound is known for predictions of any form.",)


def _search_matrix(
    scores: MatrixScores,
    constraints: Constraints,
    budget: float,
    seed: int,
    check: Callable[[], None],
    expired: Callable[[], bool],
    deadline: float,
) -> tuple[NDArray[np.bool_], float, tuple[str, ...]]:
    worth = BlockWorth(scores, constraints)
    number = _affordable(scores, constraints, budget)
    legal = _legal_start(scores, constraints)
    if legal is not None and scores.uniform_cost and len(legal) > number:
        raise too_small(budget, len(legal))
    pool: list[NDArray[np.bool_]] = []
    complete = bool(scores.known[~np.eye(len(scores.tasks), dtype=bool)].all())
    while number:
        known = [] if legal is None else [worth.labels_of(legal)]
        if constraints.overlap:
            # A partition is found sooner, and helpers can only add to it.
            apart = BlockWorth(scores, replace(constraints, overlap=False))
            known.append(explore(apart, number, seed, check, expired, known)[0])
        # Without helpers a step costs a fraction: more of them.
        effort = 1 if constraints.overlap else 4
        labels, met = explore(worth, number, seed, check, expired, known, effort)
        pool += met
        blocks = np.unique(labels)[:, None] == labels[None, :]
        groups = worth.networks(blocks)
        legal_groups = bool(constraints.allowed(scores.tasks)(groups).all())
        if legal_groups and scores.costs(groups).sum() <= budget * (1 + 1e-12):
            if complete:
                break
            # The search filled unmeasured entries in; what they are really worth is settled here.
            local = LocalSearch(scores, constraints, groups, budget, check)
            local.descend(expired)
            groups = local.groups[local.groups.any(axis=1)]
            pool.append(groups)
            if local.complete:
                break
        number -= 1
    else:
        raise too_small(budget, None)
    groups = _recombined(scores, constraints, groups, pool, budget, deadline, check)
    bound = -matrix_bound(scores, constraints, budget if scores.uniform_cost else np.inf)
    notes = ("The time was over before the search had ended.",) if expired() else ()
    return groups, bound, notes


def _recombined(
    scores: MatrixScores,
    constraints: Constraints,
    groups: NDArray[np.bool_],
    pool: list[NDArray[np.bool_]],
    budget: float,
    deadline: float,
    check: Callable[[], None],
) -> NDArray[np.bool_]:
    """The best selection among all networks met, which is often better than any search's own."""
    members = np.unique(np.concatenate([groups, *pool]), axis=0)
    members = members[constraints.allowed(scores.tasks)(members)]
    listed = Candidates(members, scores.costs(members), scores.losses(members))
    limit = min(max(deadline, time.monotonic() + 0.5), time.monotonic() + RECOMBINE_SECONDS)
    solved = solve_milp(listed, budget, constraints.overlap, limit, check)
    own = float(scores.losses(groups).min(axis=0).sum())
    if len(solved.rows) and listed.total(solved.rows) < own:
        return members[solved.rows]
    return groups


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
    scores: GroupScores, constraints: Constraints, budget: float, seed: int
) -> list[NDArray[np.bool_]]:
    """All tasks together, and random partitions into as many groups as the budget allows."""
    units = constraints.units(scores.tasks)
    number = max(_affordable(scores, constraints, budget), 1)
    rng = np.random.default_rng(seed)
    made = []
    legal = _legal_start(scores, constraints)
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
