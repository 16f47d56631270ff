"""The affinity matrix as a heatmap whose cells can be clicked."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from taskviz.figures.small_heatmap import small_heatmap
from taskviz.figures.style import (
    base_layout,
    faded,
    sequential,
    theme_of,
    three_digits,
)
from taskviz.figures.task_order import Order, cluster_order, task_order
from taskviz.figures.text import plain, short_names, text_width
from taskviz.values import AffinityMatrix, TaskvizError

__all__ = [
    "affinity_heatmap",
    "cluster_order",
    "describe_affinity_heatmap",
    "small_heatmap",
    "task_order",
]

LABEL_LETTERS = 14
CLICKABLE_TASKS = 60
"""Beyond this many tasks no markers are laid over the cells: pick tasks from a list instead."""
HATCHED = 2000
"""Cells without data that are hatched one by one; more are one grey layer."""
WINDOW = 12
"""Tasks shown to each side of a pair that is zoomed to."""


def affinity_heatmap(
    matrix: AffinityMatrix,
    *,
    order: Order = "cluster",
    selected: tuple[str, str] | None = None,
    zoom: bool = False,
    dark: bool = False,
    height: int | None = None,
) -> go.Figure:
    """Heatmap of an affinity matrix: sources are rows, targets are columns.

    Trace 0 is the heatmap, ``z`` the reordered values. While T ≤ 60 the trace named ``cells``
    lies over it: nearly invisible markers with ``customdata`` ``[source, target]``, since a
    heatmap itself reports no clicks. Colours span the values off the diagonal; the diagonal is
    veiled (it compares a task with itself). Entries without data are hatched and named so.

    Args:
        order: of rows and columns alike.
        selected: source and target of the cell to outline.
        zoom: show the neighbourhood of that cell alone; a double click shows all.
        dark: theme.
        height: in pixels; None fits a wide column.

    Raises:
        TaskvizError: an unknown order, or a selected task that the matrix does not have.
    """
    theme, size = theme_of(dark), len(matrix.tasks)
    positions = task_order(matrix, order)
    names = [matrix.tasks[i] for i in positions]
    values = matrix.values[np.ix_(positions, positions)]
    low, high = _colour_range(values)
    clickable = size <= CLICKABLE_TASKS
    texts = _hover_texts(matrix, positions) if clickable else []
    # Names that the browser joins: 250,000 sentences of our own would be most of the page.
    named: dict[str, Any] = {"hoverinfo": "skip"}
    if not clickable:
        shown = [plain(name) for name in names]
        named = {
            "x": shown,
            "y": shown,
            "hovertemplate": "<b>%{y} → %{x}</b><br>%{z:.3g}<extra></extra>",
        }

    figure = go.Figure(
        go.Heatmap(
            z=values if clickable else values.astype(np.float32),
            zmin=low,
            zmax=high,
            colorscale=sequential(),
            xgap=1 if size <= CLICKABLE_TASKS else 0,
            ygap=1 if size <= CLICKABLE_TASKS else 0,
            hoverongaps=True,
            **named,
            name="affinity",
            showlegend=False,
            colorbar={
                "orientation": "h",
                "x": 0.5,
                "y": -0.02,
                "yanchor": "top",
                "xanchor": "center",
                "len": 0.9,
                "thickness": 10,
                "outlinewidth": 0,
                "nticks": 5,
                "tickfont": {"color": theme.muted, "size": 11},
                "title": {
                    "text": "affinity: higher helps more",
                    "side": "bottom",
                    "font": {"size": 12, "color": theme.text},
                },
            },
        )
    )
    missing = np.argwhere(np.isnan(values))
    if len(missing) > HATCHED:
        figure.add_trace(_grey(values, named, theme.line))
    elif len(missing):
        figure.add_trace(_hatching(missing, theme.muted, theme.line))
    if clickable:
        figure.add_trace(_cells(names, texts, theme.text))
    shapes = [_diagonal_veil(size, theme.background)]
    if selected is not None:
        shapes += _selection(names, selected, theme.text, theme.background)
    axis = _axis(names, theme.text)
    across, down = (-0.5, size - 0.5), (-0.5, size - 0.5)
    if zoom and selected is not None:
        across, down = (_window(names.index(task), size) for task in reversed(selected))
    # Margins of our own: Plotly's would draw the figure several times to find them.
    room = 36 + max(
        text_width(text, axis["tickfont"]["size"]) for text in short_names(names, LABEL_LETTERS)
    )
    figure.update_layout(
        base_layout(
            dark,
            height=height or (500 if size <= 30 else 620),
            shapes=shapes,
            dragmode=False if clickable else "zoom",
            hoverdistance=40,
            bargap=0,
            showlegend=bool(len(missing)),
            legend={"orientation": "h", "x": 0, "y": -0.19, "yanchor": "top"},
            uirevision=f"heatmap-{order}-{selected if zoom else ''}",
            margin={"l": room, "t": room, "r": 8, "b": 100 if len(missing) else 68},
            xaxis={
                **axis,
                "side": "top",
                "tickangle": -90,
                "range": list(across),
                "constrain": "domain",
                "title": {"text": "target: is helped"},
                "fixedrange": clickable,
            },
            yaxis={
                **axis,
                "range": [down[1], down[0]],
                "scaleanchor": "x",
                "constrain": "domain",
                "constraintoward": "bottom",
                "title": {"text": "source: helps"},
                "fixedrange": clickable,
            },
        )
    )
    return figure


def describe_affinity_heatmap(matrix: AffinityMatrix) -> str:
    """One sentence for those who do not see the heatmap."""
    off = matrix.values.copy()
    np.fill_diagonal(off, np.nan)
    title = f"Affinity of {len(matrix.tasks)} tasks by {matrix.method}"
    if np.isnan(off).all():
        return f"{title}: no pair has data."
    most = np.unravel_index(np.nanargmax(off), off.shape)
    least = np.unravel_index(np.nanargmin(off), off.shape)
    missing = int(np.isnan(off).sum()) - len(matrix.tasks)
    without = f"; {missing} pairs have no data" if missing else ""
    return (
        f"{title}: {matrix.tasks[most[0]]} helps {matrix.tasks[most[1]]} most "
        f"({three_digits(off[most])}), {matrix.tasks[least[0]]} helps {matrix.tasks[least[1]]} "
        f"least ({three_digits(off[least])}){without}."
    )


def _colour_range(values: NDArray[np.float64]) -> tuple[float, float]:
    off = values[~np.eye(len(values), dtype=bool)]
    known = off[~np.isnan(off)]
    if not len(known):
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _hover_texts(matrix: AffinityMatrix, positions: list[int]) -> list[list[str]]:
    names = [plain(task) for task in matrix.tasks]
    rows = []
    for i in positions:
        row = []
        for j in positions:
            value = float(matrix.values[i, j])
            error = None if matrix.standard_error is None else float(matrix.standard_error[i, j])
            pair = f"{names[i]} with itself" if i == j else f"{names[i]} → {names[j]}"
            parts = [f"<b>{pair}</b>", three_digits(value, error)]
            if matrix.support is not None:
                parts.append(f"support: {int(matrix.support[i, j])}")
            row.append("<br>".join(parts))
        rows.append(row)
    return rows


def _axis(names: list[str], colour: str) -> dict[str, Any]:
    size = len(names)
    short = short_names(names, LABEL_LETTERS)
    # Where one can zoom, the browser chooses which names there is room for.
    ticks: dict[str, Any] = {"type": "category", "tickmode": "auto", "nticks": 30}
    if size <= CLICKABLE_TASKS:
        shown = range(0, size, -(-size // 34))
        ticks = {
            "tickmode": "array",
            "tickvals": list(shown),
            "ticktext": [plain(short[i]) for i in shown],
        }
    return {
        **ticks,
        "automargin": False,
        "tickfont": {"size": 12 if size <= 16 else 9 if size <= 34 else 8, "color": colour},
        "showgrid": False,
    }


def _hatching(missing: NDArray[np.intp], ink: str, ground: str) -> go.Bar:
    """Bars of one cell each: of all traces only bars can be hatched."""
    return go.Bar(
        x=missing[:, 1],
        y=np.ones(len(missing)),
        base=missing[:, 0] - 0.5,
        width=1,
        marker={
            "color": faded(ground, 0.35),
            "line": {"width": 0},
            "pattern": {"shape": "/", "fgcolor": ink, "size": 6, "solidity": 0.2},
        },
        hoverinfo="skip",
        name="no data",
        showlegend=True,
    )


def _grey(values: NDArray[np.float64], named: dict[str, Any], colour: str) -> go.Heatmap:
    """All cells without data as one layer."""
    return go.Heatmap(
        **{name: given for name, given in named.items() if name in ("x", "y")},
        z=np.where(np.isnan(values), np.float32(1), np.float32(np.nan)),
        colorscale=[[0, colour], [1, colour]],
        showscale=False,
        hovertemplate="<b>%{y} → %{x}</b><br>no data<extra></extra>",
        name="no data",
        showlegend=True,
    )


def _window(middle: int, size: int) -> tuple[float, float]:
    """Ends of the axis around a task, whole where it stands at a rim."""
    first = min(max(middle - WINDOW, 0), max(size - 2 * WINDOW - 1, 0))
    return first - 0.5, min(first + 2 * WINDOW + 1, size) - 0.5


def _cells(names: list[str], texts: list[list[str]], colour: str) -> go.Scatter:
    """What takes hover and clicks: SVG, since WebGL needs code made at run time (CSP)."""
    size = len(names)
    marker = {"opacity": 0.001}
    return go.Scatter(
        x=np.tile(np.arange(size), size),
        y=np.repeat(np.arange(size), size),
        mode="markers",
        marker={"symbol": "square", "size": min(32, max(4, 300 / size)), "color": colour, **marker},
        selected={"marker": marker},
        unselected={"marker": marker},
        customdata=[[source, target] for source in names for target in names],
        hovertext=[text for row in texts for text in row],
        hoverinfo="text",
        name="cells",
        showlegend=False,
    )


def _diagonal_veil(size: int, colour: str) -> dict[str, Any]:
    half = 0.515  # a little over the cell, else its colour shines through at the rim
    squares = (
        f"M{i - half},{i - half}L{i + half},{i - half}L{i + half},{i + half}L{i - half},{i + half}Z"
        for i in range(size)
    )
    return {
        "type": "path",
        "path": "".join(squares),
        "fillcolor": faded(colour, 0.88),
        "line": {"width": 0},
        "layer": "above",
        "name": "diagonal",
    }


def _selection(
    names: list[str], selected: tuple[str, str], ink: str, ground: str
) -> list[dict[str, Any]]:
    for task in selected:
        if task not in names:
            raise TaskvizError(
                f"Task {task!r} is selected, but the matrix has no task of that name; its tasks "
                f"are {', '.join(names)}."
            )
    row, column = names.index(selected[0]), names.index(selected[1])
    last = len(names) - 0.5

    def outline(name: str, x: tuple[float, float], y: tuple[float, float], line: dict[str, Any]):  # type: ignore[no-untyped-def]
        return {
            "type": "rect",
            "x0": x[0],
            "x1": x[1],
            "y0": y[0],
            "y1": y[1],
            "line": line,
            "layer": "above",
            "name": name,
        }

    thin = {"width": 1.5, "color": ink}
    cell = (column - 0.5, column + 0.5), (row - 0.5, row + 0.5)
    return [
        outline("selected row", (-0.5, last), cell[1], thin),
        outline("selected column", cell[0], (-0.5, last), thin),
        # Two lines, light on dark, so that the outline shows on every colour of the map.
        outline("selected cell, ground", *cell, {"width": 6, "color": ground}),
        outline("selected cell", *cell, {"width": 3, "color": ink}),
    ]
