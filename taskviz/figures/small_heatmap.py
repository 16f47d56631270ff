"""A heatmap without words, to set several matrices side by side."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from taskviz.figures.style import base_layout, sequential, theme_of
from taskviz.figures.text import label, plain
from taskviz.values import AffinityMatrix, TaskvizError


def entry_ranks(matrix: AffinityMatrix) -> NDArray[np.float64]:
    """Rank of each entry off the diagonal among all, 0 (lowest) … 1; NaN without data."""
    from scipy.stats import rankdata

    off = ~np.eye(len(matrix.tasks), dtype=bool) & ~np.isnan(matrix.values)
    ranks = np.full(matrix.values.shape, np.nan)
    if off.any():
        known = rankdata(matrix.values[off]) - 1
        ranks[off] = known / max(known.max(), 1.0)
    return ranks


def small_heatmap(
    matrix: AffinityMatrix, *, order: Sequence[int], dark: bool = False, height: int = 260
) -> go.Figure:
    """Ranks of a matrix's entries in a given order of tasks; the diagonal is left out.

    Ranks, since estimators differ in unit: equal pictures mean equal order of pairs.

    Args:
        order: a permutation of the tasks' positions, the same for all matrices compared.
        dark: theme.
        height: in pixels.

    Raises:
        TaskvizError: the order is no permutation of the tasks.
    """
    size = len(matrix.tasks)
    positions = list(order)
    if sorted(positions) != list(range(size)):
        raise TaskvizError(
            f"The order {positions} is no permutation of {size} tasks: name each position once."
        )
    names = [plain(matrix.tasks[i]) for i in positions]
    grid = np.ix_(positions, positions)
    ranks, values = entry_ranks(matrix)[grid], matrix.values[grid]
    texts = [
        [
            f"<b>{names[i]} → {names[j]}</b><br>"
            + (
                "no data"
                if np.isnan(values[i, j])
                else f"rank {ranks[i, j]:.0%} ({values[i, j]:.3g})"
            )
            for j in range(size)
        ]
        for i in range(size)
    ]
    ticks = {
        "tickmode": "array",
        "tickvals": list(range(size)),
        "ticktext": [label(matrix.tasks[i], 8) for i in positions],
        "tickfont": {"size": 9, "color": theme_of(dark).muted},
        "showgrid": False,
        "fixedrange": True,
        "constrain": "domain",
        "visible": size <= 20,
    }
    figure = go.Figure(
        go.Heatmap(
            z=ranks,
            zmin=0,
            zmax=1,
            colorscale=sequential(),
            showscale=False,
            text=texts,
            hoverinfo="text",
            hoverongaps=False,
            name="ranks",
        )
    )
    figure.update_layout(
        base_layout(
            dark,
            height=height,
            dragmode=False,
            xaxis={**ticks, "range": [-0.5, size - 0.5], "side": "bottom", "tickangle": -90},
            yaxis={**ticks, "range": [size - 0.5, -0.5], "scaleanchor": "x"},
        )
    )
    return figure
