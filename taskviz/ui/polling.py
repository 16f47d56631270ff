"""A part of a page that is drawn again and again while something runs."""

from collections.abc import Callable

import streamlit as st


def poll(look: Callable[[bool], None], every: str | None) -> None:
    """Draw a part of a page now, and then by itself.

    Args:
        look: draws it. Told True where it is drawn with what stands around it: then it must not
            ask for a run of the whole page. That would end the run which brings a press, and
            Streamlit forgets the press with it.
        every: how often, as "1s"; None draws it once.
    """
    around = [True]

    def again() -> None:
        look(bool(around) and around.pop())

    st.fragment(again, run_every=every)()
