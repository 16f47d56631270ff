"""The threshold of the task graph: the same on every page, and in the URL."""

import math

import streamlit as st

from taskviz.ui import glossary, state


def slider(label: str, low: float, high: float, start: float, key: str) -> float:
    """A slider from ``low`` to ``high``; what a link says wins over ``start``.

    Args:
        key: tells the sliders of pages and matrices apart.
    """
    linked = _linked()
    wanted = start if linked is None else min(max(linked, low), high)
    shown = st.session_state.get(key)
    # Only what a link changed: to write back a move would pull the handle away from its user.
    if shown is not None and linked is not None and abs(shown - wanted) > 1e-6 * (high - low):
        st.session_state[key] = wanted
    st.session_state.setdefault(key, wanted)
    return float(
        st.slider(
            label,
            min_value=low,
            max_value=high,
            step=(high - low) / 100,
            format="%.3g",
            key=key,
            help=glossary.meaning("affinity"),
            on_change=lambda: state.put("threshold", f"{st.session_state[key]:.9g}"),
        )
    )


def _linked() -> float | None:
    try:
        value = float(state.get("threshold") or "nan")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
