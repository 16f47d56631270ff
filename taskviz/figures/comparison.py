"""What grouping gains over training alone, task by task; contenders on the whole beside it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from taskviz.figures.contenders import (
    contender_means,
    contenders_dots,
    describe_contenders,
)
from taskviz.figures.style import (
    Theme,
    base_layout,
    note,
    signed,
    theme_of,
    three_digits,
)
from taskviz.figures.text import label, plain, short_names

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "GAIN",
    "contender_means",
    "contenders_dots",
    "describe_contenders",
    "describe_gains",
    "gain_labels",
    "gains_bars",
]

GAIN: Final = "gain: "
"""Beginning of the gain columns of :func:`taskviz.training.compare.comparison_table`."""
ERROR: Final = "± "
"""Before the name of a column: its standard errors over seeds."""
Floats = NDArray[np.float64]
_OTHERS: Final = ("diamond-open", "triangle-up-open", "square-open", "cross-open", "star-open")


def gains_bars(
    table: "pd.DataFrame", *, dark: bool = False, random: Sequence[str] | None = None
) -> go.Figure:
    """Gain of each task over training it alone: bars for the first contender, marks for others.

    Args:
        table: from :func:`taskviz.training.compare.comparison_table`; gains are parts of the loss.
        dark: theme.
        random: contenders that are draws of one baseline and share a mark and a span; None takes
            those whose label begins with ``random``.
    """
    theme = theme_of(dark)
    labels = gain_labels(table)
    figure = go.Figure()
    names = short_names([str(task) for task in table["task"]], 16)
    rows = list(range(len(names)))
    if labels:
        gains = {name: 100 * table[GAIN + name].to_numpy(dtype=np.float64) for name in labels}
        chosen, others = labels[0], labels[1:]
        drawn = _draws(others) if random is None else [name for name in others if name in random]
        own = gains[chosen]
        for which, colour, word in (
            (own > 0, theme.better, "better"),
            (own < 0, theme.worse, "worse"),
            (own == 0, theme.better, "the same"),
        ):
            if which.any():
                some = table[which]
                figure.add_trace(
                    go.Bar(
                        x=own[which],
                        y=np.flatnonzero(which),
                        orientation="h",
                        width=0.62,
                        marker={"color": colour, "cornerradius": 3},
                        hovertext=_gain_hover(some, chosen, own[which]),
                        hoverinfo="text",
                        text=[f"{signed(v)} %" for v in own[which]],
                        textposition="none",
                        error_x=_gain_errors(some, chosen, theme),
                        name=f"{label(chosen, 20)}, {word}",
                        # A bar of no length has no colour to be explained.
                        showlegend=word != "the same",
                    )
                )
        plain_ones = [name for name in others if name not in drawn]
        for i, name in enumerate(plain_ones):
            figure.add_trace(
                go.Scatter(
                    x=gains[name],
                    y=rows,
                    mode="markers",
                    marker={
                        "symbol": _OTHERS[i % len(_OTHERS)],
                        "size": 9,
                        "color": theme.text,
                        "line": {"width": 1.75},
                    },
                    hovertext=_gain_hover(table, name, gains[name]),
                    hoverinfo="text",
                    name=label(name, 20),
                    showlegend=True,
                )
            )
        if drawn:
            figure.add_trace(_draws_trace(np.stack([gains[name] for name in drawn]), rows, theme))
        figure.add_vline(x=0, line={"width": 1.5, "color": theme.text})
    figure.update_layout(
        base_layout(
            dark,
            height=max(240, 110 + 24 * len(rows)),
            showlegend=bool(labels),
            dragmode=False,
            barmode="overlay",
            uirevision="gains",
            xaxis={
                "title": {"text": "gain over training alone (right is better)"},
                "ticksuffix": " %",
                "nticks": 7,
            },
            yaxis={
                "tickmode": "array",
                "tickvals": rows,
                "ticktext": [plain(name) for name in names],
                "tickfont": {"color": theme.text},
                "range": [len(rows) - 0.4, -0.6],
                "showgrid": False,
                "fixedrange": True,
            },
        )
    )
    if not labels:
        figure.update_layout(xaxis={"visible": False}, yaxis={"visible": False})
        figure.add_annotation(
            note("no contender trains each task alone,<br>so there is no gain to show", dark)
        )
    return figure


def describe_gains(table: "pd.DataFrame") -> str:
    """One sentence for those who do not see :func:`gains_bars`."""
    labels = gain_labels(table)
    if not labels:
        return "Gain over training alone: no contender trains each task alone."
    gains = 100 * table[GAIN + labels[0]].to_numpy(dtype=np.float64)
    known = [(float(gain), str(task)) for gain, task in zip(gains, table["task"], strict=True)]
    known = [pair for pair in known if np.isfinite(pair[0])]
    if not known:
        return f"Gain of {labels[0]} over training alone: no task has a value."
    best, worst = max(known), min(known)
    return (
        f"Gain of {labels[0]} over training alone: {sum(gain > 0 for gain, _ in known)} of "
        f"{len(known)} tasks gain; most {best[1]} ({signed(best[0])} %), least {worst[1]} "
        f"({signed(worst[0])} %)."
    )


def gain_labels(table: "pd.DataFrame") -> list[str]:
    """The contenders that have a gain, in order."""
    return [str(name)[len(GAIN) :] for name in table.columns if str(name).startswith(GAIN)]


def _draws(labels: Sequence[str]) -> list[str]:
    return [name for name in labels if name == "random" or name.startswith("random ")]


def _gain_hover(table: "pd.DataFrame", name: str, gains: Floats) -> list[str]:
    values = table[name] if name in table else [float("nan")] * len(table)
    return [
        f"<b>{plain(str(task))}</b>, {plain(name)}<br>gain "
        + (f"{signed(float(gain))} %" if np.isfinite(gain) else "no value")
        + (f" ± {three_digits(error)} %" if np.isfinite(error) else "")
        + f"<br>{plain(str(metric))} {three_digits(float(value))}"
        for task, metric, gain, error, value in zip(
            table["task"], table["metric"], gains, _errors(table, name), values, strict=True
        )
    ]


def _errors(table: "pd.DataFrame", name: str) -> Floats:
    """Standard errors over seeds of a contender's gains, per cent; NaN where there is none."""
    column = f"{ERROR}{GAIN}{name}"
    if column not in table:
        return np.full(len(table), np.nan)
    return np.asarray(100 * table[column].to_numpy(dtype=np.float64))


def _gain_errors(table: "pd.DataFrame", name: str, theme: Theme) -> dict[str, object] | None:
    errors = _errors(table, name)
    if not np.isfinite(errors).any():
        return None
    return {
        "type": "data",
        "array": np.nan_to_num(errors),
        "color": theme.text,
        "thickness": 1.25,
        "width": 3,
    }


def _draws_trace(gains: Floats, rows: list[int], theme: Theme) -> go.Scatter:
    """Mean over draws with a span from the lowest to the highest."""
    mean = gains.mean(axis=0)
    count = len(gains)
    return go.Scatter(
        x=mean,
        y=rows,
        mode="markers",
        marker={"symbol": "line-ns-open", "size": 11, "color": theme.muted, "line": {"width": 2}},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": gains.max(axis=0) - mean,
            "arrayminus": mean - gains.min(axis=0),
            "color": theme.muted,
            "thickness": 1.5,
            "width": 0,
        },
        hovertext=[
            f"mean of {count} random grouping{'s' if count > 1 else ''}: {signed(float(m))} %, "
            f"from {signed(float(low))} to {signed(float(high))} %"
            for m, low, high in zip(mean, gains.min(axis=0), gains.max(axis=0), strict=True)
        ],
        hoverinfo="text",
        name=f"random × {count}" if count > 1 else "random",
        showlegend=True,
    )
