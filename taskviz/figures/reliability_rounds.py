"""How the reliability grew while networks were trained."""

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from taskviz.affinity.reliability import SHAKY, STABLE
from taskviz.figures.style import base_layout, note, theme_of

Round = tuple[int, float]
"""Networks trained so far, reliability."""


def reliability_rounds(rounds: Sequence[Round], *, dark: bool = False) -> go.Figure:
    """Reliability against networks trained, with the lines from which it is shaky and stable."""
    theme = theme_of(dark)
    known = [(n, r) for n, r in rounds if math.isfinite(r)]
    figure = go.Figure()
    if known:
        figure.add_trace(
            go.Scatter(
                x=[n for n, _ in known],
                y=[r for _, r in known],
                mode="lines+markers",
                line={"color": theme.accent, "width": 2},
                marker={"size": 9},
                hovertext=[f"{n:,} networks: {r:.2f}" for n, r in known],
                hoverinfo="text",
                name="reliability",
            )
        )
        for level, grade in ((STABLE, "stable"), (SHAKY, "shaky")):
            figure.add_hline(
                y=level,
                line={"color": theme.muted, "width": 1, "dash": "dot"},
                annotation={
                    "text": f"{grade} from {level:g}",
                    "font": {"size": 11, "color": theme.muted},
                },
                annotation_position="top left",
            )
    lowest = min([r for _, r in known], default=0.0)
    figure.update_layout(
        base_layout(
            dark,
            height=260,
            dragmode=False,
            xaxis={
                "title": {"text": "networks trained"},
                "rangemode": "tozero",
                "showgrid": False,
            },
            yaxis={
                "title": {"text": "reliability"},
                "range": [min(-0.05, lowest - 0.05), 1.05],
                "nticks": 6,
            },
        )
    )
    if not known:
        figure.update_layout(xaxis={"visible": False}, yaxis={"visible": False})
        figure.add_annotation(note("no reliability yet: it takes two seeds", dark))
    return figure


def describe_reliability_rounds(rounds: Sequence[Round]) -> str:
    """One sentence for those who do not see the line."""
    known = [(n, r) for n, r in rounds if math.isfinite(r)]
    if not known:
        return "Reliability against networks trained: nothing known yet."
    (first, start), (last, end) = known[0], known[-1]
    return (
        f"Reliability against networks trained: {start:.2f} at {first:,}, {end:.2f} at {last:,}."
    ).replace("-", "−")
