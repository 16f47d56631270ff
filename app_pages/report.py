"""One self-contained file with the answer, its evidence and the command that repeats it."""

import streamlit as st

from taskviz.figures.style import duration_words
from taskviz.grouping import GROUPERS
from taskviz.ui import frame, state, store
from taskviz.ui.labels import matrix_labels
from taskviz.ui.text import plural, safe
from taskviz.values import Grouping, TaskvizError

frame.title("report")
collection = frame.need_collection()
stored = dict(store.affinities_of(collection))
plan = store.plan(state.get("plan"))
labels = matrix_labels(list(stored.items()))
job = store.job(state.get("run"))
results = store.results(job) if job is not None and job.state == "done" else {}
if results and "chosen" in results:
    plan = results["chosen"].grouping


def budgets(plan: Grouping | None) -> list[Grouping]:
    """The plans of every budget by the plan's own method, where its matrix is stored here."""
    key = state.get("matrix") or ""
    if plan is None or key not in stored or plan.method not in GROUPERS:
        return []
    if plan.cost_unit != "networks":
        # Its prices are not kept: a frontier in models would not be one of this plan.
        return []
    try:
        return store.frontier(key, stored[key], plan.method, dict(plan.options))
    except TaskvizError:
        return []


left, right = st.columns([1, 2], gap="large")
with left:
    with st.container(border=True):
        st.markdown("**What goes in**")
        st.markdown(f":material/check: Collection {safe(collection.name)}")
        if stored:
            current = state.get("matrix")
            keys = list(stored)
            picked = st.multiselect(
                "Affinity matrices",
                keys,
                default=[current if current in keys else keys[0]],
                format_func=labels.__getitem__,
                key="report_matrices",
            )
        else:
            picked = []
            st.caption(":material/remove: No affinity was computed yet.")
        if plan is not None:
            st.markdown(f":material/check: Plan of {plural(len(plan.groups), 'group')}")
        else:
            st.caption(":material/remove: No groups were chosen yet.")
        if results:
            st.markdown(f":material/check: Results of {plural(len(results), 'contender')}")
        else:
            st.caption(":material/remove: Nothing was trained yet.")
        notes = st.text_area(
            "Notes",
            key="report_notes",
            persist_state="session",
            placeholder="What should your team know?",
            max_chars=20_000,
        )
    try:
        html, seconds = store.report_html(
            collection,
            [stored[key] for key in picked],
            [plan] if plan is not None else [],
            results,
            notes or "",
            budgets(plan),
        )
    except TaskvizError as error:
        st.error(safe(error))
        html = b""
    if html:
        st.download_button(
            "Download the report",
            html,
            file_name=f"taskviz-{collection.name}.html",
            mime="text/html",
            type="primary",
            icon=":material/download:",
            on_click="ignore",
            width="stretch",
        )
        st.caption(
            f"One HTML file of {len(html) / 1e6:.1f} MB that opens offline; written in "
            f"{duration_words(seconds)}."
        )
with right:
    if html:
        st.markdown("**Preview**")
        st.iframe(html.decode(), height=900)
