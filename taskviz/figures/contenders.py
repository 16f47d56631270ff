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
    tasks that have a loss under every contender and seed; ``error``, its standard error over seeds
    (NaN for one); ``tasks``, how many those are.
    """
    import pandas as pd

    from taskviz.training.comparison import seed_table
    from taskviz.training.intervals import mean_losses, standard_error

    rows = seed_table(results, split)
    known = int(rows.groupby("task")["loss"].apply(lambda own: own.notna().all()).sum())
    losses = {
        name: [value for value in own.values() if np.isfinite(value)]
        for name, own in mean_losses(results, split).items()
    }
    return pd.DataFrame(
        {
            "contender": list(results),
            "models": [len(result.grouping.groups) for result in results.values()],
            "loss": [float(np.mean(losses[name])) if losses[name] else np.nan for name in results],
            "error": [standard_error(losses[name]) for name in results],
            "tasks": known,
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
        found, around = table["loss"].to_numpy(float), table["error"].fillna(0.0).to_numpy(float)
        span = _fair_range(np.concatenate([found - around, found + around]))
        labels = list(table["contender"])
        drawn = [name for name in random_labels(results) if name != labels[0]]
        rows = [name for name in labels if name not in drawn] + (["random"] if drawn else [])
        means = dict(zip(labels, table["loss"].to_numpy(dtype=np.float64), strict=True))
        errors = dict(zip(labels, table["error"].to_numpy(dtype=np.float64), strict=True))
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
                    # Draws tell of their spread by themselves.
                    error_x=_error_bar(errors[own[0]], colour) if len(own) == 1 else None,
                    hovertext=[
                        f"<b>{plain(each)}</b>, {count}<br>mean {split} loss "
                        f"{three_digits(loss, errors[each])}"
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
    table = contender_means(results, split).dropna(subset=["loss"]) if results else None
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


def _error_bar(error: float, colour: str) -> dict[str, object] | None:
    """Standard error over seeds, where there is one."""
    if not np.isfinite(error):
        return None
    return {"type": "data", "array": [error], "color": colour, "thickness": 1.5, "width": 4}


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
