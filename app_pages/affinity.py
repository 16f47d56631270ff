"""How much does each task help each other?"""

from typing import Any

import numpy as np
import streamlit as st

from taskviz.affinity import ESTIMATORS, estimator_class
from taskviz.figures import heatmap, task_graph
from taskviz.figures.style import chart_config, duration_words
from taskviz.jobs import LIVE, start_job
from taskviz.ui import (
    compare_matrices,
    frame,
    job_panel,
    sample_size_tab,
    state,
    store,
)
from taskviz.ui.affinity_words import entry_words, headline, how_obtained
from taskviz.ui.options_form import options_form
from taskviz.ui.text import plural, safe
from taskviz.values import AffinityMatrix, TaskCollection, TaskvizError

FIRST = {"gradient-cosine": " (a first guess)"}
frame.title("affinity")
collection = frame.need_collection()
stored = store.affinities_of(collection)


def price_words(collection: TaskCollection, method: str, options: dict[str, Any]) -> str:
    """What a run will cost here, before it is started."""
    cost = store.price(state.get("collection") or "", collection, method, options)
    words = "no network to train" if not cost.networks else plural(cost.networks, "network")
    before = [m.seconds for _, m in stored if m.method == method]
    if cost.seconds is not None:
        words += f", at most {duration_words(cost.seconds)} if trained one after another"
    if before:
        words += f"; {duration_words(before[0])} last time"
    return words


def choose_estimator(collection: TaskCollection) -> None:
    """Left: an estimator, its options, its price, and the button."""
    method = st.selectbox(
        "Estimator",
        sorted(ESTIMATORS, key=lambda name: name not in FIRST),
        format_func=lambda name: estimator_class(name).title + FIRST.get(name, ""),
        key="estimator",
        persist_state="session",
    )
    kind = estimator_class(method)
    st.caption(kind.summary)
    # Above the options, so that it is in sight without scrolling.
    start = st.container(gap="xsmall")
    options = options_form(kind.Options, f"opt_{method}")
    seed = st.number_input("Seed", value=0, min_value=0, step=1, key="affinity_seed")
    try:
        kind(**options)
    except TaskvizError as error:
        st.error(safe(error))
        return
    price = price_words(collection, method, options)
    start.caption(f":material/timer: Cost: {price}.")
    if start.button("Compute", type="primary", icon=":material/play_arrow:", width="stretch"):
        job = start_job(
            "affinity",
            {
                "collection": store.resolve(state.get("collection") or "").to_json(),
                "method": method,
                "options": options,
                "seed": int(seed),
                "device": "auto",
            },
            title=f"{kind.title} on {collection.name}",
            store=store.jobs(),
        )
        state.put("job", job.id)
        st.rerun()


def watch_job() -> None:
    """The job in the URL, while it computes an affinity of this page."""
    job_id = state.get("job")
    job = store.job(job_id)
    if job is None or job.kind != "affinity":
        return
    if job.state in LIVE:
        st.fragment(_poll, run_every="1s")(job.id)
    elif job.state == "done":
        key = (job.result or {}).get("affinity")
        if key and state.get("matrix") is None:
            state.put("matrix", key)
            st.rerun()
    else:
        job_panel.headline(job)


def _poll(job_id: str) -> None:
    job = store.jobs().get(job_id)
    if job.state not in LIVE:
        if job.state == "done" and job.result:
            state.put("matrix", str(job.result["affinity"]))
        st.rerun(scope="app")
    job_panel.headline(job)


def choose_matrix() -> tuple[str, AffinityMatrix] | None:
    """The matrix in the URL, else the newest one of this collection; a list where several are."""
    if not stored:
        return None
    keys = [key for key, _ in stored]
    wanted = state.get("matrix")
    if wanted not in keys:
        wanted = keys[0]
    if len(stored) > 1:
        by_key = dict(stored)
        wanted = st.selectbox(
            "Matrix shown",
            keys,
            index=keys.index(wanted),
            format_func=lambda key: store.matrix_label(by_key[key]),
            help="Every matrix that was computed for this collection.",
        )
    if state.get("matrix") != wanted:
        state.put("matrix", wanted)
    return wanted, dict(stored)[wanted]


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
    parts = (state.get("pair") or "").split("-")
    if len(parts) != 2 or not all(part.isdigit() for part in parts):
        return None
    row, column = int(parts[0]), int(parts[1])
    size = len(matrix.tasks)
    return (matrix.tasks[row], matrix.tasks[column]) if max(row, column) < size else None


def draw_matrix(matrix: AffinityMatrix) -> None:
    """Heatmap and graph side by side, the selected pair below."""
    dark, pair = frame.dark(), selected_pair(matrix)
    st.markdown(pair_words(matrix, pair))
    left, right = st.columns(2)
    with left:
        order = st.segmented_control(
            "Order",
            ["cluster", "name", "given"],
            default="cluster",
            required=True,
            key="order",
            help="cluster: tasks alike in their affinities stand together.",
            bind="query-params",
        )
        figure = heatmap.affinity_heatmap(matrix, order=order, selected=pair, dark=dark, height=440)
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
            step = (high - low) / 100
            threshold = st.slider(
                "Show edges from this affinity up",
                min_value=low,
                max_value=high,
                value=min(max(task_graph.default_threshold(matrix), low), high),
                step=step,
                format="%.3g",
                key=f"threshold_{state.get('matrix')}",
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
                on_change=choose_pair,
                args=(matrix,),
                width=220,
            )
    if pair is not None:
        st.caption(how_obtained(matrix, *pair))


def draw_table(matrix: AffinityMatrix) -> None:
    """The numbers behind the pictures, to read and to take away."""
    st.dataframe(
        matrix.to_frame().round(4),
        alt="Affinity of every pair; rows are sources, columns are targets",
    )
    with st.container(horizontal=True):
        for suffix in ("csv", "json"):
            st.download_button(
                f"Download {suffix.upper()}",
                store.file_bytes(matrix.save, f"matrix.{suffix}"),
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


side, main = st.columns([1, 3], gap="large")
with side:
    current = choose_matrix()
    with st.container(border=True):
        choose_estimator(collection)
with main:
    watch_job()
    if current is None:
        with st.container(border=True):
            st.markdown("#### No affinity yet")
            st.markdown(
                "Press **Compute** to estimate how much each task helps each other. With the "
                "settings shown it takes seconds; you can keep browsing while it runs."
            )
    else:
        matrix = current[1]
        st.markdown(headline(matrix))
        for note in matrix.notes:
            st.caption(f":material/info: {safe(note)}")
        views = ["Matrix and graph", "Compare", "Sample size", "Table"]
        tabs = st.tabs(views, on_change="rerun", key="affinity_tab", bind="query-params")
        if tabs[0].open:
            with tabs[0]:
                draw_matrix(matrix)
        if tabs[1].open:
            with tabs[1]:
                compare_matrices.draw(stored, dark=frame.dark())
        if tabs[2].open:
            with tabs[2]:
                sample_size_tab.draw(collection, dark=frame.dark())
        if tabs[3].open:
            with tabs[3]:
                draw_table(matrix)
frame.next_step(
    "Find groups", "groups", ready=current is not None, why="Compute an affinity first."
)
