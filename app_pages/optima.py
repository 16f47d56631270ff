"""Where one gradient step of each task leads: maps of optima."""

import streamlit as st

from taskviz.optima.optima_map import OptimaMap, OptimaOptions
from taskviz.ui import frame, optima_view, state, store, study_job, tables, user
from taskviz.ui.number_field import checked, shut
from taskviz.ui.options_form import options_form, seed_field
from taskviz.ui.text import safe
from taskviz.values import TaskCollection, TaskvizError
from taskviz.verbs import read_optima_map

frame.title("optima")
collection = frame.need_collection()


@st.cache_resource(max_entries=8, show_spinner="Reading the map…")
def read(key: str) -> OptimaMap:
    """A stored map."""
    return read_optima_map(key, store.cache())


def form(collection: TaskCollection) -> None:
    """Settings, hints, and the button."""
    start = st.container(gap="xsmall")
    # Open until there is a map, so that a narrow screen shows the map first.
    with (
        st.expander("Settings", expanded=state.get("map") is None),
        checked() as wrong,
    ):
        options = options_form(OptimaOptions, "optima")
        seed = seed_field("optima_seed")
    points = int(options["n"]) * len(collection.tasks)
    if not wrong:
        start.caption(f":material/timer: {points:,} optima; nothing is trained.")
    if user.edit_button(
        "Draw the map",
        place=start,
        type="primary",
        icon=":material/scatter_plot:",
        **shut(wrong),
    ):
        study_job.start(
            "optima", options, seed, title=f"Map of optima of {collection.name}", key="map"
        )
    if wrong:
        return
    hint = optima_view.hints(float(options["perplexity"]), int(options["neighbours"]), points)
    st.caption(f":material/lightbulb: {hint}")


side, main = st.columns([1, 4], gap="large")
with side, st.container(border=True):
    form(collection)
with main:
    job = study_job.watch("map", "optima")
    if job is None:
        with st.container(border=True):
            st.markdown("#### No map yet")
            st.markdown(
                "Press **Draw the map** to see where one gradient step of each task leads on the "
                "same samples. It takes seconds for a small network; you can keep browsing."
            )
    elif job.state == "done":
        try:
            key = str((job.result or {}).get("map", ""))
            study = read(key)
            if study.fingerprint != collection.fingerprint:
                raise TaskvizError("This map is of another collection: draw one of this.")
        except TaskvizError as error:
            st.warning(safe(error))
        else:
            st.markdown(optima_view.headline(study))
            for note in study.notes:
                st.caption(f":material/info: {safe(note)}")
            optima_view.draw(study, collection, key)
            st.caption(optima_view.how_measured(study))
            with st.expander("Mean distances between tasks", icon=":material/table:"):
                st.caption("1 is the mean over all pairs of different tasks.")
                tables.show(optima_view.between_table(study), alt="Mean distance of each pair")
frame.next_step("See the landscape", "landscape", ready=True)
