"""Contenders set side by side on the whole: mean loss and number of models."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from taskviz.figures.style import base_layout, note, theme_of, three_digits
from taskviz.figures.text import label, plain
from taskviz.values import TrainingResult

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]


def contender_means(results: Mapping[str, TrainingResult], split: str = "test") -> "pd.DataFrame":
    """The table behind :func:`contenders_dots`.

    Columns: ``contender``; ``models``, how many networks it needs; ``loss``, its mean over the
    tasks that have a loss under every contender; ``tasks``, how many those are.
    """
    import pandas as pd

    from taskviz.training.comparison import gain_table

    losses = gain_table(results, split).pivot(index="task", columns="contender", values="loss")
    known = losses.dropna()
    return pd.DataFrame(
        {
            "contender": list(results),
            "models": [len(result.grouping.groups) for result in results.values()],
            "loss": [float(known[name].mean()) if len(known) else np.nan for name in results],
            "tasks": len(known),
        }
    )


def contenders_dots(
    results: Mapping[str, TrainingResult], *, split: str = "test", dark: bool = False
) -> go.Figure:
    """Mean loss of each contender as a dot, with the number of models it needs.

    Random draws share a row: small dots, and a line at their mean.
    """
    from taskviz.training.comparison import random_labels

    theme = theme_of(dark)
    table = contender_means(results, split) if results else None
    figure = go.Figure()
    ticks: list[str] = []
    span: list[float] | None = None
    if table is not None and table["loss"].notna().any():
        span = _fair_range(table["loss"].to_numpy(dtype=np.float64))
        labels = list(table["contender"])
        drawn = [name for name in random_labels(results) if name != labels[0]]
        rows = [name for name in labels if name not in drawn] + (["random"] if drawn else [])
        means = dict(zip(labels, table["loss"].to_numpy(dtype=np.float64), strict=True))
        for row, name in enumerate(rows):
            own = drawn if name == "random" and drawn else [name]
            losses = np.array([means[each] for each in own])
            models = len(results[own[0]].grouping.groups)
            count = f"{models} model{'s' if models != 1 else ''}"
            title = f"random × {len(own)}" if len(own) > 1 else label(name, 18)
            ticks.append(f"{title}<br><span style='font-size:11px'>{count}</span>")
            colour = theme.accent if row == 0 else theme.muted
            if len(own) > 1:
                figure.add_trace(_mean_line(float(losses.mean()), row, len(own), colour))
            figure.add_trace(
                go.Scatter(
                    x=losses,
                    y=[row] * len(own),
                    mode="markers",
                    marker={
                        "size": 15 if row == 0 else 9 if len(own) > 1 else 12,
                        "color": colour,
                        "symbol": "circle" if row == 0 else "circle-open",
                        "line": {"width": 2, "color": colour},
                    },
                    hovertext=[
                        f"<b>{plain(each)}</b>, {count}<br>mean {split} loss {three_digits(loss)}"
                        for each, loss in zip(own, losses, strict=True)
                    ],
                    hoverinfo="text",
                    name=plain(name),
                )
            )
    figure.update_layout(
        base_layout(
            dark,
            height=max(240, 100 + 46 * len(ticks)),
            dragmode=False,
            uirevision="contenders",
            xaxis={
                "title": {"text": f"mean {split} loss (left is better)"},
                "nticks": 5,
                "range": span,
            },
            yaxis={
                "tickmode": "array",
                "tickvals": list(range(len(ticks))),
                "ticktext": ticks,
                "tickfont": {"color": theme.text},
                "range": [len(ticks) - 0.4, -0.6],
                "fixedrange": True,
            },
        )
    )
    if not ticks:
        figure.update_layout(xaxis={"visible": False}, yaxis={"visible": False})
        figure.add_annotation(note(f"no task has a {split} loss under every contender", dark))
    return figure


def describe_contenders(results: Mapping[str, TrainingResult], *, split: str = "test") -> str:
    """One sentence for those who do not see :func:`contenders_dots`."""
    table = contender_means(results, split).dropna() if results else None
    if table is None or table.empty:
        return f"Mean {split} loss: nothing to compare."
    parts = [
        f"{name} {three_digits(loss)} with {models} model{'s' if models != 1 else ''}"
        for loss, models, name in sorted(
            zip(
                table["loss"].to_numpy(dtype=np.float64),
                table["models"],
                table["contender"],
                strict=True,
            ),
            key=lambda row: float(row[0]),
        )
    ]
    return f"Mean {split} loss, best first: {'; '.join(parts)}."


def _fair_range(losses: Floats) -> list[float]:
    """At least 2 % of the losses wide: on a narrower axis chance would look like a difference."""
    known = losses[np.isfinite(losses)]
    low, high = float(known.min()), float(known.max())
    half = max((high - low) * 0.58, 0.01 * abs(low + high) / 2, 1e-9)
    return [(low + high) / 2 - half, (low + high) / 2 + half]


def _mean_line(mean: float, row: int, draws: int, colour: str) -> go.Scatter:
    return go.Scatter(
        x=[mean, mean],
        y=[row - 0.28, row + 0.28],
        mode="lines",
        line={"color": colour, "width": 2.5},
        hovertext=f"mean of {draws} random groupings: {three_digits(mean)}",
        hoverinfo="text",
        name="mean of random",
    )
