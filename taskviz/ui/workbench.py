"""The state of the Groups page: what is proposed, what was moved, what is locked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from taskviz.figures.style import group_letter
from taskviz.grouping import GROUPERS, grouper_class
from taskviz.grouping.base import Affinity
from taskviz.grouping.clustering import Clustering
from taskviz.grouping.group_costs import CostModel
from taskviz.grouping.what_if import (
    Groups,
    align,
    edited_plan,
    keep_locked,
    lock_options,
    move,
)
from taskviz.progress import Progress
from taskviz.ui import state, store
from taskviz.ui.text import plural
from taskviz.ui.undo import History
from taskviz.ui.units import number_words
from taskviz.ui.waiting import Waiting
from taskviz.values import Grouping, SubsetTable, TaskvizError
from taskviz.verbs import group_tasks, kept_frontier

_BENCH, _PUBLISHED = "bench", "bench_published"
MANY_TASKS = 40
HUNDREDS, FAST = 100, "spectral"
"""Beyond so many tasks a board starts with this method."""
MOST_FRONTIERS = 64
COARSE = (25, 30, 40, 50, 75, 100, 150, 200, 300, 400, 500)


@dataclass(frozen=True)
class Snapshot:
    """What undo brings back: the budget, who is with whom, what is locked."""

    budget: float
    groups: Groups
    locked: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Source:
    """What the page works on and how.

    Args:
        key: of the matrix or table in the URL.
        affinity: the matrix or table.
        method: grouper name.
        options: its options as the form gives them.
        costs: prices of groups; None counts models.
    """

    key: str
    affinity: Affinity
    method: str
    options: Mapping[str, Any]
    costs: CostModel | None = None

    @property
    def made_by(self) -> tuple[str, str]:
        """What a proposal depends on beside the budget."""
        return self.method, repr(sorted(self.options.items()))

    @property
    def unit(self) -> str:
        """What the budget is counted in."""
        return "networks" if self.costs is None else self.costs.unit

    @property
    def board(self) -> str:
        """What a board belongs to: the matrix, and the prices, in which its budgets are."""
        if self.costs is None:
            return self.key
        return f"{self.key} {self.costs.unit} {self.costs.trunk:g} {sum(self.costs.heads):g}"


@dataclass
class Bench:
    """The board of one matrix, kept while the session lasts.

    Args:
        source: what the board belongs to; see :attr:`Source.board`.
        history: what was on the board.
        made_by: method, options and budget that the board was last laid out for.
        revision: counts what changes the board.
        said: the last change in words, for those who do not see it.
        notes: sentences about locks.
        proposal: what the method makes of this budget.
        plan: what is on the board, with its scores.
        asked: a budget that the slider must take when it is drawn next; it cannot be set later.
        network: what one more network costs, its heads aside.
    """

    source: str
    history: History[Snapshot]
    made_by: tuple[Any, ...] = ()
    revision: int = 0
    said: str = ""
    notes: tuple[str, ...] = field(default=())
    proposal: Grouping | None = None
    plan: Grouping | None = None
    asked: float | None = None
    network: float = 1.0

    @property
    def present(self) -> Snapshot:
        """What is on the board."""
        return self.history.present

    def change(self, snapshot: Snapshot, said: str) -> None:
        """Lay the board out anew."""
        if self.history.push(snapshot):
            self.revision += 1
            self.said = said


def methods_for(affinity: Affinity) -> list[str]:
    """Groupers that can work on a matrix or a table."""
    if not isinstance(affinity, SubsetTable):
        if len(affinity.tasks) > HUNDREDS:
            # The first one is what a new board starts with: it must not take minutes.
            return sorted(GROUPERS, key=lambda name: name != FAST)
        return list(GROUPERS)
    fit = [name for name in GROUPERS if not issubclass(grouper_class(name), Clustering)]
    return sorted(fit, key=lambda name: name != "selection")


def budgets_for(affinity: Affinity) -> tuple[float, ...]:
    """Budgets that the slider offers: each whole number while they are few, then coarser."""
    size = len(affinity.tasks)
    if isinstance(affinity, SubsetTable) and (affinity.cost % 1 > 1e-9).any():
        return tuple(k / 2 for k in range(2, 2 * min(size, MANY_TASKS) + 1))
    if size <= MANY_TASKS:
        return tuple(float(k) for k in range(1, size + 1))
    fine = [*range(1, 21), *(k for k in COARSE if k < size), size]
    return tuple(float(k) for k in fine)


def frontier(source: Source) -> dict[float, Grouping]:
    """The proposal for each budget, computed once for all and kept beyond this session.

    Raises:
        TaskvizError: no groups with these options.
    """
    budgets = budgets_for(source.affinity)
    if source.costs is not None:
        own = source.costs.of(source.affinity.tasks)
        budgets = tuple(own.partition(int(budget)) for budget in budgets)
    known = _frontiers()
    key = (source.board, source.made_by)
    if key not in known:
        waiting = Waiting("Grouping for every budget")
        known[key] = _frontier(source, budgets, waiting)
        waiting.done()
        for oldest in list(known)[:-MOST_FRONTIERS]:
            known.pop(oldest, None)
    return known[key]


@st.cache_resource(show_spinner=False)
def _frontiers() -> dict[tuple[Any, ...], dict[float, Grouping]]:
    return {}


def _frontier(
    source: Source, budgets: tuple[float, ...], progress: Progress
) -> dict[float, Grouping]:
    problem: TaskvizError | None = None
    for start in range(len(budgets)):
        try:
            made = kept_frontier(
                source.affinity,
                source.method,
                budgets[start:],
                costs=source.costs,
                progress=progress,
                cache=store.cache(),
                **source.options,
            )
        except TaskvizError as error:
            # Of a subset table the smallest budgets may cover no task set: start higher then.
            problem = problem or error
            if not isinstance(source.affinity, SubsetTable):
                break
        else:
            return dict(zip(budgets[start:], made, strict=True))
    assert problem is not None
    raise problem


@st.cache_resource(max_entries=128, show_spinner="Grouping around the locked tasks…")
def _locked(
    key: str,
    _affinity: Affinity,
    options: dict[str, Any],
    budget: float,
    _costs: CostModel | None,
) -> Grouping | None:
    try:
        return group_tasks(_affinity, "selection", budget=budget, costs=_costs, **options)
    except TaskvizError:
        return None


def bench() -> Bench | None:
    """The board in use."""
    found: Bench | None = st.session_state.get(_BENCH)
    return found


def slider_key(source: Source) -> str:
    """Key of the budget slider of a matrix and a unit."""
    unit = "" if source.costs is None else f"_{source.unit}_{source.costs.trunk:g}"
    return f"budget_{source.key[-16:]}{unit}"


def nearest(budget: float, offered: Mapping[float, Grouping]) -> float:
    """The offered budget that is nearest."""
    return min(offered, key=lambda b: (abs(b - budget), b))


def linked_plan() -> Grouping | None:
    """The plan of a link that is being followed: one that this session did not write itself."""
    linked = state.get("plan")
    # Any of them: the browser's URL may lag behind a quick user by a step or two.
    return None if linked in st.session_state.get(_PUBLISHED, ()) else store.plan(linked)


def open_bench(source: Source, plans: Mapping[float, Grouping]) -> Bench:
    """The board of this matrix: the one in use, one from a link, or a new one."""
    known, linked = bench(), linked_plan()
    if known is not None and known.source == source.board and linked is None:
        return known
    snapshot = None if linked is None else _from_link(linked, source, plans)
    if snapshot is None and known is not None and known.source.split()[0] == source.key:
        # The same board in another unit: keep as much as it costs there, and what is locked.
        groups, locked = known.present.groups, known.present.locked
        budget = nearest(_cost(source, groups), plans)
        snapshot = Snapshot(budget, groups if locked else plans[budget].groups, locked)
    if snapshot is None:
        given = state.get("budget") or "3"
        start = nearest(_number(given), plans)
        snapshot = Snapshot(start, plans[start].groups)
    made = Bench(source.board, History(snapshot))
    made.made_by = (*source.made_by, made.present.budget)
    made.asked = made.present.budget
    made.network = 1.0 if source.costs is None else source.costs.trunk
    st.session_state[_BENCH] = made
    return made


def lay_out(bench: Bench, source: Source, plans: Mapping[float, Grouping], budget: float) -> None:
    """Follow the slider, the method and its options; locked tasks stay where they are."""
    made_by = (*source.made_by, budget)
    bench.proposal = plans[budget]
    if made_by != bench.made_by:
        bench.made_by = made_by
        groups, bench.notes = _around_locks(bench.present, source, plans[budget], budget)
        count = len(groups)
        bench.change(
            Snapshot(budget, groups, bench.present.locked),
            f"{plural(count, 'group')} for a budget of {number_words(budget, source.unit, 6)}.",
        )
    present = bench.present
    if present.groups == bench.proposal.groups and not present.locked:
        bench.plan = bench.proposal
    else:
        bench.plan = edited_plan(
            source.affinity,
            present.groups,
            bench.proposal,
            notes=bench.notes,
            price=source.costs,
            locked=sorted(present.locked),
        )


def publish(bench: Bench, source: Source) -> None:
    """Put plan, budget and method into the URL, for a reload and for a colleague."""
    assert bench.plan is not None
    key = store.publish_plan(bench.plan)
    st.session_state.setdefault(_PUBLISHED, set()).add(key)
    state.put("budget", f"{bench.present.budget:.12g}")
    state.put("grouper", source.method)
    state.put("plan", key)


def may_add(bench: Bench) -> bool:
    """True where the budget permits one more model."""
    if bench.plan is None:
        return False
    return bench.plan.cost + bench.network <= bench.present.budget * (1 + 1e-9)


def move_task(bench: Bench, task: str, target: int, source: int | None = None) -> None:
    """Move a task on the board; what cannot be done changes nothing and is said."""
    present = bench.present
    held = [i for i, group in enumerate(present.groups) if task in group]
    if task in present.locked:
        bench.said = f"{task} is locked."
        return
    if source is None and len(held) == 1:
        source = held[0]
    if target == source or not held:
        return
    alone = source is not None and len(present.groups[source]) == 1
    if target >= len(present.groups) and (alone or not may_add(bench)):
        bench.revision += 1
        bench.said = "The budget does not permit another group."
        return
    try:
        groups = move(present.groups, task, target, source)
    except TaskvizError as error:
        bench.said = str(error)
        return
    bench.notes = ()
    where = next((i for i, group in enumerate(groups) if task in group), 0)
    if target < len(present.groups):
        gone = sum(
            1
            for i in range(target)
            if i < len(present.groups) and set(present.groups[i]) == {task} and i in held
        )
        where = target - gone
    else:
        where = len(groups) - 1
    bench.change(
        Snapshot(present.budget, groups, present.locked),
        f"{task} moved to group {group_letter(where)}.",
    )


def lock_task(bench: Bench, task: str) -> None:
    """Lock a task where it is, or free it again."""
    present = bench.present
    if not any(task in group for group in present.groups):
        return
    locked = present.locked ^ {task}
    bench.change(
        Snapshot(present.budget, present.groups, frozenset(locked)),
        f"{task} is {'locked' if task in locked else 'free again'}.",
    )


def step(bench: Bench, *, back: bool) -> None:
    """Undo or redo; the slider follows."""
    if bench.history.undo() if back else bench.history.redo():
        bench.revision += 1
        bench.notes = ()
        bench.said = "Undone." if back else "Done again."
        bench.made_by = (*bench.made_by[:-1], bench.present.budget)
        bench.asked = bench.present.budget


def reset(bench: Bench) -> None:
    """Back to what the method proposes; locks go."""
    if bench.proposal is not None:
        bench.notes = ()
        bench.change(Snapshot(bench.present.budget, bench.proposal.groups), "Back to the proposal.")


def show_plan(bench: Bench, source: Source, plan: Grouping) -> None:
    """Put a stored plan onto the board, as one step that undo takes back."""
    locked = frozenset(str(t) for t in plan.options.get("locked") or ())
    budget = plan.budget if plan.cost_unit == source.unit else _cost(source, plan.groups)
    # The slider has no other steps.
    budget = nearest(budget, frontier(source))
    bench.notes = ()
    bench.change(Snapshot(budget, plan.groups, locked), "The scenario is on the board.")
    bench.made_by = (*bench.made_by[:-1], budget)
    bench.asked = budget


def _from_link(plan: Grouping, source: Source, plans: Mapping[float, Grouping]) -> Snapshot | None:
    if set(plan.tasks) != set(source.affinity.tasks):
        return None
    locked = frozenset(str(t) for t in plan.options.get("locked") or ()) & set(plan.tasks)
    known = plan.budget if plan.cost_unit == source.unit else _cost(source, plan.groups)
    return Snapshot(nearest(known, plans), plan.groups, locked)


def _cost(source: Source, groups: Groups) -> float:
    if source.costs is None:
        return float(len(groups))
    return sum(source.costs(group) for group in groups)


def _around_locks(
    present: Snapshot, source: Source, proposal: Grouping, budget: float
) -> tuple[Groups, tuple[str, ...]]:
    """Groups of a proposal in which locked tasks stay, and what must be said about it."""
    locked = present.locked
    if not locked:
        return proposal.groups, ()
    most = max(int(budget) if source.costs is None else source.costs.most_groups(budget), 1)
    title = grouper_class(source.method).title
    if source.method == "selection":
        options = lock_options(source.options, present.groups, locked, source.affinity.tasks, most)
        found = _locked(source.board, source.affinity, options, budget, source.costs)
        if found is not None:
            return align(found.groups, present.groups, locked), (
                "The selection was solved again with the locked tasks kept where they are.",
            )
    groups = keep_locked(proposal.groups, present.groups, locked, most)
    return align(groups, present.groups, locked), (
        f"{title} does not know of locks: the locked tasks were put back after it had made its "
        "groups.",
    )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 3.0
