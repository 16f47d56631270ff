"""Findings about data, each with its place."""

import streamlit as st

from taskviz.data.problem import Problem
from taskviz.ui.text import plural, safe

SEVERITY = {"error": ":material/error:", "warning": ":material/warning:", "note": ":material/info:"}
MOST_PROBLEMS = 30


def draw(problems: list[Problem]) -> None:
    """The findings in a box; a word where there is none."""
    if not problems:
        st.caption(":material/check: No problem was found.")
        return
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**{plural(len(problems), 'finding')}**")
        for problem in problems[:MOST_PROBLEMS]:
            st.markdown(f"{SEVERITY[problem.severity]} {safe(problem.message)}")
        if len(problems) > MOST_PROBLEMS:
            st.caption(f"and {len(problems) - MOST_PROBLEMS} more")
