"""Two linear tasks on sliders: when does a source help?"""

import streamlit as st

from taskviz.ui import discrepancy_panel, frame, laboratory, laboratory_views

frame.title("laboratory")


def bench() -> None:
    """Sliders left, answers right; a move runs this alone."""
    side, main = st.columns([2, 6], gap="large")
    with side:
        setting, preset = laboratory.choose()
    with main:
        views = ["Pooling", "Capacity", "Separate data sets"]
        tabs = st.tabs(views, on_change="rerun", key="lab_tab", bind="query-params")
        if tabs[0].open:
            with tabs[0]:
                laboratory_views.pooling(setting, preset, dark=frame.dark())
        if tabs[1].open:
            with tabs[1]:
                laboratory_views.capacity(setting, dark=frame.dark())
        if tabs[2].open:
            with tabs[2]:
                discrepancy_panel.draw(dark=frame.dark())


st.session_state[laboratory.WHOLE_PAGE] = True
st.fragment(bench)()
st.session_state[laboratory.WHOLE_PAGE] = False
frame.next_step("See how your own tasks help each other", "affinity", ready=True)
