"""Everything that runs or ran."""

import streamlit as st

from taskviz.access import actor
from taskviz.care.pins import is_pinned, pin, unpin
from taskviz.jobs import LIVE, Job, delete_job
from taskviz.ui import frame, job_panel, presses, state, storage, store, user, webhook_panel
from taskviz.ui.polling import poll
from taskviz.ui.text import plural, safe
from taskviz.values import Grouping, TaskvizError

frame.title("jobs")
PAGE = {
    "affinity": "affinity",
    "training": "training",
    "sample-size": "affinity",
    "stability": "groups",
    "optima": "optima",
    "landscape": "landscape",
    "dynamics": "landscape",
    "answer": "evidence",
    "evidence": "evidence",
    "linearisation": "evidence",
}
# URL key of a kind of job, where its page finds all else in the job.
URL_KEY = {
    "optima": "map",
    "landscape": "landscape",
    "dynamics": "dynamics",
    "sample-size": "study",
    "answer": "ask",
    "evidence": "evidence",
    "linearisation": "linear",
}
FIRST = 20
# What the list can be narrowed to, by states.
WHICH = {
    "at work": tuple(LIVE),
    "done": ("done",),
    "failed or stopped": ("failed", "cancelled", "paused", "interrupted"),
}


def card(job: Job) -> None:
    """One job: state, bar, what can be done, log."""
    owner = f" · {safe(job.owner)}" if job.owner else ""
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f"{job_panel.ICONS[job.state]} **{safe(job.title)}**  \n"
                f":gray[{job.state} · {job_panel.ago(job.created)} · {safe(job.device)}"
                f"{job_panel.took(job)}{owner}]",
                width="stretch",
            )
            if job.kind in PAGE and presses.button(
                "Open", key=f"open_{job.id}", icon=":material/open_in_new:"
            ):
                show(job)
            if job.state not in LIVE and user.edit_button(
                "Delete", owner=job.owner, key=f"delete_{job.id}", icon=":material/delete:"
            ):
                remove(job)
            if job.state == "done":
                pinning(job)
            with st.popover("Log", key=f"log_{job.id}", on_change="rerun") as log:
                if log.open:
                    st.code(store.jobs().log_tail(job.id) or "Nothing was logged.", language=None)
        job_panel.headline(job)


def remove(job: Job) -> None:
    """Delete a job from the list; its artefacts stay."""
    try:
        delete_job(job.id, store=store.jobs())
    except TaskvizError as error:
        st.error(safe(error))
    else:
        st.rerun(scope="app")


def pinning(job: Job) -> None:
    """Keep what a run computed when the cache makes room, or let it go."""
    cache = store.cache()
    pinned = is_pinned(cache, job.id)
    if user.edit_button(
        "Unpin" if pinned else "Pin",
        owner=job.owner,
        key=f"pin_{job.id}",
        icon=":material/keep_off:" if pinned else ":material/keep:",
        help="A pinned run stays when the cache makes room.",
    ):
        try:
            actor().must_own(job.owner, "pin this run")
            unpin(cache, job.id) if pinned else pin(cache, job.id, job.spec, job.result)
        except TaskvizError as error:
            st.error(safe(error))
        else:
            st.rerun(scope="fragment")


def show(job: Job) -> None:
    """Open the page of a job with its collection and its result."""
    if job.spec.get("collection"):
        state.put("collection", store.publish_spec(job.spec))
    if job.kind == "training":
        state.put("run", job.id)
    elif job.kind in URL_KEY:
        state.put(URL_KEY[job.kind], job.id)
    elif job.kind == "stability":
        state.put("matrix", str(job.spec["scores"]))
        state.put("plan", store.publish_plan(Grouping.from_json(job.spec["grouping"])))
        state.put("stability", job.id)
    else:
        state.put("job", job.id)
        state.put("matrix", (job.result or {}).get("affinity"))
    frame.go(PAGE[job.kind])


def listing(page: bool) -> None:
    """All jobs, newest first; polled only while one runs."""
    found = store.jobs().list(limit=100)
    live = sum(job.state in LIVE for job in found)
    before = st.session_state.get("jobs_live")
    st.session_state["jobs_live"] = live
    if before and not live and not page:
        st.rerun(scope="app")
    if not found:
        st.info("Nothing has run yet. Compute an affinity or train groups: each becomes a job.")
        return
    ended = f"{plural(len(found) - live, 'job')} ended"
    st.markdown(f"**{plural(live, 'job')}** at work, {ended}." if live else f"{ended}; none runs.")
    which = st.pills(
        "Which jobs",
        list(WHICH),
        key="which_jobs",
        label_visibility="collapsed",
        bind="query-params",
    )
    if which is not None:
        found = [job for job in found if job.state in WHICH[which]]
        if not found:
            st.caption(f"None is {which}.")
    shown = found if st.session_state.get("all_jobs") else found[:FIRST]
    for job in shown:
        card(job)
    if len(found) > len(shown):
        st.toggle(f"Show all {len(found)} jobs", key="all_jobs", bind="query-params")


live = store.jobs().running()
poll(listing, "2s" if live else None)
webhook_panel.draw()
storage.draw()
