"""Edges of the task graph: which pairs, how strong, how drawn."""

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from taskviz.figures.graph_layout import Layout
from taskviz.figures.style import Theme, faded, three_digits
from taskviz.figures.text import plain
from taskviz.values import AffinityMatrix

if TYPE_CHECKING:
    import pandas as pd

Edge = tuple[str, str, float]

EDGE_STRENGTHS = 8
"""Edges are drawn in this many steps of width: one trace a step, not one an edge."""


MOST_EDGES = 3000
"""Edges that are drawn at most: of more nobody sees one, and a browser takes seconds."""


# Of 500 tasks there are 124,750 pairs, and a threshold that moves asks again and again.
@lru_cache(maxsize=8)
def edge_weights(matrix: AffinityMatrix) -> tuple[Edge, ...]:
    """Every pair that has data with its symmetrised affinity, strongest first."""
    weights = matrix.symmetric()
    rows, columns = np.triu_indices(len(matrix.tasks), 1)
    found = weights[rows, columns]
    order = np.argsort(-found, kind="stable")
    order = order[~np.isnan(found[order])]
    tasks = matrix.tasks
    return tuple(
        (tasks[i], tasks[j], weight)
        for i, j, weight in zip(
            rows[order].tolist(), columns[order].tolist(), found[order].tolist(), strict=True
        )
    )


def edges_from(matrix: AffinityMatrix, threshold: float) -> tuple[Edge, ...]:
    """The pairs at or above a threshold, strongest first."""
    edges = edge_weights(matrix)
    return edges[: bisect_right(edges, -threshold, key=lambda edge: -edge[2])]


def edge_table(matrix: AffinityMatrix, threshold: float) -> "pd.DataFrame":
    """The table behind the graph: pairs at or above the threshold, strongest first."""
    import pandas as pd

    shown = edges_from(matrix, threshold)
    return pd.DataFrame(shown, columns=["task", "other task", "affinity"])


def default_threshold(matrix: AffinityMatrix) -> float:
    """The threshold that keeps about 1.5·T strongest edges; 0 where no pair has data."""
    edges = edge_weights(matrix)
    if not edges:
        return 0.0
    return edges[min(len(edges), round(1.5 * len(matrix.tasks))) - 1][2]


def segments(
    edges: Sequence[Edge], layout: Layout, colour: str, width: float, name: str
) -> go.Scatter:
    """All edges of one look as one trace."""
    xs: list[float | None] = []
    ys: list[float | None] = []
    for a, b, _ in edges:
        xs += [layout[a][0], layout[b][0], None]
        ys += [layout[a][1], layout[b][1], None]
    return go.Scatter(
        x=xs,
        y=ys,
        mode="lines",
        line={"color": colour, "width": width},
        hoverinfo="skip",
        name=name,
        showlegend=False,
    )


def edge_traces(
    edges: Sequence[Edge], shown: Sequence[Edge], layout: Layout, theme: Theme
) -> list[go.Scatter]:
    """One trace a step of strength; steps span all pairs, so an edge keeps its look."""
    if not shown:
        return []
    # From the median up: with the weak half shown too, all that matters would look alike.
    high, low = edges[0][2], edges[len(edges) // 2][2]
    steps: list[list[Edge]] = [[] for _ in range(EDGE_STRENGTHS)]
    for edge in shown:
        share = (edge[2] - low) / (high - low) if high > low else 1.0
        steps[min(max(int(share * EDGE_STRENGTHS), 0), EDGE_STRENGTHS - 1)].append(edge)
    traces = []
    widest = 5.5 if len(layout) <= 30 else 3.0
    for i, step in enumerate(steps):
        share = ((i + 1) / EDGE_STRENGTHS) ** 2
        if step:
            colour = faded(theme.edge, 0.15 + 0.6 * share)
            traces.append(segments(step, layout, colour, 0.6 + widest * share, "edges"))
    return traces


def edge_marks(shown: Sequence[Edge], layout: Layout, theme: Theme) -> go.Scatter:
    """Invisible marks in the middle of edges: what takes hover and clicks."""
    marker = {"opacity": 0.001}
    return go.Scatter(
        x=[(layout[a][0] + layout[b][0]) / 2 for a, b, _ in shown],
        y=[(layout[a][1] + layout[b][1]) / 2 for a, b, _ in shown],
        mode="markers",
        marker={"size": 12, "color": theme.edge, **marker},
        selected={"marker": marker},
        unselected={"marker": marker},
        customdata=[[a, b] for a, b, _ in shown],
        hovertext=[f"<b>{plain(a)} – {plain(b)}</b><br>{three_digits(w)}" for a, b, w in shown],
        hoverinfo="text",
        name="edge marks",
        showlegend=False,
    )
