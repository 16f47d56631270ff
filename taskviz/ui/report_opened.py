"""A report that was opened: the drop zone, and what of it can be worked on."""

import streamlit as st

from taskviz.report.read import MOST_BYTES
from taskviz.ui import frame, presses, state, store
from taskviz.ui.report_source import Offer
from taskviz.ui.scenarios import save_scenario
from taskviz.ui.text import plural, safe
from taskviz.values import TaskvizError
from taskviz.verbs.imports import IMPORTED
from taskviz.verbs.opened_reports import import_matrices, opened_report, store_report

OPENED = "opened"
"""URL key of the report."""


def offer() -> Offer | None:
    """The report in the URL; None where there is none."""
    key = state.get(OPENED)
    if key is None:
        return None
    try:
        values = opened_report(key, store.cache())
    except TaskvizError as error:
        st.error(safe(error))
        return None
    if values is None:
        st.warning("This link speaks of a report that is not stored here: open the file again.")
        return None
    return Offer(
        about=f"{OPENED}:{key}",
        name=values.contents.facts.name,
        facts=values.contents.facts,
        plan=values.contents.main,
        whole=values.contents,
        design=values.design,
    )


def uploader() -> None:
    """A drop zone for a report; what it holds is shown at once."""
    with st.expander("Open a report", icon=":material/upload_file:"):
        file = st.file_uploader(
            "A report that taskviz wrote",
            type=["html", "zip", "json"],
            key="open_report",
            help=f"HTML or .zip, at most {MOST_BYTES / 1e6:.0f} MB. Only the values inside are "
            "read; nothing of the file is run.",
        )
        if file is None:
            st.session_state.pop("opened_file", None)
            return
        if st.session_state.get("opened_file") == file.file_id:
            return
        try:
            key = store_report(file.getvalue(), file.name, store.cache())
        except TaskvizError as error:
            st.error(safe(error), title="This file cannot be opened")
            return
        st.session_state["opened_file"] = file.file_id
        state.put("draft", None)
        state.put(OPENED, key)
        st.rerun()


def header(found: Offer) -> None:
    """What is shown, and what can be done with it."""
    whole = found.whole
    assert whole is not None
    with st.container(border=True):
        st.markdown(
            f"#### An opened report of {safe(found.facts.name)}\n"
            f"{plural(len(found.facts.tasks), 'task')}, {plural(found.facts.n, 'sample')}. The "
            "values come from the file; the data are not in it."
        )
        with st.container(horizontal=True):
            if presses.button(
                "Work on its groups",
                icon=":material/workspaces:",
                type="primary",
                disabled=not whole.affinities,
                help="Its matrices are imported to the Groups page, its plans become scenarios."
                if whole.affinities
                else "There is no matrix in this report.",
            ):
                work_on(found)
            if presses.button("Close it", icon=":material/close:"):
                state.put(OPENED, None)
                state.put("draft", None)
                st.rerun()


def work_on(found: Offer) -> None:
    """Import matrices and plans, then open the Groups page: the only place that writes them."""
    whole, values = found.whole, opened_report(state.get(OPENED), store.cache())
    if whole is None or values is None:
        return
    try:
        keys = import_matrices(values, store.cache())
        for name, plan in whole.named_plans().items():
            if set(plan.tasks) == set(whole.affinities[0].tasks):
                save_scenario(store.cache(), f"report: {name}", "", plan, keys[0])
    except TaskvizError as error:
        st.error(safe(error))
        return
    assert keys[0].startswith(IMPORTED)
    state.put("matrix", keys[0])
    frame.go("groups")
