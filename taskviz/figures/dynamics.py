"""How affinities change while a network is trained on all tasks."""

import numpy as np
import plotly.graph_objects as go

from taskviz.affinity.dynamics import METHODS, DynamicsStudy
from taskviz.figures.style import (
    base_layout,
    faded,
    group_colour,
    sequential,
    theme_of,
    three_digits,
)
from taskviz.figures.text import label, plain


def stability_lines(study: DynamicsStudy, *, dark: bool = False) -> go.Figure:
    """Rank correlation of each look with the start (solid) and with the look before (dashed)."""
    frame = study.stability()
    figure = go.Figure()
    for number, (method, title) in enumerate(METHODS.items()):
        own = frame[frame["method"] == method]
        for column, dash, words in (
            ("start", "solid", "against the start"),
            ("before", "dot", "against the look before"),
        ):
            figure.add_trace(
                go.Scatter(
                    x=own["epoch"],
                    y=own[column],
                    error_y={"array": own[f"{column}_error"], "thickness": 1, "width": 3},
                    mode="lines+markers",
                    line={"color": group_colour(number, dark), "width": 2, "dash": dash},
                    marker={"symbol": "circle" if column == "start" else "square", "size": 7},
                    name=f"{title} {words}",
                    hovertemplate="epoch %{x}: %{y:.3f}<extra>" + f"{title} {words}</extra>",
                )
            )
    figure.update_layout(
        base_layout(
            dark,
            height=320,
            showlegend=True,
            xaxis={"title": {"text": "epochs of joint training"}},
            yaxis={"range": [-1.05, 1.08], "title": {"text": "rank correlation"}},
        )
    )
    return figure


def describe_stability(study: DynamicsStudy) -> str:
    """One sentence for those who do not see the lines."""
    last = study.stability().groupby("method").last()
    parts = [
        f"{METHODS[str(method)]} {three_digits(float(row['start']))}"
        for method, row in last.iterrows()
    ]
    return f"Rank correlation of the last look with the start: {', '.join(parts)}."


def pair_lines(
    study: DynamicsStudy, method: str, pair: tuple[int, int] | None = None, *, dark: bool = False
) -> go.Figure:
    """A line a pair of tasks, both directions averaged; the picked pair stands out with its error.

    Args:
        pair: numbers of two tasks.
    """
    theme, size = theme_of(dark), len(study.names)
    mean, error = study.mean(method), study.error(method)
    both = (mean + mean.transpose(0, 2, 1)) / 2
    figure = go.Figure()
    chosen = None
    if pair is not None and pair[0] != pair[1]:
        chosen = min(pair), max(pair)
    for s in range(size):
        for t in range(s + 1, size):
            if (s, t) != chosen:
                figure.add_trace(_line(study, both, s, t, faded(theme.muted, 0.45), 1.2))
    if chosen is not None:
        line = _line(study, both, chosen[0], chosen[1], theme.accent, 3)
        if error is not None:
            # two directions of one training are no two measurements: the larger error stands
            spread = np.maximum(error[:, chosen[0], chosen[1]], error[:, chosen[1], chosen[0]])
            line.error_y = {"array": spread, "thickness": 1.4, "width": 4}
        figure.add_trace(line)
    figure.update_layout(
        base_layout(
            dark,
            height=340,
            xaxis={"title": {"text": "epochs of joint training"}},
            yaxis={"title": {"text": f"affinity by {METHODS[method]}"}},
        )
    )
    return figure


def _line(
    study: DynamicsStudy,
    both: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    s: int,
    t: int,
    colour: str,
    width: float,
) -> go.Scatter:
    name = f"{plain(study.names[s])} and {plain(study.names[t])}"
    return go.Scatter(
        x=study.epochs,
        y=both[:, s, t],
        mode="lines",
        line={"color": colour, "width": width},
        name=name,
        hovertemplate=f"<b>{name}</b><br>epoch %{{x}}: %{{y:.3g}}<extra></extra>",
    )


def animated_heatmap(study: DynamicsStudy, method: str, *, dark: bool = False) -> go.Figure:
    """The matrix at every look, as frames with a slider; colours span all looks alike."""
    theme, size = theme_of(dark), len(study.names)
    mean = study.mean(method).copy()
    off = ~np.eye(size, dtype=bool)
    known = mean[:, off][np.isfinite(mean[:, off])]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    mean[:, ~off] = np.nan
    names = [plain(name) for name in study.names]

    def layer(k: int) -> go.Heatmap:
        return go.Heatmap(
            z=mean[k],
            zmin=low,
            zmax=high if high > low else low + 1,
            colorscale=sequential(),
            xgap=1,
            ygap=1,
            customdata=[[f"{a} → {b}" for b in names] for a in names],
            hovertemplate="%{customdata}: %{z:.3g}<extra></extra>",
            hoverongaps=False,
            colorbar={
                "thickness": 10,
                "outlinewidth": 0,
                "tickfont": {"color": theme.muted, "size": 11},
                "nticks": 5,
            },
        )

    frames = [go.Frame(data=[layer(k)], name=str(epoch)) for k, epoch in enumerate(study.epochs)]
    step = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}}
    play = {"frame": {"duration": 500, "redraw": True}, "fromcurrent": True}
    ticks = {
        "tickmode": "array",
        "tickvals": list(range(size)),
        "ticktext": [label(name, 10) for name in study.names],
        "showgrid": False,
        "fixedrange": True,
        "constrain": "domain",
        "tickfont": {"size": 11, "color": theme.muted},
    }
    figure = go.Figure(data=[layer(0)], frames=frames)
    figure.update_layout(
        base_layout(
            dark,
            height=430,
            dragmode=False,
            margin={"l": 8, "r": 8, "t": 8, "b": 90},
            xaxis={**ticks, "tickangle": -90, "title": {"text": ""}},
            yaxis={**ticks, "autorange": "reversed", "scaleanchor": "x", "title": {"text": ""}},
            sliders=[
                {
                    "active": 0,
                    "x": 0.12,
                    "len": 0.86,
                    "y": -0.16,
                    "pad": {"t": 16},
                    "currentvalue": {"prefix": "epoch ", "font": {"color": theme.text, "size": 13}},
                    "font": {"color": theme.muted, "size": 10},
                    "bgcolor": theme.line,
                    "activebgcolor": theme.accent,
                    "bordercolor": theme.line,
                    "steps": [
                        {"label": str(e), "method": "animate", "args": [[str(e)], step]}
                        for e in study.epochs
                    ],
                }
            ],
            updatemenus=[
                {
                    "type": "buttons",
                    "x": 0.0,
                    "y": -0.16,
                    "xanchor": "left",
                    "yanchor": "top",
                    "pad": {"t": 34},
                    "bgcolor": theme.surface,
                    "bordercolor": theme.line,
                    "font": {"color": theme.text},
                    "buttons": [{"label": "▶", "method": "animate", "args": [None, play]}],
                }
            ],
        )
    )
    return figure


def describe_dynamics(study: DynamicsStudy, method: str) -> str:
    """One sentence for those who do not see the animation."""
    return (
        f"{METHODS[method]} between {len(study.names)} tasks at {len(study.epochs)} epochs from "
        f"{study.epochs[0]} to {study.epochs[-1]}."
    )
