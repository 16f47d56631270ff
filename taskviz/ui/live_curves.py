"""A small chart a group with its tasks' curves, fed by the job's metrics."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from taskviz.figures import curves
from taskviz.figures.style import chart_config
from taskviz.jobs import Job
from taskviz.ui import store
from taskviz.ui.text import safe
from taskviz.values import TrainingResult


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


def draw(job: Job, *, dark: bool) -> None:
    """Curves of a job while it runs, as far as they have come."""
    points = _points(job)
    if points.empty:
        st.caption("The curves appear with the first finished epoch.")
        return
    labels = list(dict.fromkeys(points["contender"]))
    label, log = _controls(labels)
    _charts(points[points["contender"] == label], label, log=log, dark=dark)


def draw_results(results: Mapping[str, TrainingResult], *, dark: bool) -> None:
    """Curves of finished contenders, groups taken from the cache included."""
    label, log = _controls(list(results))
    _charts(results[label].history, label, log=log, dark=dark)


def _controls(labels: list[str]) -> tuple[str, bool]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = labels[0]
        if len(labels) > 1:
            label = st.selectbox("Contender", labels, key="live_contender", width=280) or label
        log = st.toggle("Log scale", False, key="live_log")
    return label, log


def _charts(history: pd.DataFrame, label: str, *, log: bool, dark: bool) -> None:
    shown = history[history["metric"] == "loss"]
    with st.grid("auto", min_column_width=340, gap="small"):
        for group in sorted(int(number) for number in shown["group"].unique()):
            rows = shown[shown["group"] == group]
            with st.container(border=True, gap="xsmall"):
                names = list(dict.fromkeys(rows["task"]))
                st.plotly_chart(
                    curves.training_curves(rows, group=group, log=log, dark=dark),
                    theme=None,
                    key=f"curve_{label}_{group}",
                    config=chart_config(),
                    alt=curves.describe_training_curves(rows, group=group),
                )
                st.caption(", ".join(safe(name) for name in names))
