"""The tasks as a graph: who helps whom above a threshold, coloured by group."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from taskviz.figures.graph_layout import Layout, graph_layout
from taskviz.figures.labels import place_labels
from taskviz.figures.style import (
    Theme,
    base_layout,
    faded,
    group_colour,
    group_letter,
    group_symbol,
    ink_on,
    note,
    theme_of,
    three_digits,
)
from taskviz.figures.text import listed, plain, short_names
from taskviz.values import AffinityMatrix, Grouping, TaskvizError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "default_threshold",
    "describe_task_graph",
    "edge_table",
    "edge_weights",
    "graph_layout",
    "task_graph",
]

Groups = Grouping | Sequence[Sequence[str]]
Edge = tuple[str, str, float]

EDGE_STRENGTHS = 8
"""Edges are drawn in this many steps of width: one trace a step, not one an edge."""
_REACH = 1.18
"""Half the range of both axes; nodes stand within −1 … 1."""
_SMALLEST = (300.0, 330.0)
"""Plot area on a screen of 390 px, where labels must already fit; larger ones have more room."""


def edge_weights(matrix: AffinityMatrix) -> list[Edge]:
    """Every pair that has data with its symmetrised affinity, strongest first."""
    weights = matrix.symmetric()
    rows, columns = np.triu_indices(len(matrix.tasks), 1)
    found = [
        (matrix.tasks[i], matrix.tasks[j], float(weights[i, j]))
        for i, j in zip(rows, columns, strict=True)
        if not np.isnan(weights[i, j])
    ]
    return sorted(found, key=lambda edge: -edge[2])


def edge_table(matrix: AffinityMatrix, threshold: float) -> "pd.DataFrame":
    """The table behind the graph: pairs at or above the threshold, strongest first."""
    import pandas as pd

    shown = [edge for edge in edge_weights(matrix) if edge[2] >= threshold]
    return pd.DataFrame(shown, columns=["task", "other task", "affinity"])


def default_threshold(matrix: AffinityMatrix) -> float:
    """The threshold that keeps about 1.5·T strongest edges; 0 where no pair has data."""
    edges = edge_weights(matrix)
    if not edges:
        return 0.0
    return edges[min(len(edges), round(1.5 * len(matrix.tasks))) - 1][2]


def task_graph(
    matrix: AffinityMatrix,
    *,
    threshold: float,
    groups: Groups | None = None,
    selected: str | tuple[str, str] | None = None,
    layout: Layout | None = None,
    dark: bool = False,
) -> go.Figure:
    """Tasks as nodes, pairs with symmetrised affinity ≥ threshold as edges.

    Nodes carry their task's name as ``customdata``; the invisible marks in the middle of edges
    (trace ``edge marks``) carry ``[task, other task]``. A node has its group's colour, symbol and
    letter; a ring for each further group that holds it.

    Args:
        threshold: in the unit of the matrix.
        groups: a grouping, or groups of names; None draws every node alike.
        selected: a task, or source and target, to mark.
        layout: from :func:`graph_layout`; computed where None.
        dark: theme.

    Raises:
        TaskvizError: a selected task, or one of a group, that the matrix does not have; a layout
            that lacks a task.
    """
    theme = theme_of(dark)
    layout = graph_layout(matrix) if layout is None else layout
    membership = _membership(matrix, groups)
    marked = (selected,) if isinstance(selected, str) else tuple(selected or ())
    for task in (*marked, *layout):
        if task not in matrix.tasks:
            raise TaskvizError(
                f"The matrix has no task {task!r}; its tasks are {', '.join(matrix.tasks)}."
            )
    for task in matrix.tasks:
        if task not in layout:
            raise TaskvizError(f"The layout has no position for task {task!r}: lay it out again.")
    edges = edge_weights(matrix)
    shown = [edge for edge in edges if edge[2] >= threshold]
    figure = go.Figure()
    for trace in _edge_traces(edges, shown, layout, theme):
        figure.add_trace(trace)
    if len(marked) == 2:
        pair = [edge for edge in shown if set(edge[:2]) == set(marked)]
        if pair:
            figure.add_trace(_segments(pair, layout, theme.accent, 6, "selected edge"))
    figure.add_trace(_edge_marks(shown, layout, theme))
    for trace in _node_traces(matrix, membership, marked, layout, dark):
        figure.add_trace(trace)
    axis = {"visible": False, "range": [-_REACH, _REACH], "fixedrange": True}
    figure.update_layout(
        base_layout(
            dark,
            height=440,
            dragmode=False,
            showlegend=bool(membership and any(membership.values())),
            xaxis=axis,
            yaxis=axis,
            uirevision="task-graph",
        )
    )
    # A legend entry hides its nodes but not their edges: rather nothing happens on a click.
    figure.update_layout(legend={"itemclick": False, "itemdoubleclick": False})
    if not shown:
        figure.add_annotation(
            note("no pair reaches the threshold", dark, y=0, yanchor="bottom")
            if edges
            else note("no pair has data", dark, y=0, yanchor="bottom")
        )
    return figure


def describe_task_graph(
    matrix: AffinityMatrix, *, threshold: float, groups: Groups | None = None
) -> str:
    """One sentence for those who do not see the graph."""
    edges = edge_weights(matrix)
    shown = [edge for edge in edges if edge[2] >= threshold]
    linked = {task for edge in shown for task in edge[:2]}
    alone = [task for task in matrix.tasks if task not in linked]
    text = (
        f"Graph of {len(matrix.tasks)} tasks with {len(shown)} of {len(edges)} pairs at affinity "
        f"{three_digits(threshold)} or more"
    )
    if shown:
        first = shown[0]
        text += f"; the strongest joins {first[0]} and {first[1]} ({three_digits(first[2])})"
    if alone and shown:
        text += f"; without an edge: {listed(alone, 4)}"
    if groups is not None:
        count = len(groups.groups if isinstance(groups, Grouping) else groups)
        text += f"; coloured by {count} group{'s' if count != 1 else ''}"
    return f"{text}."


def _membership(matrix: AffinityMatrix, groups: Groups | None) -> dict[str, list[int]]:
    """Task → indices of its groups, the serving one first; empty without groups."""
    if groups is None:
        return {}
    members = groups.groups if isinstance(groups, Grouping) else groups
    found: dict[str, list[int]] = {task: [] for task in matrix.tasks}
    for index, group in enumerate(members):
        for task in group:
            if task not in found:
                raise TaskvizError(
                    f"Group {group_letter(index)} names task {task!r}, which the matrix does not "
                    f"have; its tasks are {', '.join(matrix.tasks)}."
                )
            found[task].append(index)
    if isinstance(groups, Grouping):
        for task, index in groups.serving.items():
            found[task].sort(key=lambda i: (i != index, i))
    return found


def _segments(
    edges: list[Edge], layout: Layout, colour: str, width: float, name: str
) -> go.Scatter:
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


def _edge_traces(
    edges: list[Edge], shown: list[Edge], layout: Layout, theme: Theme
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
            traces.append(_segments(step, layout, colour, 0.6 + widest * share, "edges"))
    return traces


def _edge_marks(shown: list[Edge], layout: Layout, theme: Theme) -> go.Scatter:
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


def _node_traces(
    matrix: AffinityMatrix,
    membership: dict[str, list[int]],
    marked: tuple[str, ...],
    layout: Layout,
    dark: bool,
) -> list[go.Scatter]:
    theme, tasks = theme_of(dark), matrix.tasks
    size = 28 if len(tasks) <= 20 else 22 if len(tasks) <= 50 else 15
    font = 12 if len(tasks) <= 30 else 10
    texts = short_names(tasks, 14)
    reach = size / 2 + 6  # room for a ring, drawn or not, so that labels stay put
    placed = place_labels(
        [_pixels(layout[task]) for task in tasks],
        texts,
        radius=reach,
        font=font,
        size=_SMALLEST,
        all_shown=len(tasks) <= 30,
    )
    traces = []
    if marked:
        traces.append(
            _ring(
                marked,
                layout,
                [size + 9 * max(len(membership.get(task, ())), 1) + 1 for task in marked],
                [theme.accent] * len(marked),
                3.5,
                "selected",
            )
        )
    for extra in range(1, max((len(own) for own in membership.values()), default=0)):
        own = [task for task in tasks if len(membership[task]) > extra]
        colours = [group_colour(membership[task][extra], dark) for task in own]
        traces.append(_ring(own, layout, [size + 9 * extra] * len(own), colours, 3, "also in"))
    by_group: dict[int | None, list[str]] = {}
    for task in tasks:
        own_groups = membership.get(task)
        by_group.setdefault(own_groups[0] if own_groups else None, []).append(task)
    for group, own in sorted(by_group.items(), key=lambda item: (item[0] is None, item[0] or 0)):
        traces.append(_nodes(group, own, membership, layout, size, dark))
    traces += _names(tasks, texts, placed, layout, 2 * reach, font, theme)
    return traces


def _nodes(
    group: int | None,
    tasks: list[str],
    membership: dict[str, list[int]],
    layout: Layout,
    size: float,
    dark: bool,
) -> go.Scatter:
    theme = theme_of(dark)
    colour = theme.muted if group is None else group_colour(group, dark)
    hover = []
    for task in tasks:
        letters = [group_letter(i) for i in membership.get(task, [])]
        word = "groups" if len(letters) > 1 else "group"
        hover.append(
            f"<b>{plain(task)}</b>" + (f"<br>{word} {', '.join(letters)}" if letters else "")
        )
    look = {"opacity": 1.0}
    return go.Scatter(
        x=[layout[task][0] for task in tasks],
        y=[layout[task][1] for task in tasks],
        mode="markers" if group is None else "markers+text",
        marker={
            "size": size,
            "color": colour,
            "symbol": "circle" if group is None else group_symbol(group),
            "line": {"width": 2, "color": theme.background},
            "opacity": 1,
        },
        text=None if group is None else [group_letter(group)] * len(tasks),
        textposition="middle center",
        textfont={"color": ink_on(colour), "size": max(9, size * 0.46), "weight": 700},
        selected={"marker": look},
        unselected={"marker": look},
        customdata=tasks,
        hovertext=hover,
        hoverinfo="text",
        name="tasks" if group is None else f"group {group_letter(group)}",
        showlegend=group is not None,
    )


def _names(
    tasks: Sequence[str],
    texts: list[str],
    placed: list[str | None],
    layout: Layout,
    size: float,
    font: float,
    theme: Theme,
) -> list[go.Scatter]:
    """The labels, on invisible markers of a node's size so that they keep its distance."""
    shown = [i for i, position in enumerate(placed) if position is not None]
    if not shown:
        return []
    marker = {"opacity": 0.0}
    return [
        go.Scatter(
            x=[layout[tasks[i]][0] for i in shown],
            y=[layout[tasks[i]][1] for i in shown],
            mode="markers+text",
            marker={"size": size, "color": theme.text, **marker},
            selected={"marker": marker},
            unselected={"marker": marker},
            text=[plain(texts[i]) for i in shown],
            textposition=[placed[i] for i in shown],
            textfont={"size": font, "color": theme.text, "shadow": _halo(theme.background)},
            hoverinfo="skip",
            name="names",
            showlegend=False,
        )
    ]


def _ring(
    tasks: Sequence[str],
    layout: Layout,
    sizes: list[float],
    colours: list[str],
    width: float,
    name: str,
) -> go.Scatter:
    look: dict[str, Any] = {"marker": {"opacity": 1.0}}
    return go.Scatter(
        x=[layout[task][0] for task in tasks],
        y=[layout[task][1] for task in tasks],
        mode="markers",
        marker={"size": sizes, "color": colours, "symbol": "circle-open", "line": {"width": width}},
        selected=look,
        unselected=look,
        hoverinfo="skip",
        name=name,
        showlegend=False,
    )


def _halo(colour: str) -> str:
    """A rim in the colour of the ground, so that an edge below a name does not cross it out."""
    return ", ".join(f"{x}px {y}px 2px {colour}" for x in (-1, 1) for y in (-1, 1))


def _pixels(point: tuple[float, float]) -> tuple[float, float]:
    width, height = _SMALLEST
    return (
        (point[0] + _REACH) / (2 * _REACH) * width,
        (_REACH - point[1]) / (2 * _REACH) * height,
    )
