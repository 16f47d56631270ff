"""One file that a team can discuss: built here, taken away, and opened again."""

import streamlit as st

from taskviz.ui import frame, report_builder, report_download, report_opened, report_source, state

frame.title("report")
found = report_opened.offer()
if found is not None:
    report_opened.header(found)
else:
    if state.get("collection") is None:
        report_opened.uploader()
    found = report_source.of_collection(frame.need_collection())
draft = report_builder.draft_of(found)
left, right = st.columns([2, 3], gap="large")
with left:
    made = report_builder.draw(found, draft)
    report_opened.uploader()
with right:
    if made is not None:
        report_download.take_away(found, made)
        st.markdown("**Preview**")
        st.iframe(report_source.preview(made), height=1100)
