"""Which tasks train together when b models can be afforded?"""

from typing import Any

import streamlit as st

from taskviz.figures.style import duration_words
from taskviz.grouping import grouper_class
from taskviz.ui import (
    frame,
    glossary,
    imports,
    methods_panel,
    presses,
    scenario_panel,
    stability_tab,
    state,
    store,
    tables,
    units,
)
from taskviz.ui.labels import matrix_labels, told_apart
from taskviz.ui.options_form import options_form
from taskviz.ui.plan_table import plan_table
from taskviz.ui.text import safe
from taskviz.ui.workbench import view
from taskviz.ui.workbench.bench import current_bench, linked_plan
from taskviz.ui.workbench.frontier import frontier
from taskviz.ui.workbench.source import Source, methods_for
from taskviz.values import Grouping, TaskvizError

frame.title("groups")
imported = imports.find(state.get("matrix"), store.cache())


def use_import(key: str | None) -> None:
    """Work on what was just imported."""
    if key is not None:
        state.put("matrix", key)
        st.rerun()


def nothing_yet() -> None:
    """Say what to do where there is nothing to group by, and offer the import."""
    first, second = st.container(), st.container(border=True)
    with second:
        st.markdown("**Or start from scores of your own**: no collection is needed for that.")
        use_import(imports.uploader())
    with first:
        frame.need_collection()
        with st.container(border=True):
            st.markdown("#### There is no affinity to group by yet")
            st.markdown(
                "Groups follow from how much each task helps each other: compute that first."
            )
            if presses.button("Compute affinity", type="primary", icon=":material/grid_on:"):
                frame.go("affinity")
    st.stop()


collection = frame.current_collection() if state.get("collection") else None
own = store.affinities_of(collection) if collection is not None else []
if imported is None and not own:
    nothing_yet()
by_key: dict[str, Any] = dict(own)
elsewhere = imports.labels(store.cache())
if imported is not None:
    by_key[state.get("matrix") or ""] = imported
names = told_apart({**matrix_labels(own), **elsewhere})
if state.get("matrix") not in by_key:
    state.put("matrix", next(iter(by_key)))


def choose_source() -> Source:
    """Right: the matrix, the method, its options and constraints, the import."""
    current = state.get("matrix") or ""
    offered = [*(key for key, _ in own), *elsewhere]
    chosen = st.selectbox(
        "Affinity",
        offered,
        index=offered.index(current) if current in offered else 0,
        format_func=lambda key: names.get(key, key),
        key="groups_matrix",
        help=glossary.meaning("affinity"),
    )
    if chosen != current:
        state.put("matrix", chosen)
        st.rerun()
    affinity = by_key[current]
    st.caption(safe(names.get(current, current)))
    methods = methods_for(affinity)
    wanted = state.get("grouper") or methods[0]
    method = st.selectbox(
        "Method",
        methods,
        index=methods.index(wanted) if wanted in methods else 0,
        format_func=lambda name: grouper_class(name).title,
        key=f"groups_method_{len(methods)}",
    )
    state.put("grouper", method)
    # In full: the box above cuts what is longer than the column.
    st.caption(f"**{grouper_class(method).title}.** {grouper_class(method).summary}")
    options = options_form(grouper_class(method).Options, f"grp_{method}", linked_options(method))
    costs = units.choose(collection, imported is not None)
    with st.expander("Import scores", icon=":material/upload_file:"):
        use_import(imports.uploader())
    return Source(current, affinity, method, options, costs)


def linked_options(method: str) -> dict[str, Any]:
    """Options of the plan that a link names, so that a colleague's form shows the same."""
    linked = linked_plan()
    if linked is not None:
        made_by, options = linked.method, linked.options
        if made_by == "manual":
            made_by, options = str(options.get("from")), options.get("from_options") or {}
        st.session_state["linked_options"] = (made_by, dict(options))
    made_by, found = st.session_state.get("linked_options") or ("", {})
    return dict(found) if made_by == method else {}


def choose(plan: Grouping) -> None:
    """Take a plan to the Training page."""
    state.put("plan", store.publish_plan(plan))
    state.put("run", None)


main, side = st.columns([9, 2], gap="medium")
with side, st.container(border=True):
    source = choose_source()
plans: dict[float, Grouping] = {}
with main:
    try:
        plans = frontier(source)
    except TaskvizError as error:
        st.error(safe(error), title="No groups with these settings")
    if plans:
        view.draw(source, plans)
bench = current_bench()
plan = bench.plan if plans and bench is not None else None
if plan is not None:
    saved, stable, methods, table = st.tabs(
        ["Scenarios", "Stability", "Methods side by side", "Table and settings"],
        on_change="rerun",
        key="groups_tab",
        bind="query-params",
    )
    with saved:
        scenario_panel.draw(source, can_train=imported is None)
    with stable:
        stability_tab.draw(source)
    with methods:
        methods_panel.draw(source)
    with table:
        tables.show(
            plan_table(plan),
            hide_index=True,
            alt="Groups of each task and the group that serves it",
        )
        st.caption(
            f"{safe(plan.objective)}. Predicted, not measured by training. "
            f"{safe(plan.method)}, seed {plan.seed}, took {duration_words(plan.seconds)}."
        )
        st.download_button(
            "Download the grouping as JSON",
            store.file_bytes(plan.save, "grouping.json"),
            file_name=f"groups-{plan.method}-b{plan.budget:.12g}.json",
            icon=":material/download:",
            on_click="ignore",
        )


def train() -> None:
    """The plan that is on the board now: the fragment may have changed it since this run."""
    now = current_bench()
    if now is not None and now.plan is not None:
        choose(now.plan)


frame.next_step(
    "Train these groups",
    "training",
    ready=plan is not None and imported is None,
    why="No groups with these settings."
    if plan is None
    else "These scores were imported: there is no data here to train on.",
    before=train,
)
