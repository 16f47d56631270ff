"""Densities of optima, the bounds that rest on them, and the layers that carry a distance."""

import numpy as np
import plotly.graph_objects as go

from taskviz.figures.style import base_layout, group_colour, theme_of, three_digits
from taskviz.figures.text import label
from taskviz.optima.landscape import LandscapeStudy


def density_histogram(study: LandscapeStudy, *, dark: bool = False) -> go.Figure:
    """How many units have which ψ_i; the dotted line is their median."""
    theme = theme_of(dark)
    known = study.densities[np.isfinite(study.densities)]
    counts, edges = np.histogram(known, bins=min(30, max(5, int(np.sqrt(len(known)) * 2))))
    figure = go.Figure(
        go.Bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=counts,
            width=np.diff(edges) * 0.94,
            marker={"color": group_colour(0, dark)},
            hovertemplate="ψ near %{x:.3g}: %{y} samples<extra></extra>",
        )
    )
    if len(known):
        figure.add_vline(
            x=float(np.median(known)),
            line={"color": theme.muted, "width": 1.5, "dash": "dot"},
            annotation={"text": "median", "font": {"color": theme.muted, "size": 12}},
        )
    figure.update_layout(
        base_layout(
            dark,
            height=300,
            bargap=0,
            margin={"l": 8, "r": 8, "t": 26, "b": 8},
            xaxis={"title": {"text": "ψ: how far apart the tasks' optima of a sample are"}},
            yaxis={
                "title": {"text": "samples"},
                "range": [0, 1.18 * max(int(counts.max()), 1)],
                "fixedrange": True,
            },
        )
    )
    return figure


def describe_densities(study: LandscapeStudy) -> str:
    """One sentence for those who do not see the histogram."""
    known = study.densities[np.isfinite(study.densities)]
    if not len(known):
        return "No sample has a label, so there is no density."
    low, middle, high = np.percentile(known, [0, 50, 100])
    return (
        f"ψ of {len(known)} samples: from {three_digits(low)} to {three_digits(high)}, median "
        f"{three_digits(middle)}."
    )


def bound_dots(study: LandscapeStudy, *, dark: bool = False) -> go.Figure:
    """Each bound and the loss that it bounds, on a scale of logarithms."""
    theme, frame = theme_of(dark), study.to_frame()
    rows = [f"eq. {row.equation}" for row in study.bounds()]
    figure = go.Figure()
    positive = frame[["bound", "measured"]].where(frame[["bound", "measured"]] > 0)
    for row, bound, measured in zip(rows, positive["bound"], positive["measured"], strict=True):
        figure.add_trace(
            go.Scatter(
                x=[measured, bound],
                y=[row, row],
                mode="lines",
                line={"color": theme.line, "width": 3},
                hoverinfo="skip",
                showlegend=False,
            )
        )
    for number, (column, name, symbol) in enumerate(
        (("measured", "measured loss", "circle"), ("bound", "bound", "line-ns"))
    ):
        figure.add_trace(
            go.Scatter(
                x=positive[column],
                y=rows,
                mode="markers+text",
                name=name,
                text=[three_digits(value) for value in positive[column]],
                textposition="top center",
                textfont={"size": 12, "color": theme.text},
                marker={
                    "color": group_colour(number, dark),
                    "symbol": symbol,
                    "size": 12 if symbol == "circle" else 18,
                    "line": {"width": 0 if symbol == "circle" else 3}
                    | {"color": group_colour(number, dark)},
                },
                hovertemplate="%{y} " + name + ": %{x:.3g}<extra></extra>",
            )
        )
    figure.update_layout(
        base_layout(
            dark,
            height=300,
            showlegend=True,
            xaxis={"type": "log", "title": {"text": "loss"}, "exponentformat": "power"}
            | {"range": _decades(positive.to_numpy())},
            yaxis={"range": [len(rows) - 0.5, -0.8], "fixedrange": True, "showgrid": False},
        )
    )
    return figure


def describe_bounds(study: LandscapeStudy) -> str:
    """One sentence for those who do not see the dots."""
    parts = [
        f"equation {row.equation}: bound {three_digits(row.bound)}, measured "
        f"{three_digits(row.measured)}"
        for row in study.bounds()
    ]
    return "; ".join(parts).capitalize() + "."


def layer_bars(
    study: LandscapeStudy, pair: tuple[int, int] | None, *, dark: bool = False
) -> go.Figure:
    """Share of each layer in the distance between two tasks, beside that over all pairs.

    Args:
        pair: numbers of the two tasks; None draws all pairs alone.
    """
    names = list(study.layers)
    total = sum(np.nansum(values) for values in study.layers.values()) or 1.0
    whole = [float(np.nansum(study.layers[name]) / total) for name in names]
    series = [("all pairs", whole)]
    if pair is not None:
        shares = study.layer_shares(*pair)
        first, second = (label(study.names[i], 16) for i in pair)
        series.insert(0, (f"{first} and {second}", [shares[name] for name in names]))
    figure = go.Figure()
    for number, (name, values) in enumerate(series):
        figure.add_trace(
            go.Bar(
                y=names,
                x=values,
                name=name,
                orientation="h",
                marker={
                    "color": group_colour(number, dark),
                    "pattern": {"shape": "/" if number else "", "solidity": 0.3},
                },
                hovertemplate="%{y}: %{x:.1%} (" + name + ")<extra></extra>",
            )
        )
    figure.update_layout(
        base_layout(
            dark,
            height=max(220, 70 + 34 * len(names)),
            showlegend=True,
            barmode="group",
            bargap=0.3,
            xaxis={"tickformat": ".0%", "title": {"text": "share of the distance"}},
            yaxis={"autorange": "reversed", "title": {"text": "layer of the trunk"}},
        )
    )
    return figure


def _decades(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> list[float]:
    """Limits of a logarithmic axis with room for the numbers above the marks."""
    known = values[np.isfinite(values)]
    if not len(known):
        return [-1.0, 1.0]
    low, high = np.log10(known.min()), np.log10(known.max())
    room = max(0.3, 0.12 * (high - low))
    return [float(low - room), float(high + room)]
