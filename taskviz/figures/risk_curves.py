"""Excess risk against the size of the source: closed forms as lines, simulation as points."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from taskviz.figures.style import (
    base_layout,
    group_colour,
    group_symbol,
    note,
    theme_of,
    three_digits,
)
from taskviz.figures.style import faded as see_through
from taskviz.theory.simulation import Interval

SIZES = "samples of the source, n_s"
RISK = "excess risk on the target"


@dataclass(frozen=True, slots=True)
class RiskCurve:
    """One setting: its closed form, its simulation, or both.

    Args:
        name: what the legend says; our own words, no user text.
        line: n_s and risk ``(K,)`` of the closed form; None where there is none.
        points: n_s ``(J,)`` and the simulated risks there; None until they are drawn.
        chosen: the setting on the sliders, drawn bold.
    """

    name: str
    line: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
    points: tuple[NDArray[np.float64], Interval] | None = None
    chosen: bool = False


def risk_curves(
    curves: Sequence[RiskCurve],
    *,
    alone: float | None,
    at: int,
    most: float,
    dark: bool = False,
) -> go.Figure:
    """Curves over n_s, the line of learning alone, and the two sides of it in colour.

    Args:
        curves: the settings; the chosen one last, so that it lies on top.
        alone: risk of the target alone; None where it cannot be learned alone.
        at: n_s on the slider, marked.
        most: right end of the axis.
        dark: theme.
    """
    theme = theme_of(dark)
    figure = go.Figure()
    top = _top(curves, alone)
    if alone is not None:
        for low, high, colour in ((0.0, alone, theme.better), (alone, top, theme.worse)):
            figure.add_hrect(
                y0=low, y1=high, fillcolor=see_through(colour, 0.09), line_width=0, layer="below"
            )
        for y, text, anchor, colour in (
            (0.0, "positive transfer", "bottom", theme.better),
            (top, "negative transfer", "top", theme.worse),
        ):
            figure.add_annotation(
                x=1,
                xref="paper",
                xanchor="right",
                y=y,
                yanchor=anchor,
                text=text,
                showarrow=False,
                font={"color": colour, "size": 12},
            )
        figure.add_trace(
            go.Scatter(
                x=[0, 1.015 * most],
                y=[alone, alone],
                mode="lines",
                line={"color": theme.muted, "width": 2.5},
                name="target alone",
                hovertemplate=f"target alone: {three_digits(alone)}<extra></extra>",
            )
        )
    for number, curve in enumerate(curves):
        _add(figure, curve, group_colour(number, dark), group_symbol(number))
    figure.add_vline(x=at, line={"color": theme.text, "width": 1, "dash": "dot"})
    figure.update_layout(
        base_layout(
            dark,
            height=430,
            showlegend=True,
            xaxis={"range": [0, 1.015 * most], "title": {"text": SIZES}},
            yaxis={"range": [0, top], "title": {"text": RISK}},
            uirevision="risk",
        )
    )
    if not curves:
        figure.add_annotation(note("no setting to draw", dark))
    return figure


def _add(figure: go.Figure, curve: RiskCurve, colour: str, symbol: str) -> None:
    """A line, its points, one entry in the legend."""
    if curve.line is not None:
        x, y = curve.line
        figure.add_trace(
            go.Scatter(
                x=x,
                y=y,
                mode="lines",
                line={"color": colour, "width": 3.5 if curve.chosen else 1.8},
                name=curve.name,
                legendgroup=curve.name,
                hovertemplate=f"{curve.name}<br>n_s = %{{x:.0f}}: %{{y:.3g}}<extra></extra>",
            )
        )
    if curve.points is not None:
        at, found = curve.points
        figure.add_trace(
            go.Scatter(
                x=at,
                y=found.mean,
                error_y={"array": found.half_width, "thickness": 1.3, "width": 4},
                mode="markers" if curve.line is not None else "lines+markers",
                line={"color": colour, "width": 1.2, "dash": "dash"},
                marker={"color": colour, "symbol": symbol, "size": 8 if curve.chosen else 6},
                name=f"{curve.name}, simulated",
                legendgroup=curve.name,
                showlegend=curve.line is None,
                hovertemplate=(
                    f"{curve.name}, {found.repeats} draws<br>n_s = %{{x}}: %{{y:.3g}} ± "
                    "%{error_y.array:.2g}<extra></extra>"
                ),
            )
        )


def _top(curves: Sequence[RiskCurve], alone: float | None) -> float:
    """Upper end of the axis: the pole near N = p must not flatten everything else."""
    lines = [curve.line[1] for curve in curves if curve.line is not None]
    drawn = [c.points[1].mean + c.points[1].half_width for c in curves if c.points is not None]
    values = np.concatenate([np.zeros(0), *(lines or drawn)])
    if alone is None:
        return float(1.1 * np.quantile(values, 0.9)) if len(values) else 1.0
    reach = float(values.max()) if len(values) else 0.0
    return max(1.25 * alone, min(1.05 * reach, 4 * alone)) or 1.0


def describe_risk_curves(curves: Sequence[RiskCurve], *, alone: float | None, at: int) -> str:
    """One sentence for those who do not see the curves."""
    text = f"Excess risk at n_s = {at:,}: "
    if alone is not None:
        text += f"target alone {three_digits(alone)}"
    for curve in curves:
        if curve.line is not None:
            value = float(np.interp(at, *curve.line))
            text += f"; {curve.name} {three_digits(value)}"
        elif curve.points is not None:
            sizes, found = curve.points
            value = float(np.interp(at, sizes, found.mean))
            text += f"; {curve.name} {three_digits(value)} by simulation"
    return f"{text.replace(': ; ', ': ')}."
