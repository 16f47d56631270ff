"""What lies around the optima: densities, bounds beside losses, layers, change by training."""

from collections.abc import Callable

import streamlit as st

from taskviz.affinity.dynamics import DynamicsOptions, DynamicsStudy
from taskviz.jobs import LIVE
from taskviz.optima.landscape import LandscapeOptions, LandscapeStudy
from taskviz.ui import dynamics_view, frame, landscape_view, store, study_job, user
from taskviz.ui.number_field import checked, shut
from taskviz.ui.options_form import options_form, seed_field
from taskviz.ui.text import safe
from taskviz.values import TaskvizError
from taskviz.verbs import read_dynamics, read_landscape

frame.title("landscape")
collection = frame.need_collection()


@st.cache_resource(max_entries=8, show_spinner="Reading the study…")
def landscape_of(key: str) -> LandscapeStudy:
    """A stored landscape."""
    return read_landscape(key, store.cache())


@st.cache_resource(max_entries=8, show_spinner="Reading the study…")
def dynamics_of(key: str) -> DynamicsStudy:
    """Stored dynamics."""
    return read_dynamics(key, store.cache())


def landscape_tab(draw: Callable[[LandscapeStudy], None]) -> None:
    """Start, watch or read the landscape, then draw a part of it."""
    job = study_job.watch("landscape", "landscape")
    if job is not None and job.state == "done":
        try:
            study = landscape_of(str((job.result or {}).get("landscape", "")))
            if study.fingerprint != collection.fingerprint:
                raise TaskvizError("This landscape is of another collection: measure this one.")
        except TaskvizError as error:
            st.warning(safe(error))
        else:
            draw(study)
    if job is None:
        st.markdown(
            "How far apart do the tasks' optima lie, how sharply do the losses bend, and what do "
            "the theorems make of it? Measured at one initial state, in seconds; nothing is "
            "trained."
        )
    if job is None or job.state not in LIVE:
        with (
            st.container(border=True, width=420),
            st.expander("Settings", expanded=job is None),
            checked() as wrong,
        ):
            options = options_form(LandscapeOptions, "landscape")
            seed = seed_field("landscape_seed")
        if user.edit_button(
            "Measure the landscape" if job is None else "Measure again",
            type="primary" if job is None else "secondary",
            icon=":material/landscape:",
            **shut(wrong),
        ):
            title = f"Landscape of {collection.name}"
            study_job.start("landscape", options, seed, title=title, key="landscape")


def dynamics_tab() -> None:
    """Start, watch or read the study of a training."""
    job = study_job.watch("dynamics", "dynamics")
    if job is not None and job.state == "done":
        try:
            study = dynamics_of(str((job.result or {}).get("dynamics", "")))
            if study.fingerprint != collection.fingerprint:
                raise TaskvizError("This study is of another collection: start one of this.")
        except TaskvizError as error:
            st.warning(safe(error))
        else:
            dynamics_view.draw(study)
    if len(collection.tasks) < 3:
        st.caption(":material/block: Two tasks are one pair: there is no ranking to follow.")
        return
    if job is None:
        st.markdown(
            "SCA and the gradient cosine are recomputed every few epochs while one network learns "
            "all tasks: does the ranking of pairs at the start outlast the training?"
        )
    if job is None or job.state not in LIVE:
        with (
            st.container(border=True, width=420),
            st.expander("Settings", expanded=job is None),
            checked() as wrong,
        ):
            options = options_form(DynamicsOptions, "dynamics")
            seed = seed_field("dynamics_seed")
        if user.edit_button(
            "Follow a training" if job is None else "Follow another",
            type="primary" if job is None else "secondary",
            icon=":material/timeline:",
            **shut(wrong),
        ):
            title = f"Affinities over a training on {collection.name}"
            study_job.start("dynamics", options, seed, title=title, key="dynamics")


names = ["Densities and bounds", "Layers", "Over a training"]
tabs = st.tabs(names, on_change="rerun", key="landscape_tab", bind="query-params")
if tabs[0].open:
    with tabs[0]:
        landscape_tab(landscape_view.draw_bounds)
if tabs[1].open:
    with tabs[1]:
        landscape_tab(landscape_view.draw_layers)
if tabs[2].open:
    with tabs[2]:
        dynamics_tab()
frame.next_step("Back to the affinity", "affinity", ready=True)
