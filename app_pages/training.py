"""Train one model a group, live, beside the baselines."""

import streamlit as st

from taskviz.engines import describe_device, pick_device
from taskviz.figures import comparison
from taskviz.figures.style import chart_config, group_letter
from taskviz.jobs import LIVE, Job
from taskviz.training.compare import comparison_table, summary_sentences
from taskviz.training.options import TrainingOptions
from taskviz.training.weighting import WEIGHTINGS
from taskviz.ui import frame, job_panel, live_curves, state, store
from taskviz.ui.options_form import options_form
from taskviz.ui.text import plural, safe
from taskviz.values import Grouping, TaskCollection, TaskvizError

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
        if st.button("Find groups", type="primary", icon=":material/workspaces:"):
            frame.go("groups")
    st.stop()


def set_up(collection: TaskCollection, plan: Grouping) -> None:
    """What will run, and the button that starts it."""
    left, right = st.columns([3, 2], gap="large")
    with right, st.container(border=True):
        weighting = st.selectbox("Weighting", list(WEIGHTINGS), key="weighting")
        options = options_form(TrainingOptions, "train")
        seed = st.number_input("Seed", value=0, min_value=0, step=1, key="train_seed")
        baselines = st.toggle(
            "Train the baselines too",
            True,
            key="baselines",
            help="All-together, all-separate and random groups at the same budget. Without them "
            "nobody can tell whether the grouping helped.",
        )
        draws = st.number_input(
            "Random groupings",
            value=3,
            min_value=1,
            max_value=20,
            step=1,
            disabled=not baselines,
            key="random_draws",
        )
    with left:
        groups = f"**{plural(len(plan.groups), 'group')}**"
        beside = (
            f" and, for comparison, all tasks together, each alone, and {draws} random groupings "
            "at the same budget"
            if baselines
            else ""
        )
        st.markdown(f"This trains one model for each of {groups}{beside}.")
        for number, group in enumerate(plan.groups):
            names = ", ".join(safe(task) for task in group)
            st.markdown(f"- **{group_letter(number)}** {names}")
        st.caption(
            f":material/memory: {describe_device(pick_device('auto'))} · up to "
            f"{options['epochs']} epochs a model, stopped early on validation loss · seed {seed}"
        )
        if st.button("Start training", type="primary", icon=":material/play_arrow:"):
            job_panel.start(
                "training",
                {
                    "grouping": plan.to_json(),
                    "affinity": state.get("matrix"),
                    "baselines": baselines,
                    "random_draws": int(draws),
                    "weighting": weighting,
                    "options": options,
                    "seed": int(seed),
                },
                title=f"Training {plural(len(plan.groups), 'group')} of {collection.name}",
                url_key="run",
            )


def watch(job_id: str) -> None:
    """The running job; a full redraw once it has ended."""
    current = store.jobs().get(job_id)
    if current.state not in LIVE:
        st.rerun(scope="app")
    job_panel.headline(current)
    live_curves.draw(current, dark=frame.dark())


def results(job: Job) -> None:
    """The answer, the table, the curves."""
    found = store.results(job)
    if not found:
        st.warning(
            "The results of this run are no longer in the cache: train again to see them.",
            title="Nothing stored",
        )
        return
    for line in summary_sentences(found):
        st.markdown(safe(line))
    table = comparison_table(found)
    tabs = st.tabs(
        ["Result", "Curves", "All metrics"],
        on_change="rerun",
        key="result_tab",
        bind="query-params",
    )
    if tabs[0].open:
        with tabs[0]:
            left, right = st.columns(2)
            left.plotly_chart(
                comparison.contenders_dots(found, dark=frame.dark()),
                theme=None,
                key="dots",
                config=chart_config(),
                alt=comparison.describe_contenders(found),
            )
            right.plotly_chart(
                comparison.gains_bars(table, dark=frame.dark()),
                theme=None,
                key="gains",
                config=chart_config(),
                alt=comparison.describe_gains(table),
            )
            st.dataframe(
                store.readable(table),
                hide_index=True,
                alt="Test metric of each task under each contender",
            )
    if tabs[1].open:
        with tabs[1]:
            live_curves.draw_results(found, dark=frame.dark())
    if tabs[2].open:
        with tabs[2]:
            label = st.selectbox("Contender", list(found), key="metric_contender")
            st.dataframe(
                store.readable(found[label].metrics), hide_index=True, alt="Every measured metric"
            )


if job is not None and job.kind == "training":
    st.caption(f"Run {safe(job.title)} · started {job_panel.ago(job.created)}{job_panel.took(job)}")
    if job.state in LIVE:
        st.fragment(watch, run_every="1s")(job.id)
    else:
        job_panel.headline(job)
        if job.state == "done":
            try:
                results(job)
            except TaskvizError as error:
                st.error(safe(error))
        else:
            live_curves.draw(job, dark=frame.dark())
    if job.state not in LIVE and st.button("Set up another run", icon=":material/add:"):
        state.put("run", None)
        st.rerun()
elif plan is None:
    need_plan()
elif unknown := [task for task in plan.tasks if task not in collection.names]:
    st.error(
        f"The groups name the task {safe(unknown[0])}, which {safe(collection.name)} does not "
        "have: choose groups for this collection."
    )
else:
    set_up(collection, plan)
frame.next_step(
    "Write the report",
    "report",
    ready=job is not None and job.state == "done",
    why="Train the groups first.",
)
