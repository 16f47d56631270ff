"""A small chart a group with its tasks' curves, fed by the job's metrics; one can be enlarged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any

import pandas as pd
import streamlit as st

from taskviz.figures import curves
from taskviz.figures.style import chart_config, group_letter, three_digits
from taskviz.jobs import Job
from taskviz.report.tables import kept_step
from taskviz.ui import glossary, job_panel, linked, state, store, tables
from taskviz.ui.chart_views import LiveCharts, live_charts
from taskviz.ui.text import plural, safe
from taskviz.values import HIGHER_IS_BETTER, TrainingResult

LOG = "live_log"
ENDED = ("done", "failed", "cancelled")
"""States after which nothing follows by itself: what is best is not only so far."""
KEY = "curve_"
"""Beginning of the key of every chart of curves."""

Histories = Mapping[str, pd.DataFrame]
"""Contender → history, columns as in ``HISTORY_COLUMNS``."""


@dataclass(frozen=True)
class Look:
    """What the reader chose to see.

    Args:
        label: contender.
        metric: of the history.
        log: logarithmic axis.
        smoothing: see :func:`taskviz.figures.curves.training_curves`.
        mean: one line a task, the mean over seeds.
        earlier: tasks of a network, sorted → its history in an earlier run.
        kept: group → epochs of its kept checkpoints; None where nothing is kept yet.
        over: the training has ended.
    """

    label: str
    metric: str
    log: bool
    smoothing: float
    mean: bool
    earlier: Callable[[tuple[str, ...]], pd.DataFrame | None]
    kept: Callable[[int], Sequence[int] | None]
    over: bool


@dataclass(frozen=True)
class _Page:
    charts: LiveCharts
    run: str
    dark: bool


def draw(job: Job, *, dark: bool) -> None:
    """Curves of a job without a result, as far as they have come."""
    points = _points(job)
    if points.empty:
        st.caption("The curves appear with the first finished epoch.")
        return
    named = points["contender"].fillna("") if "contender" in points else ""
    points = points.assign(contender=named)
    labels = list(dict.fromkeys(points["contender"]))
    _show({label: points[points["contender"] == label] for label in labels}, job, dark)


@st.fragment
def draw_results(results: Mapping[str, TrainingResult], job: Job, *, dark: bool) -> None:
    """Curves of finished contenders, groups taken from the cache included."""
    kept = {label: partial(_kept, result) for label, result in results.items()}
    _show({label: result.history for label, result in results.items()}, job, dark, kept)


def _kept(result: TrainingResult, group: int) -> list[int]:
    """Epochs of a group's kept checkpoints, one a seed."""
    found = [kept_step(run, group) for run in result.runs or (result,)]
    return [step for step in found if step is not None]


def _points(job: Job) -> pd.DataFrame:
    """All metrics of a job so far; only the new ones are read from the store."""
    held: dict[str, Any] = st.session_state.setdefault("live_points", {})
    if held.get("job") != (job.id, job.started):
        held.clear()
        held.update({"job": (job.id, job.started), "last": 0, "rows": []})
    for row_id, point in store.jobs().metrics(job.id, after=held["last"]):
        held["last"] = row_id
        held["rows"].append(point)
    return pd.DataFrame(held["rows"])


def _show(
    histories: Histories,
    job: Job,
    dark: bool,
    kept: Mapping[str, Callable[[int], Sequence[int] | None]] = MappingProxyType({}),
) -> None:
    look = _controls(histories, job)
    look = replace(look, kept=kept.get(look.label, look.kept))
    history = histories[look.label]
    if look.mean:
        history = _mean_over_seeds(history)
    shown = history[history["metric"] == look.metric]
    groups = sorted(int(number) for number in shown["group"].unique())
    told = state.get("focus") or ""
    focus = int(told) if told.isascii() and told.isdecimal() else None
    with live_charts(KEY) as charts:
        page = _Page(charts, job.id, dark)
        if focus is not None and focus in groups:
            _one(shown[shown["group"] == focus], focus, look, page)
            return
        with st.grid("auto", min_column_width=340, gap="small"):
            for group in groups:
                _small(shown[shown["group"] == group], group, look, page)


def _controls(histories: Histories, job: Job) -> Look:
    labels = list(histories)
    with st.container(horizontal=True, vertical_alignment="bottom", key="curve_controls"):
        label = labels[0]
        if len(labels) > 1:
            label = (
                st.selectbox(
                    "Contender",
                    labels,
                    key="live_contender",
                    width=210,
                    help=glossary.meaning("contender"),
                    bind="query-params",
                )
                or label
            )
        history = histories[label]
        metrics = list(dict.fromkeys(history["metric"]))
        metric = (
            st.selectbox(
                "Metric",
                metrics,
                format_func=lambda name: str(name).replace("_", " "),
                key="live_metric",
                width=170,
                help=glossary.meaning("metric"),
                bind="query-params",
            )
            or metrics[0]
        )
        before = {other.id: other for other in _earlier(job)}
        other = None
        if before:
            other = linked.one(
                "Compare with",
                "earlier",
                ["", *before],
                lambda key: job_panel.named(before[key]) if key else "no earlier run",
                width=230,
                help=glossary.meaning("run"),
            )
        smoothing = st.slider(
            "Smoothing",
            *(0.0, 0.95, 0.0, 0.05),
            key="live_smoothing",
            width=160,
            bind="query-params",
        )
        log = _log_scale(history[history["metric"] == metric]["value"])
        seeds = history["seed"].nunique() if "seed" in history else 1
        mean = seeds > 1 and st.toggle(
            "Mean of seeds",
            True,
            key="live_mean",
            help=f"{plural(seeds, 'seed')} were trained.",
            bind="query-params",
        )
    found = _by_tasks(before[other]) if other and other in before else {}
    return Look(
        *(str(label), str(metric), log, float(smoothing), bool(mean), found.get),
        kept=lambda group: None,
        over=job.state in ENDED,
    )


def _log_scale(values: pd.Series) -> bool:
    """Whether the axis is logarithmic: by itself where a linear one would show one peak alone."""
    held = st.session_state
    if LOG not in held:
        # A link may have chosen.
        held[f"{LOG}_chosen"] = LOG in st.query_params
    if not held[f"{LOG}_chosen"]:
        held[LOG] = curves.spans_decades(values.to_numpy(dtype=float))
    return st.toggle("Log scale", key=LOG, on_change=_log_chosen, bind="query-params")


def _log_chosen() -> None:
    st.session_state[f"{LOG}_chosen"] = True


def _small(rows: pd.DataFrame, group: int, look: Look, page: _Page) -> None:
    names = list(dict.fromkeys(rows["task"]))
    with st.container(border=True, gap="xsmall"):
        _chart(rows, group, look, page)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"**{group_letter(group)}** {', '.join(map(safe, names))}", width="stretch")
            st.button(
                "Enlarge",
                key=f"focus_{look.label}_{group}",
                icon=":material/zoom_in:",
                type="tertiary",
                on_click=_focus,
                args=(group,),
            )


def _focus(group: int | None) -> None:
    state.put("focus", None if group is None else str(group))


def _one(rows: pd.DataFrame, group: int, look: Look, page: _Page) -> None:
    names = list(dict.fromkeys(rows["task"]))
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            title = f"**{group_letter(group)}** {', '.join(map(safe, names))}"
            st.markdown(title, width="stretch")
            st.button(
                "All groups",
                key="focus_none",
                icon=":material/zoom_out:",
                on_click=_focus,
                args=(None,),
            )
        _chart(rows, group, look, page, height=470)
        tables.show(
            _last_values(rows, look.metric),
            hide_index=True,
            alt="The last and the best validation value of each task",
        )


def _chart(
    rows: pd.DataFrame, group: int, look: Look, page: _Page, height: int | None = None
) -> None:
    names = tuple(sorted({str(name) for name in rows["task"]}))
    earlier = look.earlier(names)
    key = f"{KEY}{look.label}_{group}{'_large' if height else ''}"
    figure = curves.training_curves(
        rows,
        group=group,
        metric=look.metric,
        kept=look.kept(group),
        over=look.over,
        log=look.log,
        smoothing=look.smoothing,
        earlier=earlier,
        dark=page.dark,
        height=height,
    )
    page.charts.draw(
        figure,
        key,
        f"{page.run} {look.metric} {look.log} {page.dark}",
        config=chart_config(bar=height is not None),
        alt=curves.describe_training_curves(rows, group=group, metric=look.metric),
    )


def _last_values(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """One row a task: training and validation at the last epoch, and the best validation."""
    made = []
    for task, own in rows.groupby("task", sort=False):
        means = own.groupby(["split", "step"])["value"].mean()
        row: dict[str, Any] = {"task": task}
        for split, word in (("train", "training, last"), ("valid", "validation, last")):
            values = means.get(split)
            row[word] = "–" if values is None else three_digits(float(values.iloc[-1]))
        valid = means.get("valid")
        if valid is not None and valid.notna().any():
            best = valid.idxmax() if HIGHER_IS_BETTER.get(metric, False) else valid.idxmin()
            row["validation, best"] = three_digits(float(valid[best]))
            row["at epoch"] = int(best)
        made.append(row)
    return pd.DataFrame(made)


def _mean_over_seeds(history: pd.DataFrame) -> pd.DataFrame:
    keys = ["step", "group", "task", "split", "metric"]
    means = history.groupby(keys, sort=False)["value"].mean()
    return means.reset_index().assign(seed=0)


def _earlier(job: Job) -> list[Job]:
    """Finished trainings of the same collection, newest first, without this one."""
    return [
        other
        for other in store.trainings_of(job.spec)
        if other.id != job.id and other.state == "done"
    ]


def _by_tasks(job: Job) -> dict[tuple[str, ...], pd.DataFrame]:
    """Tasks of each network of a finished run, sorted → its history."""
    found: dict[tuple[str, ...], pd.DataFrame] = {}
    for result in store.results(job).values():
        for index, group in enumerate(result.grouping.groups):
            rows = result.history
            found.setdefault(tuple(sorted(group)), rows[rows["group"] == index])
    return found
