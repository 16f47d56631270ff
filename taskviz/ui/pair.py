"""The pair of tasks that is picked, the same on every page: in the URL as two numbers."""

from collections.abc import Sequence

import streamlit as st

from taskviz.ui import state


def selected(names: Sequence[str]) -> tuple[int, int] | None:
    """Numbers of the two tasks in the URL, where there are such tasks."""
    parts = (state.get("pair") or "").split("-")
    if len(parts) != 2 or not all(part.isdigit() for part in parts):
        return None
    first, second = int(parts[0]), int(parts[1])
    return (first, second) if max(first, second) < len(names) else None


def boxes(names: Sequence[str], key: str) -> tuple[int, int] | None:
    """Two lists to pick the pair from; they follow what was picked elsewhere.

    Args:
        key: tells the lists of several places apart.
    """
    pair = selected(names)
    roles = ("first", "second")
    if pair is not None:
        for role, number in zip(roles, pair, strict=True):
            st.session_state[f"{key}_{role}"] = names[number]

    def choose() -> None:
        picked = [st.session_state[f"{key}_{role}"] for role in roles]
        if None not in picked:
            first, second = (list(names).index(name) for name in picked)
            state.put("pair", f"{first}-{second}")

    def clear() -> None:
        state.put("pair", None)
        for role in roles:
            st.session_state[f"{key}_{role}"] = None

    with st.container(horizontal=True, vertical_alignment="bottom"):
        for role in roles:
            st.selectbox(
                f"{role.capitalize()} task",
                list(names),
                index=None,
                placeholder="Choose a task",
                key=f"{key}_{role}",
                on_change=choose,
                width=200,
            )
        if pair is not None:
            st.button("All tasks", icon=":material/clear:", key=f"{key}_clear", on_click=clear)
    return pair
