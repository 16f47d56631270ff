"""The webhook on the Jobs page: set, try, take away."""

import streamlit as st

from taskviz.jobs.webhook import host_of, send, set_webhook, webhook
from taskviz.ui import presses, store
from taskviz.ui.text import safe
from taskviz.values import TaskvizError


def draw() -> None:
    """Folded: most people want none."""
    with st.expander("Message at the end of long work", icon=":material/webhook:"):
        st.caption(
            "A webhook gets one POST with title, state and a link when a job ends. No data are "
            "sent, and nothing at all while no address is set."
        )
        current = webhook(store.cache())
        if current:
            st.markdown(f":material/check: Set to **{safe(host_of(current))}**")
        with st.form("webhook_form", border=False):
            url = st.text_input(
                "Address (http or https)", key="webhook_url", max_chars=2000, type="password"
            )
            with st.container(horizontal=True):
                keep = presses.submit("Keep", icon=":material/save:")
                attempt = presses.submit("Try it", disabled=not current)
                drop = presses.submit("Take it away", disabled=not current)
        try:
            if keep or drop:
                change(url or "" if keep else "")
                st.rerun()
            if attempt:
                send(current, {"title": "A test of taskviz", "state": "done", "link": ""})
                st.success("It was taken.")
        except TaskvizError as error:
            st.error(safe(error))


def change(url: str) -> None:
    """Set or take away: the only place that writes it.

    Raises:
        TaskvizError: no such address.
    """
    address = str(st.context.url or "").partition("?")[0]
    set_webhook(store.cache(), url, address.rstrip("/").removesuffix("/jobs"))
