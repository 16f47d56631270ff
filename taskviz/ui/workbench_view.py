"""The Groups page's middle: budget, answer, frontier, board and graph, redrawn as one fragment."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from taskviz.figures import frontier, task_graph
from taskviz.figures.style import chart_config, group_letter, signed, three_digits
from taskviz.grouping.what_if import broken_rules
from taskviz.ui import answers, frame, glossary, stability_tab, state, store, workbench
from taskviz.ui import threshold as thresholds
from taskviz.ui.affinity_words import trust_words
from taskviz.ui.group_board import group_board
from taskviz.ui.text import listed, plural, safe
from taskviz.ui.units import LABELS, apart, cost_words
from taskviz.ui.workbench import Bench, Source
from taskviz.ui.workbench_board import board_data
from taskviz.values import AffinityMatrix, Grouping

BOARD = "group_board"
LOW = 180


@st.fragment
def draw(source: Source, plans: Mapping[float, Grouping]) -> None:
    """Everything that moves with the slider or with a card."""
    bench = workbench.open_bench(source, plans)
    left, right = st.columns([1, 1], gap="medium")
    with left:
        budget = _slider(source, plans, bench)
        workbench.lay_out(bench, source, plans, budget)
        plan, proposal = bench.plan, bench.proposal
        assert plan is not None
        assert proposal is not None
        trust = ""
        if isinstance(source.affinity, AffinityMatrix):
            trust = f"  \n{trust_words(source.affinity)}{_measured(plan)}"
        tested = stability_tab.badge(source.key, plan)
        st.markdown(sentence(plan, proposal) + trust + (f"  \n{tested}" if tested else ""))
    board, graph = st.columns([13, 7], gap="medium")
    with board:
        _tools(bench)
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
    with graph:
        _graph(source, plan)
    # What prices rest on stands beside the picker of the unit.
    said = () if source.costs is None else source.costs.notes
    for note in dict.fromkeys((*bench.notes, *plan.notes)):
        if note in said:
            continue
        st.caption(f":material/info: {safe(note)}")
    # Last, for it writes to the disk: the screen is drawn by then.
    workbench.publish(bench, source)


def sentence(plan: Grouping, proposal: Grouping) -> str:
    """The answer of this page: how many models, which sizes, how good."""
    words = f"**{plural(len(plan.groups), 'model')}** for {plural(len(plan.tasks), 'task')}"
    sizes = [str(size) for size in sorted((len(group) for group in plan.groups), reverse=True)]
    if len(sizes) == 1:
        words += ", all together."
    elif len(sizes) == len(plan.tasks) and not plan.overlapping:
        words += ", each alone."
    elif len(sizes) > 8:
        words += f" in groups of {sizes[-1]} to {sizes[0]}."
    else:
        words += f": {', '.join(sizes[:-1])} and {sizes[-1]} together."
    if plan.overlapping:
        words += " Some are in two groups."
    if plan.cost_unit != "networks":
        cost, budget = (cost_words(each, plan.cost_unit) for each in (plan.cost, plan.budget))
        words += f" They cost {cost} of {budget}."
    return f"{words}  \n{_worth(plan, proposal)}"


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


def _worth(plan: Grouping, proposal: Grouping) -> str:
    parts = []
    if plan.score is not None:
        text = f"Predicted score **{three_digits(plan.score)}**"
        if plan is not proposal and proposal.score is not None:
            change = plan.score - proposal.score
            if abs(change) > 1e-12 * max(1.0, abs(plan.score)):
                better = (change > 0) != ("lower is better" in plan.objective)
                colour = "blue" if better else "orange"
                text += f", :{colour}[**{signed(change)}**] against the proposal"
        parts.append(text + _gap(plan) + ".")
    elif proposal.score is not None:
        alone = [group[0] for group in plan.groups if len(group) == 1]
        if alone:
            parts.append(
                f"No total: nothing is predicted for {listed(alone, 3)}, which "
                f"{'trains' if len(alone) == 1 else 'train'} alone."
            )
        else:
            parts.append("No total: the scores do not know all of these groups.")
    if plan.cost > plan.budget + 1e-9:
        parts.append(
            f":orange[It costs {cost_words(plan.cost, plan.cost_unit)}: above the budget.]"
        )
    if plan is not proposal:
        broken = broken_rules(proposal, plan.groups)
        if broken:
            parts.append(f":orange[It breaks {safe(', '.join(broken))}.]")
    return " ".join(parts)


def _gap(plan: Grouping) -> str:
    if plan.gap is None:
        return "" if plan.bound is None else f"; no plan can pass {three_digits(plan.bound)}"
    if plan.gap <= 1e-9:
        return ", proven best"
    return f"; at most {100 * plan.gap:.2g} % from the best"


def _slider(source: Source, plans: Mapping[float, Grouping], bench: Bench) -> float:
    key = workbench.slider_key(source)
    offered = list(plans)
    if bench.asked is not None:
        st.session_state[key], bench.asked = bench.asked, None
    st.session_state.setdefault(key, bench.present.budget)
    st.session_state[key] = workbench.nearest(float(st.session_state[key]), plans)
    counted = LABELS[source.unit]
    label = f"Inference budget: how many {counted} can you afford?"
    if len(offered) == 1:
        st.caption(f"Budget: {cost_words(offered[0], source.unit)}.")
        return offered[0]
    if source.costs is not None:
        return _priced_slider(label, source.unit, offered, key)
    told = glossary.meaning("budget")
    if offered == [float(k) for k in range(1, len(offered) + 1)]:
        st.session_state[key] = int(st.session_state[key])
        return float(st.slider(label, min_value=1, max_value=len(offered), key=key, help=told))
    return float(
        st.select_slider(label, offered, key=key, format_func=lambda b: f"{b:g}", help=told)
    )


def _priced_slider(label: str, unit: str, offered: list[float], key: str) -> float:
    """A slider over what 1…T networks cost, and a field for a budget of one's own."""
    slider, field = st.columns([4, 1], vertical_alignment="bottom")
    with slider:
        words = apart(offered, unit)
        told = glossary.meaning("budget")
        budget = float(
            st.select_slider(label, offered, key=key, format_func=words.__getitem__, help=told)
        )
    least = min(offered)
    with field:
        typed = st.number_input(
            "or type it",
            value=None,
            min_value=0.0,
            format="%g",
            key=f"typed_{key}",
            on_change=_typed,
            args=(f"typed_{key}", offered),
            help="The slider goes to the largest step within it.",
        )
    if typed is not None and typed < least * (1 - 1e-9):
        st.error(
            f"{cost_words(typed, unit)} is below the cheapest groups that cover every task: they "
            f"cost {cost_words(least, unit)}."
        )
    return budget


def _typed(key: str, offered: list[float]) -> None:
    bench, typed = workbench.bench(), st.session_state[key]
    within = [budget for budget in offered if typed and budget <= typed * (1 + 1e-9)]
    if bench is not None and within:
        bench.asked = max(within)


def _tools(bench: Bench) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Undo",
            icon=":material/undo:",
            shortcut="Ctrl+Z",
            key="undo",
            disabled=not bench.history.past,
            on_click=_step,
            kwargs={"back": True},
        )
        st.button(
            "Redo",
            icon=":material/redo:",
            shortcut="Ctrl+Y",
            key="redo",
            disabled=not bench.history.future,
            on_click=_step,
            kwargs={"back": False},
        )
        st.button(
            "Reset",
            icon=":material/restart_alt:",
            key="to_proposal",
            help="Back to what the method proposes for this budget.",
            disabled=bench.plan is bench.proposal,
            on_click=lambda: workbench.reset(bench),
        )
        with st.popover(
            "Move", icon=":material/swap_horiz:", help="Move or lock a task by a list."
        ):
            _move_by_list(bench)


def _move_by_list(bench: Bench) -> None:
    groups = bench.present.groups
    tasks = [task for group in groups for task in group]
    task = st.selectbox("Task", list(dict.fromkeys(tasks)), key="list_task")
    letters = [group_letter(i) for i in range(len(groups))]
    if workbench.may_add(bench):
        letters.append("New group")
    target = st.selectbox("to group", letters, key="list_group")
    held = [i for i, group in enumerate(groups) if task in group]
    locked = task in bench.present.locked
    st.button(
        "Move",
        key="list_move",
        disabled=locked or letters.index(target) in held,
        on_click=lambda: workbench.move_task(bench, task, letters.index(target)),
    )
    st.button(
        "Unlock" if locked else "Lock",
        key="list_lock",
        on_click=lambda: workbench.lock_task(bench, task),
    )
    st.caption(
        "On the board: drag a card, or focus it and press an arrow, a group's letter, + for a new "
        "group, Space to lock."
    )


def _graph(source: Source, plan: Grouping) -> None:
    if not isinstance(source.affinity, AffinityMatrix):
        st.caption(
            "A subset table holds losses of whole groups, not affinities of pairs: there is no "
            "task graph to draw."
        )
        return
    low, high, start = _threshold_range(source.key, source.affinity)
    threshold = start
    if high > low:
        threshold = thresholds.slider(
            "Show pairs with an affinity of at least",
            low,
            high,
            start,
            f"groups_threshold_{source.key[-16:]}",
        )
    figure, words = _graph_figure(
        (source.key, threshold, frame.dark()),
        (plan.groups, tuple(sorted(plan.serving.items()))),
        source.affinity,
        plan,
    )
    st.plotly_chart(
        figure,
        theme=None,
        key="groups_graph",
        config=chart_config(),
        alt=words,
    )


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


@st.cache_resource(max_entries=256, show_spinner=False)
def _graph_figure(
    made: tuple[str, float, bool], groups: tuple[Any, ...], _matrix: AffinityMatrix, _plan: Grouping
) -> tuple[Any, str]:
    figure = task_graph.task_graph(
        _matrix,
        threshold=made[1],
        groups=_plan,
        layout=store.layout(made[0], _matrix),
        dark=made[2],
    )
    figure.layout.height = 400
    # The board beside it shows colours and letters already.
    figure.layout.showlegend = False
    return figure, task_graph.describe_task_graph(_matrix, threshold=made[1], groups=_plan)


@st.cache_data(max_entries=64, show_spinner=False)
def _threshold_range(key: str, _matrix: AffinityMatrix) -> tuple[float, float, float]:
    weights = [weight for _, _, weight in task_graph.edge_weights(_matrix)]
    if not weights:
        return 0.0, 0.0, 0.0
    low, high = float(min(weights)), float(max(weights))
    return low, high, min(max(float(task_graph.default_threshold(_matrix)), low), high)


def _moved() -> None:
    bench = workbench.bench()
    told = st.session_state[BOARD].moved
    if bench is None or not isinstance(told, dict) or told.get("revision") != bench.revision:
        # A second card dropped before the first was answered, or another board: not this one.
        return
    task, start, end = told.get("task"), told.get("from"), told.get("to")
    if isinstance(task, str) and isinstance(start, int) and isinstance(end, int):
        workbench.move_task(bench, task, end, start)


def _lock() -> None:
    bench = workbench.bench()
    told = st.session_state[BOARD].locked
    if bench is not None and isinstance(told, dict) and isinstance(told.get("task"), str):
        workbench.lock_task(bench, told["task"])


def _step(*, back: bool) -> None:
    bench = workbench.bench()
    if bench is not None:
        workbench.step(bench, back=back)
