"""Selection where the groups are listed: exact, or as good as the time allows."""

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from taskviz.grouping.network_selection.candidates import Candidates
from taskviz.grouping.network_selection.dynamic import MOST_TASKS, DynamicSelection, cost_levels
from taskviz.grouping.network_selection.exchange import exchange
from taskviz.grouping.network_selection.lagrangian import lagrangian_bound
from taskviz.grouping.network_selection.milp import solve_milp
from taskviz.grouping.network_selection.selected import Selected, Solver
from taskviz.values import TaskvizError

MOST_STATES = 1 << 22
"""Sets of tasks times budget levels that dynamic programming may hold."""


class OutOfTime(Exception):
    """The deadline has passed before a solver was done."""


class NothingFits(Exception):
    """No selection within this budget exists or was found."""

    def __init__(self, budget: float) -> None:
        super().__init__(budget)
        self.budget = budget


def select_listed(
    listed: Candidates,
    budgets: Sequence[float],
    overlap: bool,
    solver: Solver,
    deadline: float,
    check: Callable[[], None],
) -> list[Selected]:
    """The best selection for each budget, by the solver that suits the costs.

    Raises:
        NothingFits: a budget that no selection keeps to.
        TaskvizError: a solver that cannot do this.
    """
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
            table = DynamicSelection(listed, overlap, levels[0], most, until(half, check))
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


def until(deadline: float, check: Callable[[], None]) -> Callable[[], None]:
    """A check that also raises :class:`OutOfTime` at the deadline."""

    def both() -> None:
        check()
        if time.monotonic() > deadline:
            raise OutOfTime

    return both
