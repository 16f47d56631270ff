"""Comments on a scenario: a popover with what was said and a form."""

import time

import streamlit as st

from taskviz.ui import presses, store
from taskviz.ui.comments import MOST_AUTHOR, MOST_TEXT, add_comment, comments_of
from taskviz.ui.text import safe
from taskviz.values import TaskvizError


def draw(scenario: str) -> None:
    """The popover of a scenario, by its key."""
    found = comments_of(store.cache(), scenario)
    with st.popover(
        f"Comments ({len(found)})", icon=":material/chat:", type="tertiary", key=f"say_{scenario}"
    ):
        for comment in found:
            moment = time.strftime("%d %b %Y, %H:%M", time.localtime(comment.created))
            st.markdown(f"**{safe(comment.author)}** :gray[{moment}]  \n{safe(comment.text)}")
        if not found:
            st.caption("Nobody has said anything yet.")
        with st.form(f"comment_{scenario}", border=False, clear_on_submit=False):
            author = st.text_input(
                "Your name",
                max_chars=MOST_AUTHOR,
                key=f"comment_author_{scenario}",
                value=st.session_state.get("comment_author", ""),
            )
            words = st.text_area(
                "Comment",
                max_chars=MOST_TEXT,
                height=68,
                key=f"comment_text_{scenario}_{len(found)}",
            )
            pressed = presses.submit("Say it", key=f"send_{scenario}")
        if pressed:
            say(scenario, author or "", words or "")


def say(scenario: str, author: str, words: str) -> None:
    """Store a comment and show it: the only place that writes one."""
    try:
        add_comment(store.cache(), scenario, author, words)
    except TaskvizError as error:
        st.error(safe(error))
        return
    st.session_state["comment_author"] = author
    st.rerun(scope="fragment")
