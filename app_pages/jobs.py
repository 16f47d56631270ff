"""Everything that runs or ran."""

import streamlit as st

from taskviz.jobs import LIVE, Job, delete_job
from taskviz.ui import frame, job_panel, state, store
from taskviz.ui.text import plural, safe
from taskviz.values import TaskvizError

frame.title("jobs")
PAGE = {"affinity": "affinity", "training": "training"}


def card(job: Job) -> None:
    """One job: state, bar, what can be done, log."""
    with st.container(border=True, gap="xsmall"):
        with st.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
        ):
            st.markdown(f"{job_panel.ICONS[job.state]} **{safe(job.title)}**", width="content")
            st.caption(
                f"{job.state} · {job_panel.ago(job.created)} · {safe(job.device)}"
                f"{job_panel.took(job)}",
                width="content",
            )
        job_panel.headline(job)
        with st.container(horizontal=True):
            if job.kind in PAGE and st.button(
                "Open", key=f"open_{job.id}", icon=":material/open_in_new:"
            ):
                show(job)
            if job.state not in LIVE and st.button(
                "Delete", key=f"delete_{job.id}", icon=":material/delete:"
            ):
                try:
                    delete_job(job.id, store=store.jobs())
                except TaskvizError as error:
                    st.error(safe(error))
                else:
                    st.rerun(scope="app")
        with st.expander("Log", key=f"log_{job.id}", on_change="rerun") as log:
            if log.open:
                st.code(store.jobs().log_tail(job.id) or "Nothing was logged.", language=None)


def show(job: Job) -> None:
    """Open the page of a job with its collection and its result."""
    state.put("collection", store.publish_spec(job.spec))
    if job.kind == "training":
        state.put("run", job.id)
    else:
        state.put("job", job.id)
        state.put("matrix", (job.result or {}).get("affinity"))
    frame.go(PAGE[job.kind])


def listing() -> None:
    """All jobs, newest first; polled only while one runs."""
    found = store.jobs().list(limit=100)
    live = sum(job.state in LIVE for job in found)
    before = st.session_state.get("jobs_live")
    st.session_state["jobs_live"] = live
    if before and not live:
        st.rerun(scope="app")
    if not found:
        st.info("Nothing has run yet. Compute an affinity or train groups: each becomes a job.")
        return
    st.markdown(
        f"**{plural(live, 'job')}** {'runs' if live == 1 else 'run'} now, "
        f"{plural(len(found) - live, 'job')} ended."
    )
    for job in found:
        card(job)


live = store.jobs().running()
st.fragment(listing, run_every="2s" if live else None)()
size = store.cache().size()
st.caption(
    f":material/hard_drive: The cache holds {size / 1e6:,.1f} MB. It is safe to delete while "
    "nothing runs."
)
