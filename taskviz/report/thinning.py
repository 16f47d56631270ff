"""Charts with more points than anybody can see: fewer are drawn, and the chart says so."""

from dataclasses import replace
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from taskviz.figures.line_points import thinned
from taskviz.figures.task_order import cluster_order
from taskviz.values import AffinityMatrix

MOST_POINTS: Final = 5_000
"""Points, or cells of a heatmap, of one chart."""
_FEWEST: Final = 4


def points_of(figure: go.Figure) -> int:
    """Points of all lines and markers, cells of all heatmaps."""
    return sum(_size(trace) for trace in figure.data)


def thin(figure: go.Figure, most: int = MOST_POINTS) -> int:
    """Take points out of the longest traces until ``most`` are left; how many there were.

    First, last, lowest and highest of every stretch stay; a line made of pieces (edges of a graph)
    keeps whole pieces.

    Returns:
        points before, or 0 where nothing had to go.
    """
    before = points_of(figure)
    if before <= most:
        return 0
    long = [trace for trace in figure.data if _size(trace) > _FEWEST and trace.type == "scatter"]
    fixed = before - sum(_size(trace) for trace in long)
    share = max(most - fixed, 0) / sum(_size(trace) for trace in long)
    for trace in long:
        _keep(trace, max(int(_size(trace) * share), _FEWEST))
    return before


def blocks(matrix: AffinityMatrix, most: int = MOST_POINTS) -> tuple[AffinityMatrix, int]:
    """A matrix of at most ``most`` entries: neighbours in the clustered order are averaged.

    Args:
        matrix: of T tasks.
        most: entries.

    Returns:
        the matrix itself and 1, or one of blocks, and how many tasks are in a block.
    """
    size = len(matrix.tasks)
    side = int(most**0.5)
    if size <= side:
        return matrix, 1
    width = -(-size // side)
    order = cluster_order(matrix)
    parts = [order[i : i + width] for i in range(0, size, width)]
    values = matrix.values.copy()
    # A task beside itself is no pair.
    np.fill_diagonal(values, np.nan)
    made = np.full((len(parts), len(parts)), np.nan)
    for i, rows in enumerate(parts):
        for j, columns in enumerate(parts):
            cells = values[np.ix_(rows, columns)]
            if not np.isnan(cells).all():
                made[i, j] = np.nanmean(cells)
    names = tuple(
        f"{matrix.tasks[part[0]]} and {len(part) - 1} more"
        if len(part) > 1
        else matrix.tasks[part[0]]
        for part in parts
    )
    support = (~np.isnan(made)).astype(np.int64)
    small: AffinityMatrix = replace(
        matrix, values=made, tasks=names, standard_error=None, support=support, reliability=None
    )
    return small, width


def _size(trace: Any) -> int:
    if trace.type == "heatmap":
        return int(np.size(trace.z)) if trace.z is not None else 0
    return len(trace.x) if getattr(trace, "x", None) is not None else 0


def _keep(trace: Any, most: int) -> None:
    length = len(trace.x)
    x = np.asarray(trace.x, dtype=object)
    gaps = np.array([value is None or value != value for value in x])
    if gaps.any():
        kept = _pieces(gaps, most)
    else:
        try:
            kept = thinned(np.asarray(trace.y, dtype=np.float64), most)
        except (TypeError, ValueError):
            kept = np.linspace(0, length - 1, most).astype(np.intp)
    for name in ("x", "y", "text", "hovertext", "customdata", "ids"):
        value = getattr(trace, name, None)
        if isinstance(value, tuple | list | np.ndarray) and len(value) == length:
            setattr(trace, name, np.asarray(value)[kept])
    if trace.marker is not None:
        for name in ("size", "color", "symbol", "opacity"):
            value = getattr(trace.marker, name, None)
            if isinstance(value, tuple | list | np.ndarray) and len(value) == length:
                setattr(trace.marker, name, np.asarray(value)[kept])


def _pieces(gaps: Any, most: int) -> Any:
    """Positions of evenly chosen whole pieces; each ends with its gap."""
    ends = np.flatnonzero(gaps)
    starts = np.concatenate([[0], ends[:-1] + 1])
    longest = int((ends - starts + 1).max())
    wanted = max(most // longest, 1)
    picked = np.unique(np.linspace(0, len(ends) - 1, wanted).astype(np.intp))
    return np.concatenate([np.arange(starts[i], ends[i] + 1) for i in picked])
