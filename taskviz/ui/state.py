"""What a colleague needs to see the same thing, kept in the URL.

Session state holds the values; each is written through to the query string. Links and the back
button win over the session; a page switch, which clears the query string, does not.
"""

from typing import Final

import streamlit as st

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
_VALUES, _PAGE = "url_values", "url_page"


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
    if stated:
        # A link, the back button, or our own write: the URL is the truth.
        if same_page:
            values.clear()
        values.update(stated)
    for key, value in values.items():
        if query.get(key) != value:
            query[key] = value


def get(key: str) -> str | None:
    """Value of a URL key, or None."""
    return _values().get(key)


def put(key: str, value: str | None) -> None:
    """Set a key here and in the URL; what depends on an old value is dropped."""
    values = _values()
    if values.get(key) == value:
        return
    for dependent in _DEPENDS.get(key, ()):
        values.pop(dependent, None)
        if dependent in st.query_params:
            del st.query_params[dependent]
    if value is None:
        values.pop(key, None)
        if key in st.query_params:
            del st.query_params[key]
    else:
        values[key] = value
        st.query_params[key] = value


def query() -> dict[str, str]:
    """The URL state as query parameters, for a switch of pages."""
    return dict(_values())
