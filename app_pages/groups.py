"""Which tasks train together when b models can be afforded?"""

from typing import Any

import streamlit as st

from taskviz.figures import frontier, task_graph
from taskviz.figures.style import chart_config, duration_words
from taskviz.grouping import GROUPERS, grouper_class
from taskviz.ui import board, frame, state, store
from taskviz.ui.options_form import options_form
from taskviz.ui.text import plural, safe
from taskviz.values import AffinityMatrix, Grouping, TaskvizError

frame.title("groups")
collection = frame.need_collection()
stored = store.affinities_of(collection)
if not stored:
    with st.container(border=True):
        st.markdown("#### There is no affinity to group by yet")
        st.markdown("Groups follow from how much each task helps each other: compute that first.")
        if st.button("Compute affinity", type="primary", icon=":material/grid_on:"):
            frame.go("affinity")
    st.stop()

keys = [key for key, _ in stored]
by_key = dict(stored)
if state.get("matrix") not in keys:
    state.put("matrix", keys[0])


def choose_method() -> tuple[str, dict[str, Any]]:
    """Right: the matrix, the method, its options."""
    current = state.get("matrix") or keys[0]
    chosen = st.selectbox(
        "Affinity",
        keys,
        index=keys.index(current),
        format_func=lambda key: store.matrix_label(by_key[key]),
        key="groups_matrix",
    )
    if chosen != current:
        state.put("matrix", chosen)
    names = list(GROUPERS)
    wanted = state.get("grouper") or "gat-gmm"
    method = st.selectbox(
        "Method",
        names,
        index=names.index(wanted) if wanted in names else 0,
        format_func=lambda name: grouper_class(name).title,
        key="groups_method",
    )
    state.put("grouper", method)
    st.caption(grouper_class(method).summary)
    options = options_form(grouper_class(method).Options, f"grp_{method}")
    return method, options


def sentence(plan: Grouping, matrix: AffinityMatrix) -> str:
    """The answer of this page."""
    sizes = sorted((len(group) for group in plan.groups), reverse=True)
    words = f"**{plural(len(plan.groups), 'model')}** for {plural(len(plan.tasks), 'task')}"
    if len(plan.groups) == 1:
        return f"{words}: all tasks train together."
    if len(plan.groups) == len(plan.tasks):
        return f"{words}: every task trains alone."
    overlap = " Some tasks are in two groups." if plan.overlapping else ""
    counted = [str(size) for size in sizes]
    return f"{words}: {', '.join(counted[:-1])} and {counted[-1]} tasks together.{overlap}"


def choose(plan: Grouping) -> None:
    """Take a plan to the Training page."""
    state.put("plan", store.publish_plan(plan))
    state.put("run", None)


main, side = st.columns([3, 1], gap="large")
with side, st.container(border=True):
    method, options = choose_method()
matrix = by_key[state.get("matrix") or keys[0]]
size = len(matrix.tasks)
plan: Grouping | None = None
with main:
    try:
        plans = store.frontier(state.get("matrix") or keys[0], matrix, method, options)
    except TaskvizError as error:
        st.error(safe(error), title="No groups with these settings")
        plans = []
    if plans:
        given = state.get("budget") or ""
        start = int(given) if given.isdigit() and 1 <= int(given) <= size else min(3, size)
        budget = (
            st.slider(
                "Inference budget: how many models can you afford?",
                min_value=1,
                max_value=size,
                value=start,
                key=f"budget_{size}",
            )
            if size > 1
            else 1
        )
        state.put("budget", str(budget))
        plan = plans[budget - 1]
        st.markdown(sentence(plan, matrix))
        for note in plan.notes:
            st.caption(f":material/info: {safe(note)}")
        board.draw(plan, matrix, dark=frame.dark())
        left, right = st.columns(2)
        with left:
            st.plotly_chart(
                frontier.budget_frontier(plans, current_budget=budget, dark=frame.dark()),
                theme=None,
                key="frontier",
                config=chart_config(),
                alt=frontier.describe_budget_frontier(plans, current_budget=budget),
            )
            st.caption(
                f"Score: {safe(plan.objective)}. It is predicted from the affinity, not measured "
                "by training."
            )
        with right:
            figure = task_graph.task_graph(
                matrix,
                threshold=task_graph.default_threshold(matrix),
                groups=plan.groups,
                layout=store.layout(state.get("matrix") or "", matrix),
                dark=frame.dark(),
            )
            st.plotly_chart(
                figure,
                theme=None,
                key="groups_graph",
                config=chart_config(),
                alt="Task graph, coloured by group",
            )
        with st.expander("Table and settings"):
            st.dataframe(
                board.table(plan),
                hide_index=True,
                alt="Groups of each task and the group that serves it",
            )
            st.caption(
                f"{safe(plan.method)}, seed {plan.seed}, took {duration_words(plan.seconds)}."
            )
            st.download_button(
                "Download the grouping as JSON",
                store.file_bytes(plan.save, "grouping.json"),
                file_name=f"{collection.name}-{method}-b{budget}.json",
                icon=":material/download:",
                on_click="ignore",
            )
frame.next_step(
    "Train these groups",
    "training",
    ready=plan is not None,
    why="No groups with these settings.",
    before=lambda: plan and choose(plan),
)
