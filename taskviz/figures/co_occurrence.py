"""How often each pair of tasks lands together."""

import numpy as np
import plotly.graph_objects as go

from taskviz.figures.style import base_layout, group_letter, sequential, theme_of
from taskviz.figures.text import label, listed, plain
from taskviz.grouping.stability import Stability

NAMED = 40
"""More tasks than this have no room for their names."""


def co_occurrence(found: Stability, *, dark: bool = False, height: int = 420) -> go.Figure:
    """Share of the draws in which two tasks share a group, tasks ordered by the plan's groups.

    The plan's groups are framed: a plan that always returns has nothing but ones in its frames and
    zeros outside. Cells carry their two tasks as ``customdata``.

    Args:
        found: from :func:`taskviz.grouping.stability.stability`.
        dark: theme.
        height: in pixels.
    """
    theme, place = theme_of(dark), {task: i for i, task in enumerate(found.tasks)}
    order = _order(found)
    names = [plain(task) for task in order]
    positions = [place[task] for task in order]
    shares = found.together[np.ix_(positions, positions)]
    texts = [
        [
            f"<b>{names[i]}</b>"
            if i == j
            else f"<b>{names[i]}, {names[j]}</b><br>together in {shares[i, j]:.0%} of the draws"
            for j in range(len(order))
        ]
        for i in range(len(order))
    ]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            zmin=0,
            zmax=1,
            colorscale=sequential(),
            text=texts,
            customdata=[[[s, t] for t in order] for s in order],
            hoverinfo="text",
            xgap=1,
            ygap=1,
            colorbar={
                "title": {"text": "together"},
                "tickformat": ".0%",
                "thickness": 10,
                "outlinewidth": 0,
            },
            name="together",
        )
    )
    start = 0
    for size in _runs(found):
        if size > 1:
            figure.add_shape(
                type="rect",
                x0=start - 0.5,
                x1=start + size - 0.5,
                y0=start - 0.5,
                y1=start + size - 0.5,
                line={"color": theme.text, "width": 2.5},
            )
        start += size
    ticks = {
        "tickmode": "array",
        "tickvals": list(range(len(order))),
        "ticktext": [label(task, 12) for task in order],
        "tickfont": {"size": 10, "color": theme.muted},
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
        "constrain": "domain",
        "visible": len(order) <= NAMED,
    }
    last = len(order) - 0.5
    figure.update_layout(
        base_layout(
            dark,
            height=height,
            dragmode=False,
            showlegend=False,
            xaxis={**ticks, "range": [-0.5, last], "tickangle": -90},
            yaxis={**ticks, "range": [last, -0.5], "scaleanchor": "x"},
        )
    )
    return figure


def describe_co_occurrence(found: Stability) -> str:
    """One sentence for those who do not see the chart."""
    place = {task: i for i, task in enumerate(found.tasks)}
    words = []
    for index, group in enumerate(found.chosen.groups):
        pairs = [
            found.together[place[s], place[t]] for i, s in enumerate(group) for t in group[i + 1 :]
        ]
        if pairs:
            words.append(f"those of group {group_letter(index)} in {min(pairs):.0%} at least")
    text = f"Share of {found.draws} draws in which two tasks are together"
    return f"{text}: {listed(words, 8)}." if words else f"{text}; each is alone in the plan."


def _order(found: Stability) -> list[str]:
    """Tasks by the group that serves them, each once."""
    return [
        task
        for index, group in enumerate(found.chosen.groups)
        for task in group
        if found.chosen.serving[task] == index
    ]


def _runs(found: Stability) -> list[int]:
    served = list(found.chosen.serving.values())
    return [served.count(index) for index in range(len(found.chosen.groups))]
