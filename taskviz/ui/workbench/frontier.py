"""The proposal for each budget that can be afforded."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from taskviz.grouping.base import Affinity
from taskviz.progress import Progress
from taskviz.ui import store
from taskviz.ui.waiting import Waiting
from taskviz.ui.workbench.source import Source
from taskviz.values import Grouping, SubsetTable, TaskvizError
from taskviz.verbs import kept_frontier

MANY_TASKS = 40
MOST_FRONTIERS = 64
COARSE = (25, 30, 40, 50, 75, 100, 150, 200, 300, 400, 500)


def budgets_for(affinity: Affinity) -> tuple[float, ...]:
    """Budgets that the slider offers: each whole number while they are few, then coarser."""
    size = len(affinity.tasks)
    if isinstance(affinity, SubsetTable) and (affinity.cost % 1 > 1e-9).any():
        return tuple(k / 2 for k in range(2, 2 * min(size, MANY_TASKS) + 1))
    if size <= MANY_TASKS:
        return tuple(float(k) for k in range(1, size + 1))
    fine = [*range(1, 21), *(k for k in COARSE if k < size), size]
    return tuple(float(k) for k in fine)


def nearest(budget: float, offered: Mapping[float, Grouping]) -> float:
    """The offered budget that is nearest."""
    return min(offered, key=lambda b: (abs(b - budget), b))


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
