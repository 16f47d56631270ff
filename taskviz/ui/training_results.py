"""After a training: the answer, the tables, the curves, what had been predicted, downloads."""

import math
from collections.abc import Callable, Mapping

import pandas as pd
import streamlit as st

from taskviz.figures import comparison
from taskviz.figures.comparison import ERROR, GAIN
from taskviz.figures.style import chart_config, group_letter, signed, three_digits
from taskviz.jobs import Job, extend_job
from taskviz.training.comparison import alone_label, comparison_table, quality_table
from taskviz.training.options import TrainingOptions
from taskviz.training.sentences import summary_sentences
from taskviz.ui import (
    calibration_view,
    frame,
    glossary,
    live_curves,
    state,
    store,
    tables,
    training_downloads,
    user,
)
from taskviz.ui.number_field import checked, number_field, shut
from taskviz.ui.text import safe
from taskviz.values import AffinityMatrix, TaskCollection, TaskvizError, TrainingResult
from taskviz.verbs import read_affinity

TABS = ("Result", "Curves", "Predicted against measured", "All metrics", "Downloads")


def draw(collection: TaskCollection, job: Job) -> None:
    """Sentences, then a tab for each view; a tab is computed when it is opened."""
    found = store.results(job)
    if not found:
        st.warning(
            "The results of this run are no longer in the cache: train again to see them.",
            title="Nothing stored",
        )
        return
    for line in summary_sentences(found):
        st.markdown(safe(line))
    _add_epochs(job)
    affinity = _affinity(job)
    tabs = st.tabs(list(TABS), on_change="rerun", key="result_tab", bind="query-params")
    views: tuple[Callable[[], None], ...] = (
        lambda: _result(found, affinity.seconds if affinity else 0.0),
        lambda: live_curves.draw_results(found, job, dark=frame.dark()),
        lambda: calibration_view.draw(collection, found, job.id, dark=frame.dark()),
        lambda: _metrics(found),
        lambda: training_downloads.draw(collection, found, job, affinity),
    )
    for tab, view in zip(tabs, views, strict=True):
        if tab.open:
            with tab:
                view()


def _result(found: Mapping[str, TrainingResult], affinity: float) -> None:
    table = comparison_table(found)
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
    st.markdown("**Each task under each contender** (test split; ± standard error over seeds)")
    tables.show(
        with_errors(table),
        hide_index=True,
        alt="Test metric of each task under each contender",
    )
    st.markdown("**Quality beside the time it cost**")
    tables.show(
        _quality(found, affinity),
        hide_index=True,
        alt="Loss, gain over training alone and time of each contender",
    )
    st.caption(
        "Gain: mean over tasks of the part of the loss of training alone that is saved, with its "
        "95 % interval over seeds: every task counts alike. The sentences above compare mean "
        "losses, in which tasks of a large loss count more, so the two may differ, in sign too. "
        "Time: of all seeds; affinity and grouping once."
    )


def with_errors(table: pd.DataFrame) -> pd.DataFrame:
    """Values and their standard errors in one cell; gains in per cent; groups by letter."""
    shown = pd.DataFrame({"task": table["task"], "group": table["group"].map(group_letter)})
    shown["metric"] = table["metric"].str.replace("_", " ")
    for name in table.columns[3:]:
        if str(name).startswith(ERROR):
            continue
        gain = str(name).startswith(GAIN)
        scale = 100.0 if gain else 1.0
        errors = table[ERROR + name] if ERROR + name in table else pd.Series(math.nan, table.index)
        shown[name] = [
            _cell(scale * value, scale * error, gain)
            for value, error in zip(table[name], errors, strict=True)
        ]
    return shown


def _cell(value: float, error: float, gain: bool) -> str:
    if not math.isfinite(value):
        return "–"
    if not gain:
        return three_digits(value, error)
    return f"{signed(value, error)} %"


def _quality(found: Mapping[str, TrainingResult], affinity: float) -> pd.DataFrame:
    table = quality_table(found, affinity_seconds={next(iter(found)): affinity})
    alone = alone_label(found)
    rows = []
    for row in table.to_dict("records"):
        known = math.isfinite(row["gain_low"]) and row["contender"] != alone
        rows.append(
            {
                "contender": row["contender"],
                "models": row["models"],
                "weighting": row["weighting"],
                "mean loss": _cell(row["loss"], row["error"], False),
                "gain": "0 by definition"
                if row["contender"] == alone
                else _cell(row["gain"], math.nan, True),
                "95 % interval": f"{signed(row['gain_low'])} … {signed(row['gain_high'])} %"
                if known
                else "–",
                "affinity": _seconds(row["affinity_seconds"]),
                "grouping": _seconds(row["grouping_seconds"]),
                "training": _seconds(row["training_seconds"]),
                "in all": _seconds(row["seconds"]),
            }
        )
    return pd.DataFrame(rows)


def _seconds(value: float) -> str:
    if value < 0.1:
        return "–" if value == 0 else "< 0.1 s"
    return f"{three_digits(value)} s"


def _affinity(job: Job) -> AffinityMatrix | None:
    """The matrix that the groups were made from; None where it is not known."""
    try:
        return read_affinity(job.matrix, store.cache()) if job.matrix else None
    except TaskvizError:
        return None


def _add_epochs(job: Job) -> None:
    """A new run that goes on from the end of this one."""
    most = TrainingOptions.__dataclass_fields__["more_epochs"].metadata["maximum"]
    with st.container(horizontal=True, vertical_alignment="bottom"), checked() as wrong:
        count = number_field(
            "Add epochs", 20, key="more_epochs", minimum=1, maximum=most, width=160
        )
        if user.edit_button(
            "Train on",
            icon=":material/more_time:",
            **{
                "help": "A new run: every network goes on from its last state, without early "
                "stopping; the best state on validation is kept.",
                **shut(wrong),
            },
        ):
            try:
                more = extend_job(job.id, int(count), store=store.jobs())
            except TaskvizError as error:
                st.error(safe(error))
                return
            state.put("run", more.id)
            st.rerun()


def _metrics(found: Mapping[str, TrainingResult]) -> None:
    label = st.selectbox(
        "Contender",
        list(found),
        key="metric_contender",
        help=glossary.meaning("contender"),
        bind="query-params",
    )
    metrics = found[label].metrics
    shown = metrics.assign(group=metrics["group"].map(group_letter))
    tables.show(store.readable(shown), hide_index=True, alt="Every measured metric")
