"""Train one model a group, live, beside the baselines."""

import streamlit as st

from taskviz.jobs import LIVE, Job
from taskviz.ui import (
    frame,
    job_panel,
    live_curves,
    presses,
    state,
    store,
    training_results,
    training_runs,
    training_setup,
)
from taskviz.ui.text import safe
from taskviz.ui.usage import usage
from taskviz.values import TaskvizError

frame.title("training")
collection = frame.need_collection()
plan = store.plan(state.get("plan"))
job_id = state.get("run")
job = store.job(job_id)


def need_plan() -> None:
    """Say what to do where no groups are chosen."""
    with st.container(border=True):
        st.markdown("#### No groups are chosen yet")
        st.markdown("Choose a budget and groups first; this page then trains one model a group.")
        if presses.button("Find groups", type="primary", icon=":material/workspaces:"):
            frame.go("groups")
    st.stop()


def at_work(job: Job) -> None:
    """The running job and its curves."""
    job_panel.headline(job)
    st.caption(usage(job) or "The worker is starting.")
    live_curves.draw(job, dark=frame.dark())


def offer_another(job: Job) -> None:
    """A button that leads back to the settings: the way on where those were at fault."""
    kind = "primary" if job.hopeless else "secondary"
    if presses.button("Set up another run", icon=":material/add:", type=kind):
        state.put("run", None)
        st.rerun()


training_runs.draw(job)
if job is not None and job.kind == "training":
    st.caption(f"Run {safe(job.title)} · started {job_panel.ago(job.created)}{job_panel.took(job)}")
    if job.state in LIVE:
        job_panel.watch(job, at_work)
    else:
        job_panel.headline(job)
        if job.state == "done":
            try:
                training_results.draw(collection, job)
            except TaskvizError as error:
                st.error(safe(error))
        else:
            if job.hopeless:
                offer_another(job)
            live_curves.draw(job, dark=frame.dark())
        if not job.hopeless:
            offer_another(job)
elif plan is None:
    need_plan()
elif unknown := [task for task in plan.tasks if task not in collection.names]:
    st.error(
        f"The groups name the task {safe(unknown[0])}, which {safe(collection.name)} does not "
        "have: choose groups for this collection."
    )
else:
    training_setup.draw(collection, plan)
frame.next_step(
    "Write the report",
    "report",
    ready=job is not None and job.state == "done",
    why="The training is still running."
    if job is not None and job.state in LIVE
    else "Train the groups first.",
)
