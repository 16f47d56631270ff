"""Picks the solver: exact where the groups can be listed, search with a bound where they cannot."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from taskviz.grouping.network_selection.candidates import Candidates
from taskviz.grouping.network_selection.constraints import Constraints
from taskviz.grouping.network_selection.dynamic import (
    MOST_TASKS,
    DynamicSelection,
    cost_levels,
)
from taskviz.grouping.network_selection.exchange import exchange
from taskviz.grouping.network_selection.feasible import (
    explain_infeasible,
    explain_unlisted,
    too_small,
)
from taskviz.grouping.network_selection.lagrangian import lagrangian_bound
from taskviz.grouping.network_selection.milp import cheapest_cover, solve_milp
from taskviz.grouping.network_selection.scores import GroupScores
from taskviz.grouping.network_selection.search import search_networks
from taskviz.values import TaskvizError

Solver = Literal["auto", "dynamic", "milp", "heuristic"]

MOST_STATES = 1 << 22
"""Sets of tasks times budget levels that dynamic programming may hold."""


class OutOfTime(Exception):
    """The deadline has passed before a solver was done."""


class NothingFits(Exception):
    """No selection within this budget exists or was found."""

    def __init__(self, budget: float) -> None:
        super().__init__(budget)
        self.budget = budget


@dataclass(frozen=True)
class Selected:
    """The networks chosen within one budget.

    Args:
        budget: the budget.
        members: ``(k, T)`` tasks of each network.
        cost: ``(k,)``.
        losses: ``(k, T)`` as the solvers see them: lower is better.
        bound: no selection has a lower total loss; -inf where nothing is known.
        solver: which one found it.
        notes: sentences for the reader.
    """

    budget: float
    members: NDArray[np.bool_]
    cost: NDArray[np.float64]
    losses: NDArray[np.float64]
    bound: float
    solver: str
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> float:
        """Σ_t least loss."""
        return float(self.losses.min(axis=0).sum())

    @property
    def serving(self) -> NDArray[np.intp]:
        """``(T,)`` which network serves each task; ties go to the first."""
        return np.asarray(self.losses.argmin(axis=0))


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
        share = seconds / len(budgets)
        found = []
        for budget in budgets:
            limit = min(time.monotonic() + share, deadline)
            found.append(_searched(scores, budget, constraints, limit, seed, check))
        return _monotone(found)
    if listed is None:
        listed = _allowed_rows(scores, constraints)
    try:
        return _monotone(_exact(listed, budgets, constraints, solver, deadline, check))
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
        return Candidates.every_group(scores, allowed, _until(limit, check))
    except OutOfTime:
        return None


def _exact(
    listed: Candidates,
    budgets: Sequence[float],
    constraints: Constraints,
    solver: Solver,
    deadline: float,
    check: Callable[[], None],
) -> list[Selected]:
    overlap = constraints.overlap
    size = listed.members.shape[1]
    levels = cost_levels(listed.cost) if size <= MOST_TASKS else None
    if levels is not None:
        most = min(int(max(budgets) / levels[1] + 1e-9), size * int(levels[0].max(initial=0)))
        if (most + 1) << size > MOST_STATES:
            levels = None
    if solver == "dynamic" and levels is None:
        raise TaskvizError(
            f"Solver 'dynamic' needs at most {MOST_TASKS} tasks and costs that are multiples of "
            "one unit: choose 'auto' or 'milp'."
        )
    if levels is not None and solver in ("auto", "dynamic"):
        half = time.monotonic() + (deadline - time.monotonic()) / 2
        try:
            table = DynamicSelection(listed, overlap, levels[0], most, _until(half, check))
        except OutOfTime:
            pass
        else:
            return [_read_off(table, listed, levels[1], b, overlap) for b in budgets]
    found = []
    for done, budget in enumerate(budgets):
        limit = time.monotonic() + (deadline - time.monotonic()) / (len(budgets) - done)
        if solver == "heuristic" or time.monotonic() > deadline:
            found.append(_exchanged(listed, budget, overlap, check))
            continue
        solved = solve_milp(listed, budget, overlap, limit, check)
        if not len(solved.rows):
            raise NothingFits(budget)
        note = () if solved.proven else ("The time was over before the optimum was proven.",)
        found.append(_selected(listed, solved.rows, budget, solved.bound, "milp", overlap, note))
    return found


def _read_off(
    table: DynamicSelection, listed: Candidates, unit: float, budget: float, overlap: bool
) -> Selected:
    loss, rows = table.best(int(budget / unit + 1e-9))
    if not len(rows):
        raise NothingFits(budget)
    # The same sum in another order: what the rows give is what is proven.
    bound = max(loss, listed.total(rows))
    return _selected(listed, rows, budget, bound, "dynamic", overlap)


def _exchanged(
    listed: Candidates, budget: float, overlap: bool, check: Callable[[], None]
) -> Selected:
    rows = exchange(listed, budget, check) if overlap else None
    if rows is None:
        # A cover at all is what the exchange could not find: let the solver look for one.
        solved = solve_milp(listed, budget, overlap, time.monotonic() + 5.0, check)
        if not len(solved.rows):
            raise NothingFits(budget)
        rows = solved.rows
    bound = lagrangian_bound(listed, budget, overlap, listed.total(rows), check)
    return _selected(listed, rows, budget, bound.value, "heuristic", overlap)


def _searched(
    scores: GroupScores,
    budget: float,
    constraints: Constraints,
    deadline: float,
    seed: int,
    check: Callable[[], None],
) -> Selected:
    groups, loss_bound, notes = search_networks(scores, constraints, budget, seed, check, deadline)
    losses = scores.losses(groups)
    needed = np.unique(losses.argmin(axis=0))
    return Selected(
        budget,
        groups[needed],
        scores.costs(groups)[needed],
        losses[needed],
        min(loss_bound, float(losses.min(axis=0).sum())),
        "heuristic",
        notes,
    )


def _selected(
    listed: Candidates,
    rows: NDArray[np.intp],
    budget: float,
    bound: float,
    solver: str,
    overlap: bool,
    notes: tuple[str, ...] = (),
) -> Selected:
    if overlap:
        rows = _simplest(listed, rows)
    kept = listed.keep(rows)
    total = listed.total(rows)
    return Selected(budget, kept.members, kept.cost, kept.losses, min(bound, total), solver, notes)


def _simplest(listed: Candidates, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """The same total loss from the cheapest and, of those, smallest networks.

    A network that serves nobody goes; each other gives way to one that serves its tasks as well.
    """
    server = rows[listed.losses[rows].argmin(axis=0)]
    size = listed.members.sum(axis=1)
    found = []
    for row in np.unique(server):
        served = server == row
        own = float(listed.losses[row, served].sum())
        others = listed.losses[:, served].sum(axis=1)
        equal = np.flatnonzero(
            (others <= own + 1e-12 * max(1.0, abs(own))) & (listed.cost <= listed.cost[row])
        )
        found.append(equal[np.lexsort((equal != row, size[equal], listed.cost[equal]))[0]])
    return np.unique(np.array(found, dtype=np.intp))


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


def _until(deadline: float, check: Callable[[], None]) -> Callable[[], None]:
    def both() -> None:
        check()
        if time.monotonic() > deadline:
            raise OutOfTime

    return both
