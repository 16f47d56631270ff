"""Buttons whose press is kept until the page acts on it."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

_KEPT, _PAGE = "kept_presses", "kept_presses_page"
RUNS = 3
"""Runs of the page, the one that brings a press included, in which it can be acted on."""


def next_run(page: str) -> None:
    """A run of a page begins: what was pressed elsewhere or long ago is forgotten."""
    here = st.session_state.get(_PAGE) == page
    st.session_state[_PAGE] = page
    left = {name: runs - 1 for name, runs in _kept().items()} if here else {}
    st.session_state[_KEPT] = {name: runs for name, runs in left.items() if runs > 0}


def button(label: str, *, key: str | None = None, place: Any = st, **settings: Any) -> bool:
    """A button; True once for each press, in the run that gets as far as here.

    Streamlit tells of a press in one run alone. Where that run ends early, since something else is
    moved or a chart tells its view before the button is reached, the press is forgotten. A callback
    comes before anything can end the run, and keeps it for the next.

    Args:
        key: of the widget; by its label.
        place: where it stands; here.
        settings: of ``st.button``; where ``on_click`` is among them that is done, and False.
    """
    if "on_click" in settings:
        place.button(label, key=key, **settings)
        return False
    return _kept_press(place.button, label, key, settings)


def submit(label: str, *, key: str | None = None, **settings: Any) -> bool:
    """Likewise the button of the form around it; settings of ``st.form_submit_button``."""
    return _kept_press(st.form_submit_button, label, key, settings)


def _kept_press(
    make: Callable[..., bool], label: str, key: str | None, settings: Mapping[str, Any]
) -> bool:
    name = key or f"press_{label}"
    make(label, key=name, on_click=_keep, args=(name,), **settings)
    return _kept().pop(name, 0) > 0 and not settings.get("disabled")


def _keep(name: str) -> None:
    # Callbacks come before the script: the run that brings the press is counted down too.
    _kept()[name] = RUNS + 1


def _kept() -> dict[str, int]:
    found: dict[str, int] = st.session_state.setdefault(_KEPT, {})
    return found
