"""Discrepancy between the inputs of separate data sets, for the collection in use."""

import streamlit as st

from taskviz.figures.small_heatmap import small_heatmap
from taskviz.figures.style import chart_config, three_digits
from taskviz.jobs import LIVE
from taskviz.ui import frame, job_panel, state, store, tables, user
from taskviz.ui.text import safe
from taskviz.values import AffinityMatrix


def draw(*, dark: bool) -> None:
    """What the discrepancy is here, or why there is none."""
    st.markdown(
        "Covariate shift of real data sets: a classifier is trained to tell the inputs of two "
        "tasks apart. With ε its held-out error, the discrepancy is **d = 2 (1 − 2ε)**: 0 where "
        "they cannot be told apart, 2 where they always can."
    )
    collection = frame.current_collection() if state.get("collection") else None
    if collection is None:
        st.info("No collection is in use: choose one with separate data sets to measure it here.")
        return
    if collection.layout == "joint":
        st.info(
            f"In {safe(collection.name)} all tasks share their inputs: the discrepancy between any "
            "two is **0** by definition, and tells nothing."
        )
        return
    found = [m for _, m in store.affinities_of(collection) if m.method == "discrepancy"]
    job = store.job(state.get("job"))
    if job is not None and job.spec.get("method") == "discrepancy" and job.state in LIVE:
        job_panel.watch(job)
        return
    if not found:
        if job is not None and job.spec.get("method") == "discrepancy":
            job_panel.headline(job)
        if user.edit_button(
            "Measure the discrepancy", icon=":material/play_arrow:", type="primary"
        ):
            job_panel.start(
                "affinity",
                {"method": "discrepancy", "options": {}, "seed": 0},
                title=f"Discrepancy on {collection.name}",
                url_key="job",
            )
        return
    _show(found[0], dark=dark)


def _show(matrix: AffinityMatrix, *, dark: bool) -> None:
    distance = -matrix.values
    pairs = [
        (float(distance[s, t]), s, t)
        for s in range(len(matrix.tasks))
        for t in range(s + 1, len(matrix.tasks))
    ]
    if pairs:
        low, high = min(pairs), max(pairs)
        st.markdown(
            f"Most alike: **{safe(matrix.tasks[low[1]])}** and **{safe(matrix.tasks[low[2]])}** "
            f"({three_digits(low[0], _error(matrix, low))}); furthest apart: "
            f"**{safe(matrix.tasks[high[1]])}** and **{safe(matrix.tasks[high[2]])}** "
            f"({three_digits(high[0], _error(matrix, high))})."
        )
    st.plotly_chart(
        small_heatmap(matrix, order=range(len(matrix.tasks)), dark=dark, height=360),
        theme=None,
        key="discrepancy_heatmap",
        config=chart_config(),
        alt="Ranks of the discrepancy of each pair: bright is alike",
    )
    for note in matrix.notes:
        st.caption(f":material/info: {safe(note)}")
    table = matrix.to_frame()
    tables.show(store.readable(-table), alt="Discrepancy of each pair, 0 to 2")


def _error(matrix: AffinityMatrix, pair: tuple[float, int, int]) -> float | None:
    error = matrix.standard_error
    return None if error is None else float(error[pair[1], pair[2]])
