"""Rank agreement of SCA against the number of samples."""

import plotly.graph_objects as go

from taskviz.affinity.sample_size import RISEN, SampleSizeStudy
from taskviz.figures.style import base_layout, group_colour, theme_of, three_digits

LINES = (
    ("samples", "other samples, same initial state", "circle", "solid"),
    ("inits", "other initial state, same samples", "square", "dash"),
)


def sample_size_lines(study: SampleSizeStudy, *, dark: bool = False) -> go.Figure:
    """Mean Spearman correlation at each n, with bars of one standard error.

    Where the line of the samples rises and that of the initial states stays low, more samples
    cannot help: average over initial states instead.
    """
    theme, frame = theme_of(dark), study.to_frame()
    figure = go.Figure()
    for number, (column, name, symbol, dash) in enumerate(LINES):
        figure.add_trace(
            go.Scatter(
                x=frame["n"],
                y=frame[column],
                error_y={"array": frame[f"{column}_error"], "thickness": 1.2, "width": 3},
                mode="lines+markers",
                line={"color": group_colour(number, dark), "width": 2, "dash": dash},
                marker={"symbol": symbol, "size": 9},
                name=name,
                hovertemplate="n = %{x}: %{y:.3f}<extra></extra>",
            )
        )
    figure.add_hline(y=RISEN, line={"color": theme.muted, "width": 1, "dash": "dot"})
    figure.update_layout(
        base_layout(
            dark,
            height=340,
            showlegend=True,
            xaxis={"type": "log", "title": {"text": "samples n"}, "tickvals": list(study.n)},
            yaxis={"range": [-1.02, 1.05], "title": {"text": "rank correlation"}},
        )
    )
    return figure


def describe_sample_size(study: SampleSizeStudy) -> str:
    """One sentence for those who do not see the lines."""
    last = study.to_frame().iloc[-1]
    return (
        f"At n = {int(last['n'])}, matrices from other samples correlate "
        f"{three_digits(float(last['samples']))}, from another initial state "
        f"{three_digits(float(last['inits']))}."
    )
