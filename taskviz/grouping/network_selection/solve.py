"""Picks the solver: exact where the groups can be listed, search with a bound where they cannot."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from taskviz.grouping.network_selection.candidates import Candidates
from taskviz.grouping.network_selection.constraints import Constraints
from taskviz.grouping.network_selection.dynamic import MOST_TASKS
from taskviz.grouping.network_selection.feasible import (
    explain_infeasible,
    explain_unlisted,
    too_small,
)
from taskviz.grouping.network_selection.listed import NothingFits, OutOfTime, select_listed, until
from taskviz.grouping.network_selection.milp import cheapest_cover
from taskviz.grouping.network_selection.scores import GroupScores
from taskviz.grouping.network_selection.search import search_for
from taskviz.grouping.network_selection.selected import Selected, Solver
from taskviz.values import TaskvizError


def select_networks(
    scores: GroupScores,
    budgets: Sequence[float],
    constraints: Constraints | None = None,
    *,
    solver: Solver = "auto",
    seconds: float = 60.0,
    seed: int = 0,
    check: Callable[[], None] = lambda: None,
) -> list[Selected]:
    """The best selection found for each budget, with a bound on what any could reach.

    Listed groups (a table's, or all of up to 16 tasks') are solved exactly: by dynamic programming
    for all budgets at once where costs are multiples of one unit, else by mixed-integer
    programming a budget. Beyond that, local search with a bound.

    Args:
        scores: what each task loses in each group.
        budgets: most that the groups may cost together, one selection each.
        constraints: which groups are allowed; none by default, but that scores which know nothing
            of a task alone forbid singletons.
        solver: ``auto``, or one of them where it can be used.
        seconds: for all budgets together; at the end the best found so far is returned.
        seed: of the search; the exact solvers need none.
        check: called often; raise in it to cancel.

    Raises:
        TaskvizError: constraints that clash (named), a budget below the cheapest selection (the
            least is named), or a solver that cannot do this.
    """
    constraints = _completed(constraints or Constraints(), scores)
    constraints.check(scores.tasks)
    for budget in budgets:
        if not np.isfinite(budget) or budget <= 0:
            raise TaskvizError(f"The budget is {budget:g}: it must be a positive number.")
    deadline = time.monotonic() + seconds
    listed = None if solver == "heuristic" else _listed(scores, constraints, deadline, check)
    if listed is None and scores.listed() is None:
        if solver in ("dynamic", "milp"):
            raise TaskvizError(
                f"Solver {solver!r} lists every group, which {len(scores.tasks)} tasks have too "
                f"many of: up to {MOST_TASKS} tasks, or choose 'auto' or 'heuristic'."
            )
        explain_unlisted(scores, constraints)
        return _monotone(_searched(scores, budgets, constraints, deadline, seed, check))
    if listed is None:
        listed = _allowed_rows(scores, constraints)
    try:
        return _monotone(
            select_listed(listed, budgets, constraints.overlap, solver, deadline, check)
        )
    except NothingFits as failure:
        explain_infeasible(scores, constraints, listed)
        raise too_small(failure.budget, cheapest_cover(listed, constraints.overlap)) from None


def _completed(constraints: Constraints, scores: GroupScores) -> Constraints:
    if scores.knows_singletons:
        return constraints
    return replace(constraints, singletons=False)


def _allowed_rows(scores: GroupScores, constraints: Constraints) -> Candidates:
    table = scores.listed()
    assert table is not None
    return table.keep(constraints.allowed(scores.tasks)(table.members))


def _listed(
    scores: GroupScores,
    constraints: Constraints,
    deadline: float,
    check: Callable[[], None],
) -> Candidates | None:
    """Every allowed group, or None where there are too many to list or to ask for."""
    if scores.listed() is not None:
        return _allowed_rows(scores, constraints)
    if len(scores.tasks) > MOST_TASKS:
        return None
    allowed = constraints.allowed(scores.tasks)
    # Half of the time may go into asking for predictions.
    limit = time.monotonic() + (deadline - time.monotonic()) / 2
    try:
        return Candidates.every_group(scores, allowed, until(limit, check))
    except OutOfTime:
        return None


def _searched(
    scores: GroupScores,
    budgets: Sequence[float],
    constraints: Constraints,
    deadline: float,
    seed: int,
    check: Callable[[], None],
) -> list[Selected]:
    search = search_for(scores, constraints, seed, check, len(budgets))
    found: dict[float, Selected] = {}
    ascending = sorted(set(budgets))
    for done, budget in enumerate(ascending):
        share = (deadline - time.monotonic()) / (len(ascending) - done)
        groups, bound, notes = search.at(budget, time.monotonic() + share)
        losses = scores.losses(groups)
        needed = np.unique(losses.argmin(axis=0))
        bound = min(bound, float(losses.min(axis=0).sum()))
        cost = scores.costs(groups)[needed]
        found[budget] = Selected(
            budget, groups[needed], cost, losses[needed], bound, "heuristic", notes
        )
    return [found[budget] for budget in budgets]


def _monotone(found: list[Selected]) -> list[Selected]:
    """What one budget says of the others.

    A selection of a smaller budget serves where a larger one's search found less, and a bound for a
    larger budget holds for a smaller one too.
    """
    done: list[Selected] = []
    for mine in found:
        best = min((o for o in found if o.budget <= mine.budget), key=lambda other: other.total)
        bound = max(other.bound for other in found if other.budget >= mine.budget)
        if best.total < mine.total - 1e-12 * max(1.0, abs(mine.total)):
            mine = replace(best, budget=mine.budget)
        done.append(replace(mine, bound=min(bound, mine.total)))
    return done
