"""What each task gains from one plan to another."""

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from taskviz.figures.style import base_layout, note, signed, theme_of
from taskviz.figures.text import label, plain

if TYPE_CHECKING:
    import pandas as pd


def plan_gains(table: "pd.DataFrame", *, dark: bool = False) -> go.Figure:
    """A bar a task whose score changes: right where the second plan is better for it.

    Args:
        table: of :func:`taskviz.report.plan_difference.difference`.
        dark: theme.
    """
    theme = theme_of(dark)
    changed = _changed(table)
    height = max(160, 60 + 24 * len(changed))
    if not len(changed):
        words = note("The predicted score of no task changes, or none is known.", dark)
        blank = {"visible": False}
        return go.Figure(
            layout=base_layout(dark, height=height, annotations=[words], xaxis=blank, yaxis=blank)
        )
    gains = [float(gain) for gain in changed["gain"]]
    figure = go.Figure(
        go.Bar(
            x=gains,
            y=list(range(len(gains))),
            orientation="h",
            marker={"color": [theme.better if gain > 0 else theme.worse for gain in gains]},
            # The sign says in greyscale what the colour says.
            text=[signed(gain) for gain in gains],
            textposition="outside",
            textfont={"color": theme.text},
            cliponaxis=False,
            hovertext=[
                f"<b>{plain(str(task))}</b><br>{signed(gain)}"
                for task, gain in zip(changed["task"], gains, strict=True)
            ],
            hoverinfo="text",
        )
    )
    figure.update_layout(
        base_layout(
            dark,
            height=height,
            margin={"l": 8, "r": 56, "t": 8, "b": 8},
            xaxis={"title": {"text": "predicted gain: above 0 the second plan is better"}},
            yaxis={
                "tickmode": "array",
                "tickvals": list(range(len(gains))),
                "ticktext": [label(str(task), 24) for task in changed["task"]],
                "autorange": "reversed",
                "showgrid": False,
            },
        )
    )
    return figure


def describe_plan_gains(table: "pd.DataFrame") -> str:
    """One sentence for those who do not see the chart."""
    changed = _changed(table)
    if not len(changed):
        return "Between the two plans the predicted score of no task is known to change."
    best, worst = changed.iloc[0], changed.iloc[-1]
    return (
        f"Predicted gain of {len(changed)} tasks from the first plan to the second: most for "
        f"{best['task']} ({signed(float(best['gain']))}), least for {worst['task']} "
        f"({signed(float(worst['gain']))})."
    )


def _changed(table: "pd.DataFrame") -> "pd.DataFrame":
    known = table[table["gain"].notna() & (table["gain"] != 0)]
    return known.sort_values("gain", ascending=False, kind="stable")
