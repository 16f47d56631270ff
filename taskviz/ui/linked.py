"""Choices among stored things, kept in the URL by the beginning of their keys.

Where a list offers fixed words, Streamlit binds it to the URL itself. It writes the text that is
shown, though, and the text of a matrix or a run changes when another of that name is stored, or is
a user's own, which does not belong into an address.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import streamlit as st

from taskviz.ui import state

SHORT: Final = 12
"""Letters of a key in the URL."""
NONE: Final = "-"
"""In the URL: nothing is chosen, where something would be by default."""


def chosen(name: str, offered: Sequence[str]) -> list[str] | None:
    """What the URL says under ``name``, as far as it is offered; None where it says nothing.

    Args:
        name: one of :data:`taskviz.ui.state.KEYS`.
        offered: keys of the stored things.
    """
    text = state.get(name)
    if not text:
        return None
    if text == NONE:
        return []
    by_short = {key[:SHORT]: key for key in offered}
    found = [by_short[part] for part in dict.fromkeys(text.split(".")) if part in by_short]
    return found or None


def choose(name: str, keys: Sequence[str], *, nothing: str | None = NONE) -> None:
    """Put a choice into the URL; ``nothing`` stands for an empty one."""
    state.put(name, ".".join(key[:SHORT] for key in keys if key) or nothing)


def one(
    label: str, name: str, offered: Sequence[str], words: Callable[[str], str], **look: Any
) -> str:
    """A list to choose one from; the first where the URL names none that is there.

    Args:
        words: what the list shows of a key.
        look: further arguments of ``st.selectbox``.
    """
    key = f"linked_{name}"
    wanted = (chosen(name, offered) or [offered[0]])[0]
    if st.session_state.get(key) != wanted:
        st.session_state[key] = wanted

    def take() -> None:
        choose(name, [st.session_state[key]], nothing=None)

    st.selectbox(label, offered, format_func=words, key=key, on_change=take, **look)
    return wanted


def several(
    label: str,
    name: str,
    offered: Sequence[str],
    start: Sequence[str],
    words: Callable[[str], str],
    *,
    most: int,
    **look: Any,
) -> list[str]:
    """A list to choose several from, ``most`` of them; ``start`` where the URL names none.

    Args:
        look: further arguments of ``st.multiselect``.
    """
    key = f"linked_{name}"
    stated = chosen(name, offered)
    wanted = (list(start) if stated is None else stated)[:most]
    if st.session_state.get(key) != wanted:
        st.session_state[key] = wanted

    def take() -> None:
        choose(name, st.session_state[key])

    st.multiselect(
        label,
        offered,
        format_func=words,
        key=key,
        on_change=take,
        max_selections=most,
        **look,
    )
    return wanted


def tick(label: str, name: str, key: str, offered: Sequence[str]) -> bool:
    """A box of one of the things; the URL holds all that are ticked."""
    ticked = chosen(name, offered) or []
    box = f"tick_{key}"
    if st.session_state.get(box) != (key in ticked):
        st.session_state[box] = key in ticked

    def take() -> None:
        others = [each for each in chosen(name, offered) or [] if each != key]
        choose(name, [*others, key] if st.session_state[box] else others, nothing=None)

    st.checkbox(label, key=box, on_change=take)
    return key in ticked
