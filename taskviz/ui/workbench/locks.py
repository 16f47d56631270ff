"""Proposals around locked tasks, which stay where they are."""

from typing import Any

import streamlit as st

from taskviz.grouping import grouper_class
from taskviz.grouping.base import Affinity
from taskviz.grouping.group_costs import CostModel
from taskviz.grouping.what_if import Groups, align, keep_locked, lock_options
from taskviz.ui.workbench.source import Source
from taskviz.values import Grouping, TaskvizError
from taskviz.verbs import group_tasks


def around_locks(
    present: Groups, locked: frozenset[str], source: Source, proposal: Grouping, budget: float
) -> tuple[Groups, tuple[str, ...]]:
    """Groups of a proposal in which locked tasks stay, and what must be said about it."""
    if not locked:
        return proposal.groups, ()
    most = max(int(budget) if source.costs is None else source.costs.most_groups(budget), 1)
    title = grouper_class(source.method).title
    if source.method == "selection":
        options = lock_options(source.options, present, locked, source.affinity.tasks, most)
        found = _solve(source.board, source.affinity, options, budget, source.costs)
        if found is not None:
            return align(found.groups, present, locked), (
                "The selection was solved again with the locked tasks kept where they are.",
            )
    groups = keep_locked(proposal.groups, present, locked, most)
    return align(groups, present, locked), (
        f"{title} does not know of locks: the locked tasks were put back after it had made its "
        "groups.",
    )


@st.cache_resource(max_entries=128, show_spinner="Grouping around the locked tasks…")
def _solve(
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
