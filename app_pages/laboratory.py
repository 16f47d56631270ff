"""Two linear tasks on sliders: when does a source help?"""

import streamlit as st

from taskviz.ui import discrepancy_panel, frame
from taskviz.ui.laboratory import setting, views
from taskviz.ui.polling import poll

frame.title("laboratory")


def bench(page: bool) -> None:
    """Sliders left, answers right; a move runs this alone."""
    side, main = st.columns([2, 6], gap="large")
    with side:
        chosen, preset = setting.choose()
    with main:
        names = ["Pooling", "Capacity", "Separate data sets"]
        tabs = st.tabs(names, on_change="rerun", key="lab_tab", bind="query-params")
        if tabs[0].open:
            with tabs[0]:
                views.pooling(chosen, preset, dark=frame.dark(), page=page)
        if tabs[1].open:
            with tabs[1]:
                views.capacity(chosen, dark=frame.dark(), page=page)
        if tabs[2].open:
            with tabs[2]:
                discrepancy_panel.draw(dark=frame.dark())


poll(bench, None)
frame.next_step("See how your own tasks help each other", "affinity", ready=True)
