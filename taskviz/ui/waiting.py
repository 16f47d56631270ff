"""Work of some seconds inside a page: it says how long it has been at it, and can be left."""

import time

import streamlit as st

from taskviz.progress import Progress

QUIET = 0.4
"""Seconds before anything is said, and between two words."""


class Waiting(Progress):
    """Says every now and then what goes on.

    Whatever a page writes is also the moment at which Streamlit hears of the user: a press
    elsewhere ends this run, and the work with it.
    """

    def __init__(self, what: str) -> None:
        self._what, self._slot = what, st.empty()
        self._start = self._last = time.monotonic()

    def check(self) -> None:
        """See :meth:`Progress.check`."""
        now = time.monotonic()
        if now - self._last >= QUIET:
            self._last = now
            seconds = f"{now - self._start:.0f} s"
            self._slot.caption(f":material/progress_activity: {self._what}… {seconds}")

    def done(self) -> None:
        """Take the words away."""
        self._slot.empty()
