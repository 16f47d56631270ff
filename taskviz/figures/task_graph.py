"""The tasks as a graph: who helps whom above a threshold, coloured by group."""

from collections.abc import Sequence

import plotly.graph_objects as go

from taskviz.figures.graph_edges import (
    MOST_EDGES,
    default_threshold,
    edge_marks,
    edge_table,
    edge_traces,
    edge_weights,
    edges_from,
    segments,
)
from taskviz.figures.graph_layout import Layout, graph_layout
from taskviz.figures.graph_nodes import REACH, node_traces
from taskviz.figures.style import base_layout, group_letter, note, theme_of, three_digits
from taskviz.figures.text import listed
from taskviz.values import AffinityMatrix, Grouping, TaskvizError

__all__ = [
    "default_threshold",
    "describe_task_graph",
    "edge_table",
    "edge_weights",
    "graph_layout",
    "task_graph",
]

Groups = Grouping | Sequence[Sequence[str]]


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

    Of more than :data:`MOST_EDGES` such pairs the strongest are drawn, and the figure says so.

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
    reached = edges_from(matrix, threshold)
    shown = reached[:MOST_EDGES]
    traces = edge_traces(edges, shown, layout, theme)
    if len(marked) == 2:
        pair = [edge for edge in shown if set(edge[:2]) == set(marked)]
        if pair:
            traces.append(segments(pair, layout, theme.accent, 6, "selected edge"))
    traces.append(edge_marks(shown, layout, theme))
    traces += node_traces(matrix, membership, marked, layout, dark)
    axis = {"visible": False, "range": [-REACH, REACH], "fixedrange": True}
    drawn = base_layout(
        dark,
        height=440,
        dragmode=False,
        showlegend=bool(membership and any(membership.values())),
        xaxis=axis,
        yaxis=axis,
        uirevision="task-graph",
    )
    # A legend entry hides its nodes but not their edges: rather nothing happens on a click.
    drawn["legend"] = {**drawn["legend"], "itemclick": False, "itemdoubleclick": False}
    # At once: each later change of a figure costs about as much as all of it.
    figure = go.Figure(traces, drawn)
    if len(reached) > len(shown):
        figure.add_annotation(
            note(f"the {len(shown):,} strongest of {len(reached):,} pairs", dark, y=0)
        )
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
    shown = edges_from(matrix, threshold)
    linked = {task for edge in shown for task in edge[:2]}
    drawn = f", the {MOST_EDGES:,} strongest drawn" if len(shown) > MOST_EDGES else ""
    alone = [task for task in matrix.tasks if task not in linked]
    text = (
        f"Graph of {len(matrix.tasks)} tasks with {len(shown)} of {len(edges)} pairs at affinity "
        f"{three_digits(threshold)} or more{drawn}"
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
