"""The runs of the collection in use, to go from one to another."""

import streamlit as st

from taskviz.jobs import Job
from taskviz.ui import glossary, job_panel, state, store
from taskviz.values import TaskvizError


def draw(shown: Job | None) -> None:
    """A list of all trainings of this collection, where there are any beside the one shown."""
    try:
        ref = store.resolve(state.get("collection") or "").to_json()
    except TaskvizError:
        return
    found = {job.id: job for job in store.trainings_of({"collection": ref})}
    if not found or (len(found) == 1 and shown is not None):
        return
    current = shown.id if shown is not None and shown.id in found else ""
    offered = ["", *found]
    key = f"training_run_{current}"
    chosen = st.selectbox(
        "Runs of this collection",
        offered,
        index=offered.index(current),
        format_func=lambda key: job_panel.named(found[key]) if key else "a new run",
        key=key,
        help=glossary.meaning("run"),
        width=520,
    )
    if chosen != current:
        state.put("run", chosen or None)
        st.rerun()
