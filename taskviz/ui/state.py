"""What a colleague needs to see the same thing, kept in the URL.

Session state holds the values; each is written through to the query string. Links and the back
button win over the session; a page switch, which clears the query string, does not, nor does a
query string that the browser sent before it had heard of the last change.
"""

import time
from typing import Final

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

KEYS: Final = (
    "collection",
    "matrix",
    "pair",
    "budget",
    "unit",
    "grouper",
    "plan",
    "job",
    "run",
    "study",
    "stability",
    "map",
    "landscape",
    "dynamics",
    "ask",
    "evidence",
    "sca",
    "linear",
    "threshold",
    "draft",
    "opened",
    "tour",
    "compared",
    "estimate",
    "earlier",
    "focus",
    "ticked",
    "methods",
    "caught",
)
_DEPENDS: Final = {
    # What is seen of one collection says nothing of another.
    "collection": tuple(key for key in KEYS if key not in ("collection", "tour")),
    "matrix": ("pair", "stability", "threshold", "ticked", "methods"),
    "run": ("earlier", "focus"),
    "map": ("caught",),
    "opened": ("draft",),
}
_VALUES, _PAGE, _REPLACED = "url_values", "url_page", "url_replaced"
LATE: Final = 3.0
"""Seconds within which a browser may still send what was replaced."""


def _values() -> dict[str, str]:
    values: dict[str, str] = st.session_state.setdefault(_VALUES, {})
    return values


def sync(page: str) -> None:
    """Take over what the URL says; called once a run, before any page draws."""
    values = _values()
    same_page = st.session_state.get(_PAGE) == page
    st.session_state[_PAGE] = page
    query = st.query_params
    stated = {key: query[key] for key in KEYS if query.get(key)}
    if stated and not (same_page and _late(stated)):
        # A link, the back button, or our own write: the URL is the truth.
        if same_page:
            values.clear()
        values.update(stated)
    _write()


def _late(stated: dict[str, str]) -> bool:
    """Whether the browser says what was replaced just now, and not because of its back button."""
    context = get_script_run_ctx()
    if stated == _values() or (context is not None and context.is_history_navigation):
        return False
    now = time.monotonic()
    return any(
        now - moment < LATE and stated == before
        for moment, before in st.session_state.get(_REPLACED, [])
    )


def _write() -> None:
    values, query = _values(), st.query_params
    # What goes, goes first, and the rest at once: each step is one of the back button.
    for key in KEYS:
        if key not in values and key in query:
            del query[key]
    changed = {key: value for key, value in values.items() if query.get(key) != value}
    if changed:
        query.update(changed)


def get(key: str) -> str | None:
    """Value of a URL key, or None."""
    return _values().get(key)


def put(key: str, value: str | None) -> None:
    """Set a key here and in the URL; what depends on an old value is dropped."""
    values = _values()
    if values.get(key) == value:
        return
    now = time.monotonic()
    replaced = [entry for entry in st.session_state.get(_REPLACED, []) if now - entry[0] < LATE]
    st.session_state[_REPLACED] = [*replaced, (now, dict(values))]
    for dependent in _DEPENDS.get(key, ()):
        values.pop(dependent, None)
    if value is None:
        values.pop(key, None)
    else:
        values[key] = value
    _write()


def query() -> dict[str, str]:
    """The URL state as query parameters, for a switch of pages."""
    return dict(_values())
