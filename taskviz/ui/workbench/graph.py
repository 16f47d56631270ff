"""The task graph beside the board, with a threshold of its own."""

from typing import Any

import streamlit as st

from taskviz.figures import task_graph
from taskviz.figures.style import chart_config
from taskviz.ui import frame, store
from taskviz.ui import threshold as thresholds
from taskviz.ui.workbench.source import Source
from taskviz.values import AffinityMatrix, Grouping


def draw(source: Source, plan: Grouping) -> None:
    """The tasks and the pairs that help each other, coloured by group."""
    if not isinstance(source.affinity, AffinityMatrix):
        st.caption(
            "A subset table holds losses of whole groups, not affinities of pairs: there is no "
            "task graph to draw."
        )
        return
    low, high, start = _threshold_range(source.key, source.affinity)
    threshold = start
    if high > low:
        threshold = thresholds.slider(
            "Show pairs with an affinity of at least",
            low,
            high,
            start,
            f"groups_threshold_{source.key[-16:]}",
        )
    figure, words = _graph_figure(
        (source.key, threshold, frame.dark()),
        (plan.groups, tuple(sorted(plan.serving.items()))),
        source.affinity,
        plan,
    )
    st.plotly_chart(
        figure,
        theme=None,
        key="groups_graph",
        config=chart_config(),
        alt=words,
    )


@st.cache_resource(max_entries=256, show_spinner=False)
def _graph_figure(
    made: tuple[str, float, bool], groups: tuple[Any, ...], _matrix: AffinityMatrix, _plan: Grouping
) -> tuple[Any, str]:
    figure = task_graph.task_graph(
        _matrix,
        threshold=made[1],
        groups=_plan,
        layout=store.layout(made[0], _matrix),
        dark=made[2],
    )
    figure.layout.height = 400
    # The board beside it shows colours and letters already.
    figure.layout.showlegend = False
    return figure, task_graph.describe_task_graph(_matrix, threshold=made[1], groups=_plan)


@st.cache_data(max_entries=64, show_spinner=False)
def _threshold_range(key: str, _matrix: AffinityMatrix) -> tuple[float, float, float]:
    weights = [weight for _, _, weight in task_graph.edge_weights(_matrix)]
    if not weights:
        return 0.0, 0.0, 0.0
    low, high = float(min(weights)), float(max(weights))
    return low, high, min(max(float(task_graph.default_threshold(_matrix)), low), high)
