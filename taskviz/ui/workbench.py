"""The state of the Groups page: what is proposed, what was moved, what is locked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from taskviz.figures.style import group_letter
from taskviz.grouping import GROUPERS, grouper_class, make_grouper
from taskviz.grouping.base import Affinity
from taskviz.grouping.clustering import Clustering
from taskviz.grouping.what_if import (
    Groups,
    align,
    edited_plan,
    keep_locked,
    lock_options,
    move,
)
from taskviz.ui import state, store
from taskviz.ui.undo import History
from taskviz.values import Grouping, SubsetTable, TaskvizError

_BENCH, _PUBLISHED = "bench", "bench_published"
MANY_TASKS = 40
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
    """

    key: str
    affinity: Affinity
    method: str
    options: Mapping[str, Any]

    @property
    def made_by(self) -> tuple[str, str]:
        """What a proposal depends on beside the budget."""
        return self.method, repr(sorted(self.options.items()))


@dataclass
class Bench:
    """The board of one matrix, kept while the session lasts.

    Args:
        source: key of the matrix.
        history: what was on the board.
        made_by: method, options and budget that the board was last laid out for.
        revision: counts what changes the board.
        said: the last change in words, for those who do not see it.
        notes: sentences about locks.
        proposal: what the method makes of this budget.
        plan: what is on the board, with its scores.
        asked: a budget that the slider must take when it is drawn next; it cannot be set later.
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


@st.cache_resource(max_entries=64, show_spinner="Grouping for every budget…")
def _frontier(
    key: str, _affinity: Affinity, method: str, options: dict[str, Any], budgets: tuple[float, ...]
) -> dict[float, Grouping]:
    from taskviz.verbs import group_frontier

    problem: TaskvizError | None = None
    for start in range(len(budgets)):
        try:
            made = group_frontier(_affinity, method, budgets=budgets[start:], **options)
        except TaskvizError as error:
            # Of a subset table the smallest budgets may cover no task set: start higher then.
            problem = problem or error
            if not isinstance(_affinity, SubsetTable):
                break
        else:
            return dict(zip(budgets[start:], made, strict=True))
    assert problem is not None
    raise problem


def frontier(source: Source) -> dict[float, Grouping]:
    """The proposal for each budget, computed once for all.

    Raises:
        TaskvizError: no groups with these options.
    """
    budgets = budgets_for(source.affinity)
    return _frontier(source.key, source.affinity, source.method, dict(source.options), budgets)


@st.cache_resource(max_entries=128, show_spinner="Grouping around the locked tasks…")
def _locked(
    key: str, _affinity: Affinity, options: dict[str, Any], budget: float
) -> Grouping | None:
    try:
        return make_grouper("selection", **options).group(_affinity, budget)
    except TaskvizError:
        return None


def bench() -> Bench | None:
    """The board in use."""
    found: Bench | None = st.session_state.get(_BENCH)
    return found


def slider_key(source_key: str) -> str:
    """Key of the budget slider of a matrix."""
    return f"budget_{source_key[-16:]}"


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
    if known is not None and known.source == source.key and linked is None:
        return known
    snapshot = None if linked is None else _from_link(linked, source, plans)
    if snapshot is None:
        given = state.get("budget") or "3"
        start = nearest(_number(given), plans)
        made = Bench(source.key, History(Snapshot(start, plans[start].groups)))
    else:
        made = Bench(source.key, History(snapshot))
    made.made_by = (*source.made_by, made.present.budget)
    made.asked = made.present.budget
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
            f"{count} {'group' if count == 1 else 'groups'} for a budget of {budget:g}.",
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
            locked=sorted(present.locked),
        )


def publish(bench: Bench, source: Source) -> None:
    """Put plan, budget and method into the URL, for a reload and for a colleague."""
    assert bench.plan is not None
    key = store.publish_plan(bench.plan)
    st.session_state.setdefault(_PUBLISHED, set()).add(key)
    state.put("budget", f"{bench.present.budget:g}")
    state.put("grouper", source.method)
    state.put("plan", key)


def may_add(bench: Bench) -> bool:
    """True where the budget permits one more model."""
    return bench.plan is not None and bench.plan.cost + 1 <= bench.present.budget + 1e-9


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


def show_plan(bench: Bench, plan: Grouping) -> None:
    """Put a stored plan onto the board, as one step that undo takes back."""
    locked = frozenset(str(t) for t in plan.options.get("locked") or ())
    bench.notes = ()
    bench.change(Snapshot(plan.budget, plan.groups, locked), "The scenario is on the board.")
    bench.made_by = (*bench.made_by[:-1], plan.budget)
    bench.asked = plan.budget


def _from_link(plan: Grouping, source: Source, plans: Mapping[float, Grouping]) -> Snapshot | None:
    if set(plan.tasks) != set(source.affinity.tasks):
        return None
    locked = frozenset(str(t) for t in plan.options.get("locked") or ()) & set(plan.tasks)
    return Snapshot(nearest(plan.budget, plans), plan.groups, locked)


def _around_locks(
    present: Snapshot, source: Source, proposal: Grouping, budget: float
) -> tuple[Groups, tuple[str, ...]]:
    """Groups of a proposal in which locked tasks stay, and what must be said about it."""
    locked = present.locked
    if not locked:
        return proposal.groups, ()
    most = max(int(budget), 1)
    title = grouper_class(source.method).title
    if source.method == "selection":
        options = lock_options(source.options, present.groups, locked, source.affinity.tasks, most)
        found = _locked(source.key, source.affinity, options, budget)
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
