"""Does grouping matter here, and which estimator can be trusted?"""

import streamlit as st

from taskviz.evidence import Answer
from taskviz.jobs import LIVE, Job
from taskviz.training.subsets import SubsetOptions
from taskviz.ui import (
    answer_view,
    answers,
    estimators_tab,
    frame,
    job_panel,
    linearisation_tab,
    published_sca_tab,
    state,
    store,
    user,
)
from taskviz.ui.number_field import checked, shut
from taskviz.ui.options_form import options_form
from taskviz.ui.polling import poll
from taskviz.ui.text import plural
from taskviz.values import TaskCollection
from taskviz.verbs.options import SMALL

frame.title("evidence")
collection = frame.need_collection()
job = answers.job_in_use()


def so_far(job: Job) -> None:
    """The running job, and in a sentence what is known so far."""
    found = answers.of_job(job)
    if found:
        answer_view.headline(found[-1])
    else:
        st.markdown("#### The first answer comes within about a minute")
    job_panel.headline(job)


def details_so_far(job_id: str) -> None:
    """Figures of the answer so far."""
    found = answers.of_job(store.jobs().get(job_id))
    if found:
        answer_view.draw(found, dark=frame.dark())
    else:
        st.caption("Networks are being trained: nothing can be told before they are compared.")


def nothing_yet(collection: TaskCollection) -> None:
    """Say what will be done and what it costs, and offer to start."""
    size = len(collection.tasks)
    with st.container(border=True):
        if size < 3:
            st.markdown("#### There is nothing to ask")
            st.markdown(
                f"{collection.name} has {plural(size, 'task')}: from 3 tasks on it can matter "
                "which of them train together."
            )
            return
        st.markdown("#### It is not known yet whether grouping matters here")
        st.markdown(
            "Small networks are trained on random groups of tasks, plans are chosen from them, and "
            "other networks check whether those plans really beat random groups, all together and "
            "each alone. The first answer comes within about a minute and gets better while you "
            "watch; you can stop at any time and keep it."
        )
        with checked() as wrong:
            options = options_form(
                SubsetOptions, "ask", SMALL, "Other networks than small ones", fold_all=True
            )
        st.caption(
            ":material/timer: Cost: some hundreds of networks of "
            f"{plural(options['depth'], 'layer')} of {options['width']}, trained side by side; no "
            f"round begins after {answers.MINUTES} minutes."
        )
        if user.edit_button(
            "Find out whether grouping matters",
            type="primary",
            icon=":material/play_arrow:",
            **shut(wrong),
        ):
            answers.start(collection, answers.first_entries(options))


def ended(collection: TaskCollection, found: list[Answer]) -> None:
    """The answer that is known, and how to know better."""
    answer_view.headline(found[-1])
    with st.container(horizontal=True, vertical_alignment="center"):
        if user.edit_button(
            "Spend five more minutes to know better",
            icon=":material/more_time:",
            type="primary" if found[-1].verdict == "cannot tell" else "secondary",
            key="more_minutes",
        ):
            answers.start(collection, answers.more_entries(found[-1]))
        st.caption("What is trained is kept: it goes on where it ended.")
    if job is not None and job.state != "done":
        job_panel.headline(job)


live = job is not None and job.state in LIVE
found = [] if live else answers.known(collection)
if job is not None and live:
    job_panel.watch(job, so_far)
elif found:
    ended(collection, found)
else:
    if job is not None:
        job_panel.headline(job)
    nothing_yet(collection)
views = ["The answer", "Estimators", "SCA as published", "Linearisation"]
tabs = st.tabs(views, on_change="rerun", key="evidence_tab", bind="query-params")
if tabs[0].open:
    with tabs[0]:
        if job is not None and live:
            watched = job.id
            poll(lambda page: details_so_far(watched), "2s")
        elif found:
            answer_view.draw(found, dark=frame.dark())
        else:
            st.caption("The recommended groups and what they gain will stand here.")
if tabs[1].open:
    with tabs[1]:
        estimators_tab.draw(collection)
if tabs[2].open:
    with tabs[2]:
        published_sca_tab.draw(collection)
if tabs[3].open:
    with tabs[3]:
        linearisation_tab.draw(collection)


def take_plan() -> None:
    """Take the recommended groups to the Training page."""
    state.put("plan", store.publish_plan(found[-1].grouping))
    state.put("run", None)


if found and state.get("run") is None:
    frame.next_step("Train the recommended groups", "training", ready=True, before=take_plan)
else:
    frame.next_step(
        "Write the report",
        "report",
        ready=not live,
        why="The answer is still being measured.",
    )
