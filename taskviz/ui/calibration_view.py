"""Predicted against measured: what each estimator had said of the groups that were trained."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from taskviz.affinity import ESTIMATORS, estimator_class
from taskviz.evidence.calibration import clear_of_chance, summarise_calibration
from taskviz.figures.calibration import (
    calibration_dots,
    describe_calibration,
    predicts_gains,
    within_tasks,
)
from taskviz.figures.style import chart_config, signed, three_digits
from taskviz.ui import glossary, linked, store, tables
from taskviz.ui.labels import matrix_labels
from taskviz.ui.text import plural, safe
from taskviz.values import TaskCollection, TrainingResult
from taskviz.verbs import read_calibration, record_calibration


@st.fragment
def draw(
    collection: TaskCollection, results: Mapping[str, TrainingResult], run: str, *, dark: bool
) -> None:
    """A sentence, a plot of one estimator, a table of all.

    Args:
        collection: whose runs are shown.
        results: of the run on the page; kept if it is not yet.
        run: its job, so that it is kept once.
        dark: theme.
    """
    stored = store.affinities_of(collection)
    _keep(run, tuple(key for key, _ in stored), collection, results)
    rows = read_calibration(collection, store.cache())
    if rows.empty:
        st.info(
            "No estimator has said anything of these groups yet: compute an affinity of this "
            "collection, then come back. Groups of one task are not counted.",
            title="Nothing to compare",
        )
        return
    names = matrix_labels(stored)
    table = summarise_calibration(rows)
    runs = rows["run"].nunique()
    st.markdown(_sentence(table, names, runs))
    offered = [str(key) for key in table["matrix"]]
    chosen = linked.one(
        "Estimator",
        "estimate",
        offered,
        lambda key: names.get(key, f"{_method(table, key)} ({key[:6]})"),
        help=glossary.meaning("estimator"),
    )
    own = rows[rows["matrix"] == chosen]
    st.plotly_chart(
        calibration_dots(own, dark=dark),
        theme=None,
        key="calibration",
        config=chart_config(),
        alt=describe_calibration(own),
    )
    kind = (
        "It predicts gains: on the dashed line they came true."
        if predicts_gains(own)
        else "Its scores have no unit of gain: only their order within a task can be right."
    )
    later = (
        " It was computed after a run that is shown here had ended." if own["later"].any() else ""
    )
    st.caption(
        f"One dot a task and trained group, each less the mean of its task: pooled over tasks, "
        f"predictions look right only because some tasks are harder. {kind}{later}"
    )
    tables.show(
        _readable(table, names), hide_index=True, alt="How well each estimator's predictions fit"
    )
    with st.expander("The dots as a table"):
        tables.show(store.readable(within_tasks(own)), hide_index=True, alt="The dots of the plot")


@st.cache_data(max_entries=32, show_spinner="Asking the estimators…")
def _keep(
    run: str,
    matrices: tuple[str, ...],
    _collection: TaskCollection,
    _results: Mapping[str, TrainingResult],
) -> int:
    return record_calibration(_collection, _results, store.cache())


def _sentence(table: pd.DataFrame, names: Mapping[str, str], runs: int) -> str:
    ranked = table.dropna(subset=["rank"])
    told = f"{plural(runs, 'run')} of this collection, {plural(len(table), 'estimate')}"
    if ranked.empty:
        return (
            f"{told}: too few different groups of a task were trained to say which estimator "
            "ordered them rightly. Train more groupings; every run is kept."
        )
    best = ranked.iloc[0]
    name = names.get(str(best["matrix"]), str(best["method"]))
    rank, error = float(best["rank"]), float(best["rank_error"])
    sure = clear_of_chance(table)
    return (
        f"{told}: **{safe(name)}** ordered the groups of a task best, rank correlation "
        f"{signed(rank, error)} over {plural(int(best['tasks']), 'task')}"
        + ("." if sure else ", which the best of so many may be by chance.")
    )


def _method(table: pd.DataFrame, key: str) -> str:
    name = str(table.loc[table["matrix"] == key, "method"].iloc[0])
    return estimator_class(name).title if name in ESTIMATORS else name


def _readable(table: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    def told(value: float, error: float = float("nan")) -> str:
        if value != value:
            return "–"
        return signed(value, error)

    rows = [
        {
            "estimator": names.get(str(row["matrix"]), f"{_method(table, row['matrix'])}"),
            "rank within a task": told(row["rank"], row["rank_error"]),
            "tasks ranked": int(row["tasks"]),
            "off by": "–" if row["gap"] != row["gap"] else f"{three_digits(100 * row['gap'])} %",
            "right sign": "–"
            if row["right_sign"] != row["right_sign"]
            else f"{100 * row['right_sign']:.0f} %",
            "pairs": int(row["pairs"]),
        }
        for row in table.to_dict("records")
    ]
    return pd.DataFrame(rows)
