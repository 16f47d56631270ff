"""The tab that answers: which estimator can be trusted here, and at what cost?"""

from typing import Any

import pandas as pd
import streamlit as st

from taskviz.evidence import Evidence
from taskviz.figures import captured_shares, quality_cost
from taskviz.figures.style import chart_config, duration_words, three_digits
from taskviz.jobs import LIVE, Job
from taskviz.training.subsets import SubsetOptions
from taskviz.ui import frame, glossary, job_panel, state, store, tables, user
from taskviz.ui.number_field import checked, number_field, shut
from taskviz.ui.options_form import options_form
from taskviz.ui.text import plural, safe
from taskviz.values import TaskCollection, TaskvizError
from taskviz.verbs import read_evidence, stored_evidence
from taskviz.verbs.evidence import usual_methods
from taskviz.verbs.options import SMALL

JOB = "evidence"
"""URL key of the job that compares."""
ALL_GROUPS = 10
"""Tasks up to which every group is trained."""


def draw(collection: TaskCollection) -> None:
    """Start a comparison, watch it, read it."""
    job = store.job(state.get(JOB))
    if job is not None and job.kind == "evidence":
        job_panel.watch(job)
    found = _found(collection, job)
    if found is not None:
        show(found)
    if job is None or job.state not in LIVE:
        with st.expander(
            "Compare estimators again" if found else "Compare estimators", expanded=not found
        ):
            _start(collection)


def _found(collection: TaskCollection, job: Job | None) -> Evidence | None:
    key = str(((job.result if job else None) or {}).get("evidence", ""))
    if key:
        try:
            return read_evidence(key, store.cache())
        except TaskvizError as error:
            st.warning(safe(error))
    kept = stored_evidence(collection, store.cache())
    return kept[0].evidence if kept else None


def _start(collection: TaskCollection) -> None:
    size = len(collection.tasks)
    if size < 3:
        st.info("Evidence needs at least 3 tasks: there is nothing to group with fewer.")
        return
    few = size <= ALL_GROUPS
    st.markdown(
        f"Trains **every group** of the {size} tasks in several seeds and sees how much of the "
        "reachable gain each estimator finds."
        if few
        else f"{size} tasks have too many groups to train them all: estimators are compared on a "
        f"sample of plans. With at most {ALL_GROUPS} tasks (tick them on the Collection page) "
        "every group is trained."
    )
    with st.container(horizontal=True), checked() as wrong:
        seeds = int(
            number_field(
                "Seeds of the truth",
                4,
                key="evidence_seeds",
                minimum=2,
                maximum=100,
                help=glossary.meaning("seed"),
            )
        )
        draws = int(
            number_field(
                "Draws of each estimator",
                3,
                key="evidence_draws",
                minimum=1,
                maximum=100,
                help=glossary.meaning("estimator"),
            )
        )
    methods = st.multiselect(
        "Estimators",
        usual_methods(collection),
        default=usual_methods(collection),
        format_func=quality_cost.title_of,
        key=f"evidence_methods_{collection.layout}",
        help=glossary.meaning("estimator"),
    )
    with st.popover("How networks are trained", icon=":material/tune:"), checked() as wrong_too:
        options = options_form(SubsetOptions, "evidence", SMALL)
    wrong += wrong_too
    if wrong:
        user.edit_button(
            "Compare estimators",
            icon=":material/play_arrow:",
            key="start_evidence",
            **shut(wrong),
        )
        return
    networks = (2**size - 1) * seeds if few else 0
    one = store.price(
        state.get("collection") or "",
        collection,
        "surrogate",
        {**options, "seeds": 1, "m": 1},
    )
    words = f"{plural(networks, 'network')} for the truth" if few else "some hundreds of networks"
    if few and one.seconds is not None:
        words += f", at most {duration_words(networks * one.seconds)} if trained one after another"
    st.caption(f":material/timer: Cost: {words}, and what each estimator trains itself.")
    if user.edit_button(
        "Compare estimators",
        icon=":material/play_arrow:",
        disabled=not methods,
        key="start_evidence",
    ):
        job_panel.start(
            "evidence",
            {"methods": list(methods), "seeds": seeds, "draws": draws, "options": options},
            title=f"Estimators against truth on {collection.name}",
            url_key=JOB,
        )


def show(found: Evidence) -> None:
    """Figures and tables of a comparison."""
    st.markdown(sentence(found))
    for note in found.notes:
        st.caption(f":material/info: {safe(note)}")
    shared = False
    if bool(found.table["overlap"].any()):
        shared = (
            st.segmented_control(
                "Plans",
                ["disjoint", "overlapping"],
                default="disjoint",
                required=True,
                key="evidence_overlap",
                help="Overlapping: a task may train in several groups and is served by the best.",
                bind="query-params",
            )
            == "overlapping"
        )
    dark = frame.dark()
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Quality against cost**")
        st.plotly_chart(
            quality_cost.quality_cost(found.table, overlap=shared, dark=dark),
            theme=None,
            key="quality_cost",
            config=chart_config(),
            alt=quality_cost.describe_quality_cost(found.table, overlap=shared),
        )
    with right:
        st.markdown("**Share of the reachable gain, by number of models**")
        st.plotly_chart(
            captured_shares.captured_shares(found.table, overlap=shared, dark=dark),
            theme=None,
            key="captured_shares",
            config=chart_config(),
            alt=captured_shares.describe_captured_shares(found.table, overlap=shared),
        )
    tables.show(
        estimator_rows(found, shared),
        hide_index=True,
        alt="Each estimator with its share, rank correlation, F1 and cost",
    )
    st.caption(
        "Measured on networks trained for real: the share of the oracle's gain over random groups "
        "on test data, with its 95 % interval. Rank: Spearman within each task, then the mean. F1: "
        "of foretold negative transfer on groups the estimator did not train. "
        + _settings_words(found)
    )
    with st.expander("What could be reached: oracle, random, worst, together, separate"):
        tables.show(
            store.readable(found.oracle.drop(columns="plan")),
            hide_index=True,
            alt="Mean test loss of the oracle's plan and of others, each number of models",
        )
    if len(found.groupers):
        with st.expander("What grouping methods make of the same matrices"):
            tables.show(
                store.readable(found.groupers),
                hide_index=True,
                alt="Share and regret of each grouping method on each estimator's matrix",
            )


def sentence(found: Evidence) -> str:
    """Which estimator is best at its cost, and how sure that is."""
    rows = quality_cost.chosen_rows(found.table, False, "all")
    rows = rows[rows["method"] != "random"]
    if not len(rows):
        return (
            "**Nothing to capture here**: even the oracle does not beat random groups by a known "
            "amount, so no estimator can be told from another."
        )
    best = rows.sort_values("captured", ascending=False, kind="stable").iloc[0]
    name = safe(quality_cost.title_of(str(best["method"])))
    share = safe(quality_cost.interval_words(best))
    if not float(best["low"]) > 0:
        return (
            f"**No estimator is surely better than chance here**; {name} comes first with {share} "
            "of the reachable gain."
        )
    return f"**{name}** finds most of what grouping can gain here: {share} of it."


def estimator_rows(found: Evidence, shared: bool) -> pd.DataFrame:
    """One row an estimator, for people."""
    rows = quality_cost.chosen_rows(found.table, shared, "all")
    rows = rows.sort_values("captured", ascending=False, kind="stable")

    def words(row: dict[Any, Any]) -> dict[str, str]:
        return {
            "estimator": quality_cost.title_of(str(row["method"])),
            "share of the gain": quality_cost.interval_words(row),
            "rank correlation": three_digits(row["rank_correlation"], row["rank_error"]),
            "F1 of negative transfer": three_digits(row["f1"]),
            "networks": f"{int(row['networks']):,}",
            "time": duration_words(float(row["seconds"])),
        }

    return pd.DataFrame([words(row) for row in rows.to_dict("records")])


def _settings_words(found: Evidence) -> str:
    settings = found.settings
    training = dict(settings.get("training") or {})
    return (
        f"Truth: {settings.get('truth')}, {settings.get('networks'):,} networks of "
        f"{plural(int(training.get('depth', 1)), 'layer')} of {training.get('width')} over "
        f"{plural(int(settings.get('seeds', 0)), 'seed')}."
    )
