"""Optima on a plane: a mark a sample and task, to be lassoed."""

from collections.abc import Collection, Sequence

import numpy as np
import plotly.graph_objects as go

from taskviz.figures.style import base_layout, group_colour, group_symbol, theme_of, three_digits
from taskviz.figures.text import label, plain
from taskviz.optima.maps import MAPS
from taskviz.optima.optima_map import OptimaMap
from taskviz.values import TaskvizError, unknown_choice

QUICK_FROM = 3000
"""Points from which the map is drawn by the graphics card, where marks are plainer."""
FAINT = 0.12


def optima_scatter(
    study: OptimaMap,
    kind: str,
    *,
    caught: Collection[int] = (),
    tasks: Sequence[str] = (),
    texts: Sequence[str] | None = None,
    dark: bool = False,
    height: int = 430,
) -> go.Figure:
    """One map; a trace a task, its colour and mark those of the task's number.

    Each point carries its number (of ``study.tasks``) as ``customdata``, so that a lasso says what
    it caught. Axes have no numbers: those of t-SNE and UMAP mean nothing.

    Args:
        kind: a key of :data:`taskviz.optima.maps.MAPS`.
        caught: numbers of the points that stay strong; none: all.
        tasks: names of the tasks that stay strong; none: all.
        texts: hover text of each point; escaped already.
        dark: theme.
        height: in pixels.

    Raises:
        TaskvizError: unknown kind, or a task that the map does not have.
    """
    if kind not in study.coordinates:
        raise unknown_choice("map", kind, list(study.coordinates))
    for task in tasks:
        if task not in study.names:
            raise TaskvizError(f"The map has no task {task!r}: it has {', '.join(study.names)}.")
    points, theme = study.coordinates[kind], theme_of(dark)
    draw = go.Scattergl if len(points) >= QUICK_FROM else go.Scatter
    kept = set(caught)
    figure = go.Figure()
    for number, name in enumerate(study.names):
        own = np.flatnonzero(study.tasks == number)
        if not len(own):
            continue
        figure.add_trace(
            draw(
                x=points[own, 0],
                y=points[own, 1],
                mode="markers",
                name=label(name, 22),
                customdata=own[:, None].tolist(),
                text=[texts[i] for i in own] if texts is not None else [plain(name)] * len(own),
                hovertemplate="%{text}<extra></extra>",
                marker={
                    "color": group_colour(number, dark),
                    "symbol": group_symbol(number),
                    "size": 8 if len(points) < 1000 else 6,
                    "line": {"width": 0.5, "color": theme.background},
                },
                opacity=1.0 if not tasks or name in tasks else FAINT,
                selectedpoints=[k for k, i in enumerate(own) if int(i) in kept] if kept else None,
                selected={"marker": {"opacity": 1.0}},
                unselected={"marker": {"opacity": FAINT}},
            )
        )
    bare = {"showgrid": False, "showticklabels": False, "zeroline": False, "title": {"text": ""}}
    figure.update_layout(
        base_layout(
            dark,
            height=height,
            dragmode="lasso",
            showlegend=True,
            legend={
                "orientation": "h",
                "x": 0,
                "xanchor": "left",
                "y": -0.02,
                "yanchor": "top",
                "font": {"color": theme.text, "size": 12},
                "itemsizing": "constant",
            },
            uirevision=f"optima-{kind}",
            newselection={"line": {"color": theme.accent, "width": 2, "dash": "dot"}},
            activeselection={"fillcolor": theme.accent, "opacity": 0.1},
            shapes=[
                {
                    "type": "rect",
                    "xref": "paper",
                    "yref": "paper",
                    "x0": 0,
                    "x1": 1,
                    "y0": 0,
                    "y1": 1,
                    "line": {"color": theme.line, "width": 1},
                    "layer": "below",
                }
            ],
            xaxis=bare,
            yaxis={**bare, "scaleanchor": "x"} if kind == "pca" else bare,
        )
    )
    return figure


def describe_optima_map(study: OptimaMap, kind: str) -> str:
    """One sentence for those who do not see the map."""
    quality = study.quality[kind]
    return (
        f"{MAPS[kind][0]} map of {len(study.tasks)} optima of {len(study.names)} tasks; "
        f"trustworthiness {three_digits(quality.trustworthiness)}, rank correlation of distances "
        f"{three_digits(quality.rank_correlation)}."
    )
