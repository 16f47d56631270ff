"""Running jobs as bars, and one job's state with what can be done about it."""

import time
from collections.abc import Mapping
from typing import Any

import streamlit as st

from taskviz.figures.style import duration_words
from taskviz.jobs import LIVE, Job, cancel_job, resume_job, start_job
from taskviz.ui import state, store
from taskviz.ui.text import safe
from taskviz.values import TaskvizError

ICONS = {
    "queued": ":material/hourglass_empty:",
    "running": ":material/progress_activity:",
    "done": ":material/check_circle:",
    "failed": ":material/error:",
    "cancelled": ":material/cancel:",
    "interrupted": ":material/power_off:",
}


def running() -> None:
    """Bars of all running jobs, for the sidebar; polls only while something runs."""
    live = store.jobs().running()
    st.fragment(_running, run_every="2s" if live else None)()


def _running() -> None:
    live = store.jobs().running()
    known = st.session_state.get("live_jobs", set())
    now = {job.id for job in live}
    st.session_state["live_jobs"] = now
    if not live:
        if known:
            # The last one ended: the page beside has something new to show.
            st.rerun()
        st.caption(":material/work_history: No job runs.")
        return
    st.caption(":material/work_history: Running now")
    for job in live[:4]:
        st.progress(min(job.progress, 1.0), text=f"{safe(job.title)} · {_time_left(job)}")
    if len(live) > 4:
        st.caption(f"and {len(live) - 4} more on the Jobs page")


def _time_left(job: Job) -> str:
    if job.state == "queued":
        return "waits for its turn"
    if job.seconds_left is None:
        return "estimating"
    return f"{duration_words(job.seconds_left)} left"


def start(kind: str, entries: Mapping[str, Any], *, title: str, url_key: str) -> None:
    """Start a job on the collection in use and put it into the URL; a refusal is its sentence.

    Args:
        kind: of the job.
        entries: of its spec, besides collection and device.
        title: one line for people.
        url_key: where the page keeps the job's id.
    """
    try:
        name = state.get("collection")
        # Imported scores need none.
        ref = store.resolve(name).to_json() if name else {}
        spec = {**entries, "collection": ref, "device": "auto"}
        job = start_job(kind, spec, title=title, store=store.jobs())
    except TaskvizError as error:
        st.error(safe(error), title="This could not be started")
        return
    state.put(url_key, job.id)
    st.rerun()


def headline(job: Job) -> None:
    """State, bar and buttons of one job. Call it inside a polling fragment while the job lives."""
    if job.state in LIVE:
        text = job.message or job.stage or "Starting"
        st.progress(min(job.progress, 1.0), text=f"{safe(text)} · {_time_left(job)}")
        if st.button("Stop", icon=":material/stop_circle:", key=f"stop_{job.id}"):
            cancel_job(job.id, store=store.jobs())
            st.toast("Stopping. What is finished is kept.")
    elif job.state == "failed":
        st.error(safe(job.error or "The job failed."), title="This job failed")
        if job.details:
            with st.expander("Details"):
                st.code(job.details, language=None)
        _resume(job, "Try again")
    elif job.state == "interrupted":
        st.warning(
            "The worker process ended before the job was done. What was finished is kept: Resume "
            "goes on from there.",
            title="Interrupted",
        )
        _resume(job, "Resume")
    elif job.state == "cancelled":
        st.info("This job was stopped. What was finished is kept.", title="Stopped")
        _resume(job, "Resume")


def _resume(job: Job, label: str) -> None:
    if st.button(label, icon=":material/play_arrow:", key=f"resume_{job.id}", type="primary"):
        try:
            resume_job(job.id, store=store.jobs())
        except TaskvizError as error:
            st.error(safe(error))
        else:
            st.rerun(scope="app")


def took(job: Job) -> str:
    """How long a finished job worked, in words; empty for any other."""
    if job.state != "done" or job.started is None or job.finished is None:
        return ""
    return f" · took {duration_words(job.finished - job.started)}"


def ago(moment: float) -> str:
    """How long since a moment, in words."""
    seconds = max(time.time() - moment, 0.0)
    return "just now" if seconds < 5 else f"{duration_words(seconds)} ago"
