"""Where pooling helps and where it hurts, over the size of the source and one shift."""

from typing import Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from taskviz.figures.risk_curves import SIZES
from taskviz.figures.style import base_layout, diverging, theme_of

LIMIT: Final = 0.5
"""Gains and losses beyond half of the risk alone have the same colour."""


def transfer_map(
    sizes: NDArray[np.float64],
    shifts: NDArray[np.float64],
    gain: NDArray[np.float64],
    *,
    shift_name: str,
    at: tuple[float, float],
    dark: bool = False,
) -> go.Figure:
    """Gain of pooling ``1 − risk / risk alone``, with the border of the two regions.

    Args:
        sizes: n_s, ``(K,)``, rising.
        shifts: values of the shift, ``(J,)``, rising.
        gain: ``(J, K)``.
        shift_name: title of the upright axis.
        at: n_s and shift on the sliders, marked.
        dark: theme.
    """
    theme = theme_of(dark)
    figure = go.Figure(
        go.Heatmap(
            x=sizes,
            y=shifts,
            z=np.clip(gain, -LIMIT, LIMIT),
            customdata=gain,
            zmin=-LIMIT,
            zmax=LIMIT,
            colorscale=diverging(dark),
            colorbar={
                "title": {"text": "gain", "font": {"size": 12}},
                "tickformat": "+.0%",
                "thickness": 10,
                "len": 0.95,
                "outlinewidth": 0,
                "tickfont": {"color": theme.muted, "size": 11},
            },
            hovertemplate=(
                f"n_s = %{{x:.0f}}, {shift_name.split(',')[-1].strip()} = %{{y:.2f}}<br>"
                "gain %{customdata:+.1%}<extra></extra>"
            ),
            zsmooth="best",
            name="gain",
        )
    )
    if gain.min() < 0 < gain.max():
        figure.add_trace(
            go.Contour(
                x=sizes,
                y=shifts,
                z=gain,
                contours={"start": 0, "end": 0, "size": 1, "coloring": "none"},
                line={"color": theme.text, "width": 2},
                showscale=False,
                hoverinfo="skip",
                name="no difference",
            )
        )
    figure.add_trace(
        go.Scatter(
            x=[at[0]],
            y=[at[1]],
            mode="markers",
            marker={
                "size": 13,
                "color": theme.text,
                "line": {"width": 2.5, "color": theme.background},
            },
            hoverinfo="skip",
            name="sliders",
        )
    )
    figure.update_layout(
        base_layout(
            dark,
            height=430,
            xaxis={"range": [0, float(sizes[-1])], "title": {"text": SIZES}, "showgrid": False},
            yaxis={
                "range": [float(shifts[0]), float(shifts[-1])],
                "title": {"text": shift_name},
                "showgrid": False,
            },
            uirevision="map",
        )
    )
    return figure


def describe_transfer_map(gain: NDArray[np.float64], *, shift_name: str) -> str:
    """One sentence for those who do not see the map."""
    share = float(np.mean(gain > 0))
    return (
        f"Gain of pooling over the size of the source and the {shift_name}: pooling helps on "
        f"{share:.0%} of the area shown, from {gain.min():+.0%} to {gain.max():+.0%}."
    )
