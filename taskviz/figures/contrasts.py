"""Does grouping gain anything: the best plan against random, all-together and all-separate."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from taskviz.figures.style import base_layout, note, signed, theme_of
from taskviz.figures.text import label, plain

Contrast = Mapping[str, Any]
"""``reference``, and ``gain``, ``low``, ``high`` as shares of the reference's loss."""


def contrast_dots(contrasts: Sequence[Contrast], *, dark: bool = False) -> go.Figure:
    """A row a reference: expected gain with its interval; right of 0 the plan is better.

    A whole interval right of 0 takes the colour of a gain, one left of it that of a loss, and one
    that holds 0 is grey: it tells nothing.
    """
    theme = theme_of(dark)
    known = [c for c in contrasts if math.isfinite(float(c["gain"]))]
    figure = go.Figure()
    for row, contrast in enumerate(known):
        gain, low, high = (100 * float(contrast[end]) for end in ("gain", "low", "high"))
        colour = theme.better if low > 0 else theme.worse if high < 0 else theme.muted
        name = plain(str(contrast["reference"]))
        certain = low > 0 or high < 0
        figure.add_trace(
            go.Scatter(
                x=[gain],
                y=[row],
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": [high - gain if math.isfinite(high) else 0.0],
                    "arrayminus": [gain - low if math.isfinite(low) else 0.0],
                    "thickness": 3,
                    "width": 7,
                    "color": colour,
                },
                mode="markers",
                marker={
                    "size": 14,
                    "color": colour,
                    "symbol": "circle" if certain else "circle-open",
                    "line": {"width": 2, "color": colour},
                },
                hovertext=[f"over <b>{name}</b>: {words(contrast)}"],
                hoverinfo="text",
                name=name,
            )
        )
    if known:
        figure.add_vline(x=0, line={"width": 1.5, "color": theme.text})
    figure.update_layout(
        base_layout(
            dark,
            height=max(180, 90 + 48 * len(known)),
            dragmode=False,
            xaxis={
                "title": {"text": "expected gain in loss (right is better)"},
                "ticksuffix": " %",
                "nticks": 7,
            },
            yaxis={
                "tickmode": "array",
                "tickvals": list(range(len(known))),
                "ticktext": [label(f"over {c['reference']}", 24) for c in known],
                "tickfont": {"color": theme.text},
                "range": [len(known) - 0.4, -0.6],
                "showgrid": False,
                "fixedrange": True,
            },
        )
    )
    if not known:
        figure.update_layout(xaxis={"visible": False}, yaxis={"visible": False})
        figure.add_annotation(note("nothing measured yet", dark))
    return figure


def describe_contrasts(contrasts: Sequence[Contrast]) -> str:
    """One sentence for those who do not see the dots."""
    known = [c for c in contrasts if math.isfinite(float(c["gain"]))]
    if not known:
        return "Expected gain of the best plan: nothing measured yet."
    parts = [f"over {contrast['reference']} {words(contrast)}" for contrast in known]
    return f"Expected gain of the best plan: {'; '.join(parts)}."


def words(contrast: Contrast) -> str:
    """``+1.2 % (+0.4 to +2.0 %)``."""
    gain, low, high = (100 * float(contrast[end]) for end in ("gain", "low", "high"))
    if not (math.isfinite(low) and math.isfinite(high)):
        return f"{_short(gain)} %, no interval yet"
    return f"{_short(gain)} % ({_short(low)} to {_short(high)} %)"


def _short(percent: float) -> str:
    """Two digits are enough for a difference that has an interval."""
    rounded = float(f"{percent:.2g}")
    return f"{rounded:+g}".replace("-", "−") if abs(rounded) >= 0.01 else signed(0.0)
