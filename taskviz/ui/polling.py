"""A part of a page that is drawn again without the rest: by itself, or by what is moved in it."""

from collections.abc import Callable

import streamlit as st


def poll(look: Callable[[bool], None], every: str | None) -> None:
    """Draw a part of a page now, and then without the rest of it.

    Args:
        look: draws it. Told True where it is drawn with what stands around it: then it must not
            ask for a run of the whole page. That would end the run which brings a press, and
            Streamlit forgets the press with it.
        every: how often it is drawn by itself, as "1s"; None: only when something in it is used.
    """
    around = [True]

    def again() -> None:
        look(bool(around) and around.pop())

    st.fragment(again, run_every=every)()
