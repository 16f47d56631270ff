"""Nodes of the task graph: colour, symbol and letter of their group, rings, names."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import plotly.graph_objects as go

from taskviz.figures.graph_layout import Layout
from taskviz.figures.labels import place_labels
from taskviz.figures.style import (
    Theme,
    group_colour,
    group_letter,
    group_symbol,
    ink_on,
    theme_of,
)
from taskviz.figures.text import plain, short_names
from taskviz.values import AffinityMatrix

REACH = 1.18
"""Half the range of both axes; nodes stand within −1 … 1."""
NODE_SIZES = ((20, 28), (50, 22), (150, 15), (float("inf"), 8))
"""Up to how many tasks a node has which diameter in pixels; many must not hide their edges."""
SMALLEST = (300.0, 330.0)
"""Plot area on a screen of 390 px, where labels must already fit; larger ones have more room."""


def node_traces(
    matrix: AffinityMatrix,
    membership: dict[str, list[int]],
    marked: tuple[str, ...],
    layout: Layout,
    dark: bool,
) -> list[go.Scatter]:
    """Nodes, rings and names.

    Args:
        membership: task → indices of its groups, the serving one first; empty without groups.
        marked: selected tasks.
    """
    theme, tasks = theme_of(dark), matrix.tasks
    size = next(size for most, size in NODE_SIZES if len(tasks) <= most)
    font = 12 if len(tasks) <= 30 else 10
    texts = short_names(tasks, 14)
    reach = size / 2 + 6  # room for a ring, drawn or not, so that labels stay put
    points = tuple(pixels(layout[task]) for task in tasks)
    placed = _placed(points, tuple(texts), reach, font, len(tasks) <= 30)
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


# Groups and thresholds change nothing here, and while a slider moves nothing else changes.
@lru_cache(maxsize=64)
def _placed(
    points: tuple[tuple[float, float], ...],
    texts: tuple[str, ...],
    radius: float,
    font: float,
    all_shown: bool,
) -> tuple[str | None, ...]:
    return tuple(
        place_labels(points, texts, radius=radius, font=font, size=SMALLEST, all_shown=all_shown)
    )


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
    placed: Sequence[str | None],
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


def pixels(point: tuple[float, float]) -> tuple[float, float]:
    """Where a place of the layout is on the smallest screen, y downwards."""
    width, height = SMALLEST
    return (
        (point[0] + REACH) / (2 * REACH) * width,
        (REACH - point[1]) / (2 * REACH) * height,
    )
