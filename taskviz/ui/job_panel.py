"""Running jobs as bars, and one job's state with what can be done about it."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from taskviz.figures.style import duration_words
from taskviz.jobs import LIVE, Job, cancel_job, pause_job, resume_job, start_job
from taskviz.ui import notifier, state, store, user
from taskviz.ui.polling import poll
from taskviz.ui.text import safe
from taskviz.values import TaskvizError

ICONS = {
    "queued": ":material/hourglass_empty:",
    "running": ":material/progress_activity:",
    "done": ":material/check_circle:",
    "failed": ":material/error:",
    "cancelled": ":material/cancel:",
    "paused": ":material/pause_circle:",
    "interrupted": ":material/power_off:",
}

PAUSABLE = ("training",)
"""Kinds of jobs that go on from the middle of a network."""


def running() -> None:
    """Bars of all running jobs, for the sidebar; polls only while something runs."""
    live = store.jobs().running()

    def look(page: bool) -> None:
        _running(live if page else store.jobs().running(), page=page)

    poll(look, "2s" if live else None)


def _running(live: Sequence[Job], *, page: bool) -> None:
    known = st.session_state.get("live_jobs", set())
    now = {job.id for job in live}
    gone = [store.job(job_id) for job_id in known - now]
    notifier.ended([job for job in gone if job is not None and not job.live])
    st.session_state["live_jobs"] = now
    if known - now and not page:
        # What is told of the one that ended, and what it found, stand outside this fragment.
        st.rerun()
    if not live:
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
    start_all(kind, [(title, entries)], url_key=url_key)


def start_all(kind: str, jobs: Sequence[tuple[str, Mapping[str, Any]]], *, url_key: str) -> None:
    """Start several jobs, title and entries each; they take turns on the device.

    The first goes into the URL. A refusal is its sentence, and what follows is not started.
    """
    started = []
    try:
        name = state.get("collection")
        # Imported scores need none.
        ref = store.resolve(name).to_json() if name else {}
        for title, entries in jobs:
            engine = st.session_state.get("engine") or "local"
            spec = {**entries, "collection": ref, "device": "auto", "engine": engine}
            started.append(start_job(kind, spec, title=title, store=store.jobs()))
    except TaskvizError as error:
        st.error(safe(error), title="This could not be started")
        if not started:
            return
    state.put(url_key, started[0].id)
    st.rerun()


def headline(job: Job) -> None:
    """State, bar and buttons of one job. Call it inside a polling fragment while the job lives."""
    if job.state in LIVE:
        text = job.message or job.stage or "Starting"
        st.progress(min(job.progress, 1.0), text=f"{safe(text)} · {_time_left(job)}")
        with st.container(horizontal=True):
            if job.kind in PAUSABLE:
                user.edit_button(
                    "Pause",
                    owner=job.owner,
                    icon=":material/pause_circle:",
                    key=f"pause_{job.id}",
                    disabled=job.cancelling,
                    help="Sets it aside at the end of an epoch and lets other jobs run. It keeps "
                    "its place; Resume goes on with the next epoch.",
                    on_click=_pause,
                    args=(job.id,),
                )
            user.edit_button(
                "Stop",
                owner=job.owner,
                icon=":material/stop_circle:",
                key=f"stop_{job.id}",
                disabled=job.cancelling and not job.pausing,
                help="Ends it. What is finished is kept and is not computed again.",
                on_click=_stop,
                args=(job.id,),
            )
            if job.cancelling:
                word = "Pausing" if job.pausing else "Stopping"
                st.caption(f"{word}. What is finished is kept.")
    elif job.state == "failed":
        st.error(safe(job.error or "The job failed."), title="This job failed")
        if job.details:
            with st.expander("Details"):
                st.code(job.details, language=None)
        _resume(job, "Try again", main=not job.hopeless)
    elif job.state == "interrupted":
        st.warning(
            "The worker process ended before the job was done. What was finished is kept: Resume "
            "goes on from there.",
            title="Interrupted",
        )
        _resume(job, "Resume")
    elif job.state == "paused":
        st.info(
            f"{_reached(job)}It keeps its place, and other jobs run meanwhile. Resume goes on from "
            "there; Stop ends it.",
            title="Paused",
        )
        with st.container(horizontal=True):
            _resume(job, "Resume")
            user.edit_button(
                "Stop",
                owner=job.owner,
                icon=":material/stop_circle:",
                key=f"stop_{job.id}",
                on_click=_stop,
                args=(job.id,),
            )
    elif job.state == "cancelled":
        again = "Start again" if job.kind in PAUSABLE else "Resume"
        st.info(
            f"{_reached(job)}This job was stopped and waits for nobody. What was finished is kept: "
            f"should you want it after all, {again} goes on from there at the end of the queue.",
            title="Stopped",
        )
        _resume(job, again, main=False)


def watch(
    job: Job,
    draw: Callable[[Job], None] = headline,
    *,
    ended: Callable[[Job], None] = lambda job: None,
) -> None:
    """A job, looked at every second while it is at work; then the page is drawn anew.

    One that is not at work is told once, by :func:`headline`: nothing where it is done.

    Args:
        draw: draws it while it is at work.
        ended: done before the page is drawn anew.
    """
    if job.state not in LIVE:
        headline(job)
        return

    def look(page: bool) -> None:
        current = store.jobs().get(job.id)
        if current.state not in LIVE and not page:
            ended(current)
            st.rerun(scope="app")
        draw(current)

    poll(look, "1s")


def _reached(job: Job) -> str:
    """How far a training came, which is told as "group: epoch 3 of at most 9"."""
    return f"{safe(job.message)}. " if job.message else ""


def _pause(job: str) -> None:
    _ask(pause_job, job)


def _stop(job: str) -> None:
    _ask(cancel_job, job)


def _ask(what: Callable[..., Job], job: str) -> None:
    try:
        what(job, store=store.jobs())
    except TaskvizError as error:
        st.toast(safe(error), icon=":material/error:")


def _resume(job: Job, label: str, *, main: bool = True) -> None:
    if user.edit_button(
        label,
        owner=job.owner,
        icon=":material/play_arrow:",
        key=f"resume_{job.id}",
        type="primary" if main else "secondary",
    ):
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


def named(job: Job) -> str:
    """A job in a list: its title and when it was started, a text that does not change.

    A select box finds its choice by the text it shows.
    """
    return f"{job.title} · {time.strftime('%d %b %H:%M:%S', time.localtime(job.created))}"


def ago(moment: float) -> str:
    """How long since a moment, in words."""
    seconds = max(time.time() - moment, 0.0)
    return "just now" if seconds < 5 else f"{duration_words(seconds)} ago"
