"""SCA as its paper has it, one click away, with its reliability beside it."""

import streamlit as st

from taskviz.affinity.sca import SCA, SCAOptions
from taskviz.figures import heatmap
from taskviz.figures.style import chart_config
from taskviz.jobs import LIVE
from taskviz.ui import frame, job_panel, presses, state, store, user
from taskviz.ui.affinity_words import trust_words
from taskviz.ui.text import safe
from taskviz.values import AffinityMatrix, TaskCollection, option_defaults

JOB = "sca"
REPEATS = 5


def draw(collection: TaskCollection) -> None:
    """Start it, watch it, see it."""
    st.markdown(
        "SCA with the settings of its paper: one gradient step of each task on 100 samples from "
        f"one initial state. Here it is repeated over {REPEATS} seeds, since one matrix cannot "
        "tell how far it would come out the same again."
    )
    job = store.job(state.get(JOB))
    if job is not None and job.kind == "affinity":
        job_panel.watch(job)
        if job.state in LIVE:
            return
    found = _found(collection)
    if found is None:
        if user.edit_button(
            "Measure SCA as published", icon=":material/play_arrow:", key="start_published_sca"
        ):
            job_panel.start(
                "affinity",
                {"method": SCA.name, "repeats": REPEATS},
                title=f"SCA as published on {collection.name}, {REPEATS} times",
                url_key=JOB,
            )
        return
    key, matrix = found
    st.markdown(trust_words(matrix))
    st.plotly_chart(
        heatmap.affinity_heatmap(matrix, order="cluster", dark=frame.dark(), height=420),
        theme=None,
        key="sca_heatmap",
        config=chart_config(),
        alt=heatmap.describe_affinity_heatmap(matrix),
    )
    for note in matrix.notes:
        st.caption(f":material/info: {safe(note)}")
    if presses.button("Open it on the Affinity page", icon=":material/grid_on:"):
        state.put("matrix", key)
        frame.go("affinity")


def _found(collection: TaskCollection) -> tuple[str, AffinityMatrix] | None:
    usual = option_defaults(SCAOptions)
    for key, matrix in store.affinities_of(collection):
        own = {name: v for name, v in matrix.options.items() if name != "repeats"}
        if matrix.method == SCA.name and own == usual and matrix.reliability is not None:
            return key, matrix
    return None
