"""One matrix on the screen: heatmap and task graph under one selection, pair, table."""

from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from taskviz.figures import heatmap, task_graph
from taskviz.figures.style import chart_config
from taskviz.figures.task_order import ORDERS
from taskviz.ui import frame, glossary, state, store, tables
from taskviz.ui import threshold as thresholds
from taskviz.ui.affinity_words import entry_words, how_obtained
from taskviz.ui.pair import selected as pair_in_url
from taskviz.ui.text import safe
from taskviz.values import AffinityMatrix


def pick(matrix: AffinityMatrix, key: str) -> None:
    """Take over a click in the heatmap; a redraw clears the chart's own selection, not ours."""
    points: list[dict[str, Any]] = st.session_state[key].selection.points
    for point in points:
        data = point.get("customdata")
        if data and len(data) >= 2 and data[0] in matrix.tasks and data[1] in matrix.tasks:
            row, column = matrix.tasks.index(data[0]), matrix.tasks.index(data[1])
            state.put("pair", f"{row}-{column}")
            return


def selected_pair(matrix: AffinityMatrix) -> tuple[str, str] | None:
    """The pair in the URL, where it is one of this matrix."""
    found = pair_in_url(matrix.tasks)
    return None if found is None else (matrix.tasks[found[0]], matrix.tasks[found[1]])


def draw_matrix(matrix: AffinityMatrix) -> None:
    """Heatmap and graph side by side, the selected pair below."""
    dark, pair = frame.dark(), selected_pair(matrix)
    st.markdown(pair_words(matrix, pair))
    left, right = st.columns(2)
    with left:
        order = st.segmented_control(
            "Order",
            ORDERS,
            default="cluster",
            required=True,
            key="order",
            help="cluster: tasks alike in their affinities stand together.",
            bind="query-params",
        )
        many = len(matrix.tasks) > heatmap.CLICKABLE_TASKS
        zoom = many and st.toggle(
            "Zoom to the pair",
            key="zoom_pair",
            disabled=pair is None,
            help="Choose a pair below first: the lists can be searched by typing. Or draw a "
            "rectangle in the heatmap; a double click shows all again.",
            bind="query-params",
        )
        figure = heatmap.affinity_heatmap(
            matrix,
            order=order,
            selected=pair,
            zoom=zoom and pair is not None,
            dark=dark,
            height=440,
        )
        st.plotly_chart(
            figure,
            theme=None,
            key="heatmap",
            on_select=lambda: pick(matrix, "heatmap"),
            selection_mode="points",
            config=chart_config(),
            alt=heatmap.describe_affinity_heatmap(matrix),
        )
    with right:
        values = matrix.symmetric()[np.triu_indices(len(matrix.tasks), 1)]
        known = values[~np.isnan(values)]
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
        threshold = low
        if high > low:
            threshold = thresholds.slider(
                "Show edges from this affinity up",
                low,
                high,
                min(max(task_graph.default_threshold(matrix), low), high),
                f"threshold_{state.get('matrix')}",
            )
        figure = task_graph.task_graph(
            matrix,
            threshold=threshold,
            selected=pair[0] if pair else None,
            layout=store.layout(state.get("matrix") or "", matrix),
            dark=dark,
        )
        st.plotly_chart(
            figure,
            theme=None,
            key="graph",
            config=chart_config(),
            alt=task_graph.describe_task_graph(matrix, threshold=threshold),
        )
    draw_pair(matrix, pair)


def choose_pair(matrix: AffinityMatrix) -> None:
    """Take over a pair from the two lists."""
    source, target = st.session_state["pick_source"], st.session_state["pick_target"]
    if source is not None and target is not None:
        names = matrix.tasks
        state.put("pair", f"{names.index(source)}-{names.index(target)}")


def pair_words(matrix: AffinityMatrix, pair: tuple[str, str] | None) -> str:
    """Both directions of the selected pair in one line, so that nothing moves on a click."""
    if pair is None:
        if len(matrix.tasks) > heatmap.CLICKABLE_TASKS:
            return ":gray[Choose a pair below to see it in both directions.]"
        return ":gray[Click a cell to see a pair in both directions, or choose it below.]"
    return " · ".join(
        f"**{safe(a)}** helps **{safe(b)}**: {entry_words(matrix, a, b)}"
        for a, b in (pair, pair[::-1])
    )


def draw_pair(matrix: AffinityMatrix, pair: tuple[str, str] | None) -> None:
    """The pair by name, for those who do not click, and where its entries come from."""
    if pair is not None:
        # The lists follow a click in the heatmap.
        st.session_state["pick_source"], st.session_state["pick_target"] = pair
    with st.container(horizontal=True):
        for role in ("source", "target"):
            st.selectbox(
                f"{role.capitalize()} of the pair",
                list(matrix.tasks),
                index=None,
                placeholder="Choose a task",
                key=f"pick_{role}",
                help=glossary.meaning(role),
                on_change=choose_pair,
                args=(matrix,),
                width=220,
            )
    if pair is not None:
        st.caption(how_obtained(matrix, *pair))


def draw_table(matrix: AffinityMatrix) -> None:
    """The numbers behind the pictures, to read and to take away."""
    tables.show(
        matrix.to_frame().round(4),
        alt="Affinity of every pair; rows are sources, columns are targets",
    )
    with st.container(horizontal=True):
        for suffix in ("csv", "json"):
            st.download_button(
                f"Download {suffix.upper()}",
                # Written when it is asked for: of 500 tasks it takes a second.
                partial(store.file_bytes, matrix.save, f"matrix.{suffix}"),
                file_name=f"{matrix.collection}-{matrix.method}.{suffix}",
                icon=":material/download:",
                on_click="ignore",
            )
    with st.expander("How it was computed"):
        st.json(
            {
                "method": matrix.method,
                "options": dict(matrix.options),
                "seed": matrix.seed,
                "seconds": round(matrix.seconds, 3),
                "networks trained": matrix.networks_trained,
                "data fingerprint": matrix.fingerprint,
            }
        )
