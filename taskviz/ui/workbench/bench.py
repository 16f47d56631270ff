"""What is on the board of the Groups page, kept while the session lasts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from taskviz.grouping.what_if import Groups, edited_plan
from taskviz.ui import state, store
from taskviz.ui.text import plural
from taskviz.ui.undo import History
from taskviz.ui.units import number_words
from taskviz.ui.workbench.frontier import nearest
from taskviz.ui.workbench.locks import around_locks
from taskviz.ui.workbench.source import Source
from taskviz.values import Grouping

_BENCH, _PUBLISHED = "bench", "bench_published"


@dataclass(frozen=True)
class Snapshot:
    """What undo brings back: the budget, who is with whom, what is locked."""

    budget: float
    groups: Groups
    locked: frozenset[str] = frozenset()


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


def current_bench() -> Bench | None:
    """The board in use."""
    found: Bench | None = st.session_state.get(_BENCH)
    return found


def linked_plan() -> Grouping | None:
    """The plan of a link that is being followed: one that this session did not write itself."""
    linked = state.get("plan")
    # Any of them: the browser's URL may lag behind a quick user by a step or two.
    return None if linked in st.session_state.get(_PUBLISHED, ()) else store.plan(linked)


def open_bench(source: Source, plans: Mapping[float, Grouping]) -> Bench:
    """The board of this matrix: the one in use, one from a link, or a new one."""
    known, linked = current_bench(), linked_plan()
    if known is not None and known.source == source.board and linked is None:
        return known
    snapshot = None if linked is None else _from_link(linked, source, plans)
    if snapshot is None and known is not None and known.source.split()[0] == source.key:
        # The same board in another unit: keep as much as it costs there, and what is locked.
        groups, locked = known.present.groups, known.present.locked
        budget = nearest(source.cost(groups), plans)
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
        groups, bench.notes = around_locks(
            bench.present.groups, bench.present.locked, source, plans[budget], budget
        )
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


def _from_link(plan: Grouping, source: Source, plans: Mapping[float, Grouping]) -> Snapshot | None:
    if set(plan.tasks) != set(source.affinity.tasks):
        return None
    locked = frozenset(str(t) for t in plan.options.get("locked") or ()) & set(plan.tasks)
    known = plan.budget if plan.cost_unit == source.unit else source.cost(plan.groups)
    return Snapshot(nearest(known, plans), plan.groups, locked)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 3.0
