"""What an estimator had predicted for groups that were then trained, against what was measured."""

from typing import TYPE_CHECKING, Final

import numpy as np
import plotly.graph_objects as go

from taskviz.figures.style import (
    base_layout,
    group_colour,
    note,
    point_symbol,
    signed,
    theme_of,
    three_digits,
)
from taskviz.figures.text import label, listed, plain

if TYPE_CHECKING:
    import pandas as pd

MOST_NAMED: Final = 14
"""Tasks with a colour and an entry in the legend; with more, all dots are alike."""


def within_tasks(rows: "pd.DataFrame") -> "pd.DataFrame":
    """The table behind :func:`calibration_dots`: each value less the mean of its task.

    Args:
        rows: of one estimator, as :func:`taskviz.verbs.read_calibration` gives them.

    Returns:
        Columns ``task, group, size, predicted, measured, error`` (per cent where the estimator
        predicts gains; ``predicted`` in standard deviations of the task's scores where it only
        ranks), ``score, predicted_gain, gain, runs``. Tasks with one group only are left out:
        nothing can be compared within them.
    """
    from taskviz.evidence.calibration import averaged

    pairs = averaged(rows)
    grouped = pairs.groupby("task")
    gains = predicts_gains(rows)
    given = 100 * pairs["predicted_gain"] if gains else pairs["score"]
    x = given - given.groupby(pairs["task"]).transform("mean")
    if not gains:
        spread = pairs.groupby("task")["score"].transform("std", ddof=0)
        x = x / spread.where(spread > 0, 1.0)
    table = pairs.assign(
        predicted=x,
        measured=100 * (pairs["gain"] - grouped["gain"].transform("mean")),
        error=100 * pairs["gain_error"],
    )
    return table[grouped["group"].transform("size") > 1].reset_index(drop=True)


def predicts_gains(rows: "pd.DataFrame") -> bool:
    """Whether the estimator predicts gains, and not an order only."""
    return bool(rows["predicted_gain"].notna().any())


def calibration_dots(rows: "pd.DataFrame", *, dark: bool = False) -> go.Figure:
    """One dot a task and trained group, within its task; on the line the prediction was right.

    Args:
        rows: of one estimator, as :func:`taskviz.verbs.read_calibration` gives them.
        dark: theme.
    """
    theme = theme_of(dark)
    table = within_tasks(rows)
    gains = predicts_gains(rows)
    figure = go.Figure()
    tasks = list(dict.fromkeys(table["task"]))
    named = len(tasks) <= MOST_NAMED
    figure.add_hline(y=0, line={"width": 1, "color": theme.line})
    figure.add_vline(x=0, line={"width": 1, "color": theme.line})
    if gains and len(table):
        reach = float(np.nanmax(np.abs(table[["predicted", "measured"]].to_numpy())))
        figure.add_trace(
            go.Scatter(
                x=[-reach, reach],
                y=[-reach, reach],
                mode="lines",
                line={"color": theme.muted, "dash": "dash", "width": 1.5},
                hoverinfo="skip",
                name="predicted = measured",
            )
        )
    for number, task in enumerate(tasks):
        own = table[table["task"] == task]
        measured = own["error"].notna().any()
        figure.add_trace(
            go.Scatter(
                x=own["predicted"],
                y=own["measured"],
                mode="markers",
                marker={
                    "size": 9,
                    "color": group_colour(number, dark) if named else theme.accent,
                    "symbol": point_symbol(number) if named else "circle",
                    "line": {"width": 1, "color": theme.background},
                },
                error_y={
                    "type": "data",
                    "array": own["error"].fillna(0.0),
                    "visible": bool(measured),
                    "thickness": 1,
                    "width": 0,
                    "color": theme.muted,
                },
                hovertext=[_hover(row, gains) for row in own.to_dict("records")],
                hoverinfo="text",
                name=label(task, 18),
                showlegend=named,
            )
        )
    figure.update_layout(
        base_layout(
            dark,
            height=400 + 20 * -(-len(tasks) // 5) * named,
            showlegend=bool(len(table)),
            uirevision="calibration",
            xaxis={
                "title": {
                    "text": "predicted gain, less the task's mean"
                    if gains
                    else "predicted score, in standard deviations within the task"
                },
                "ticksuffix": " %" if gains else "",
                "nticks": 7,
            },
            yaxis={
                "title": {"text": "measured gain, less the task's mean"},
                "ticksuffix": " %",
                "nticks": 7,
            },
        )
    )
    if not len(table):
        figure.update_layout(xaxis={"visible": False}, yaxis={"visible": False}, shapes=[])
        figure.add_annotation(
            note(
                "no task was trained in two groups or more beside a network of its own,"
                "<br>so there is nothing to compare within a task",
                dark,
            )
        )
    return figure


def describe_calibration(rows: "pd.DataFrame") -> str:
    """One sentence for those who do not see :func:`calibration_dots`."""
    from taskviz.evidence.calibration import summarise_calibration

    table = within_tasks(rows)
    if table.empty:
        return "Predicted against measured gain: nothing to compare within a task."
    found = summarise_calibration(rows).iloc[0]
    tasks = table["task"].nunique()
    rank = (
        "too few groups a task for a rank correlation"
        if np.isnan(found["rank"])
        else f"mean rank correlation within a task {signed(float(found['rank']))}"
    )
    return (
        f"Predicted against measured gain of {len(table)} trained groups' tasks, {tasks} tasks: "
        f"{rank}."
    )


def _hover(row: dict[str, object], gains: bool) -> str:
    from taskviz.evidence.calibration import split_key

    group = split_key(str(row["group"]))
    predicted = (
        f"predicted {signed(100 * float(str(row['predicted_gain'])))} %"
        if gains
        else f"score {three_digits(float(str(row['score'])))} (ranks only)"
    )
    gain = signed(100 * float(str(row["gain"])))
    error = float(str(row["error"]))
    around = f" ± {three_digits(error)}" if np.isfinite(error) else ""
    return (
        f"<b>{plain(str(row['task']))}</b><br>in {plain(listed(group))}<br>{predicted}"
        f"<br>measured {gain}{around} %, {row['runs']} run{'s' if row['runs'] != 1 else ''}"
    )
