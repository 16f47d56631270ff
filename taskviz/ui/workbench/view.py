"""The workbench as it is drawn, redrawn as one fragment: budget, answer, frontier, board, graph."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from taskviz.figures import frontier
from taskviz.figures.style import chart_config
from taskviz.ui import answers, frame, stability_tab, state
from taskviz.ui.affinity_words import trust_words
from taskviz.ui.group_board import group_board
from taskviz.ui.text import safe
from taskviz.ui.workbench import graph, tools
from taskviz.ui.workbench.bench import current_bench, lay_out, open_bench, publish
from taskviz.ui.workbench.board import board_data
from taskviz.ui.workbench.moves import lock_task, move_task
from taskviz.ui.workbench.sentence import sentence
from taskviz.ui.workbench.slider import budget_slider
from taskviz.ui.workbench.source import Source
from taskviz.values import AffinityMatrix, Grouping

BOARD = "group_board"
LOW = 180


@st.fragment
def draw(source: Source, plans: Mapping[float, Grouping]) -> None:
    """Everything that moves with the slider or with a card."""
    bench = open_bench(source, plans)
    left, right = st.columns([1, 1], gap="medium")
    with left:
        budget = budget_slider(source, plans, bench)
        lay_out(bench, source, plans, budget)
        plan, proposal = bench.plan, bench.proposal
        assert plan is not None
        assert proposal is not None
        trust = ""
        if isinstance(source.affinity, AffinityMatrix):
            trust = f"  \n{trust_words(source.affinity)}{_measured(plan)}"
        tested = stability_tab.badge(source.key, plan)
        st.markdown(sentence(plan, proposal) + trust + (f"  \n{tested}" if tested else ""))
    board, beside = st.columns([13, 7], gap="medium")
    with board:
        tools.draw(bench)
        group_board(
            board_data(bench, source, dark=frame.dark()),
            key=BOARD,
            on_moved=_moved,
            on_locked=_lock,
        )
    with right:
        edited = None if plan is proposal else plan
        figure = _frontier_figure(
            (source.board, source.made_by, budget, frame.dark()),
            None if edited is None else (edited.groups, edited.score),
            plans,
            edited,
        )
        st.plotly_chart(
            figure,
            theme=None,
            key="frontier",
            config=chart_config(),
            alt=frontier.describe_budget_frontier(list(plans.values()), current_budget=budget),
        )
    with beside:
        graph.draw(source, plan)
    # What prices rest on stands beside the picker of the unit.
    said = () if source.costs is None else source.costs.notes
    for note in dict.fromkeys((*bench.notes, *plan.notes)):
        if note in said:
            continue
        st.caption(f":material/info: {safe(note)}")
    # Last, for it writes to the disk: the screen is drawn by then.
    publish(bench, source)


def _measured(plan: Grouping) -> str:
    """What trained networks said of exactly these groups, where they were asked."""
    collection = frame.current_collection() if state.get("collection") else None
    verdict = None if collection is None else answers.verdict_of(collection, plan)
    if verdict is None:
        return ""
    badge, words = {
        "yes": (":green-badge[stable]", "these groups beat random ones"),
        "no": (":red-badge[noise]", "these groups are no better than random ones"),
        "cannot tell": (":orange-badge[shaky]", "these groups cannot be told from random ones yet"),
    }[verdict]
    return f"  \n{badge} :gray[Measured on networks trained for it: {words}.]"


# A figure takes Plotly longer to build than everything else takes together: kept, never changed.
@st.cache_resource(max_entries=256, show_spinner=False)
def _frontier_figure(
    made: tuple[str, tuple[str, str], float, bool],
    edit: tuple[Any, ...] | None,
    _plans: Mapping[float, Grouping],
    _edited: Grouping | None,
) -> Any:
    figure = frontier.budget_frontier(
        list(_plans.values()), current_budget=made[2], current=_edited, dark=made[3]
    )
    # The whole objective stands in the tab below: there is no room for it beside a low chart.
    figure.layout.height, figure.layout.yaxis.title.text = LOW, "score"
    return figure


def _moved() -> None:
    bench = current_bench()
    told = st.session_state[BOARD].moved
    if bench is None or not isinstance(told, dict) or told.get("revision") != bench.revision:
        # A second card dropped before the first was answered, or another board: not this one.
        return
    task, start, end = told.get("task"), told.get("from"), told.get("to")
    if isinstance(task, str) and isinstance(start, int) and isinstance(end, int):
        move_task(bench, task, end, start)


def _lock() -> None:
    bench = current_bench()
    told = st.session_state[BOARD].locked
    if bench is not None and isinstance(told, dict) and isinstance(told.get("task"), str):
        lock_task(bench, told["task"])
