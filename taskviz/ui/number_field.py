"""Number fields that say what is wrong with a number.

With limits of its own ``st.number_input`` turns red, never sends what is beyond them, and the page
goes on with the number before. So the limits are checked here.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import streamlit as st

from taskviz.ui.text import safe
from taskviz.values.options import beyond

_WRONG: ContextVar[list[str] | None] = ContextVar("wrong_numbers", default=None)


@contextmanager
def checked() -> Iterator[list[str]]:
    """A sentence for each number within that is wrong; see :func:`shut`."""
    wrong: list[str] = []
    token = _WRONG.set(wrong)
    try:
        yield wrong
    finally:
        _WRONG.reset(token)


def shut(wrong: Sequence[str]) -> dict[str, Any]:
    """Settings of a button that waits for these to be mended; empty where nothing is wrong."""
    return {"disabled": True, "help": wrong[0]} if wrong else {}


def number_field(
    label: str,
    value: float | None,
    *,
    key: str,
    minimum: float | None = None,
    maximum: float | None = None,
    whole: bool = True,
    place: Any = st,
    **settings: Any,
) -> Any:
    """A number field; below it a sentence where its number is wrong.

    Args:
        value: to begin with; None leaves it empty.
        key: of the widget.
        minimum: least number allowed.
        maximum: largest number allowed.
        whole: whole numbers only.
        place: where it stands; here.
        settings: of ``st.number_input``.

    Returns:
        The number as it stands there, a wrong one too: what it starts refuses it as well. None
        where the field is empty.
    """
    kind = int if whole else float
    found = place.number_input(
        label,
        value=None if value is None else kind(value),
        key=key,
        persist_state="session",
        **({"step": 1} if whole else {"format": "%g"}) | settings,
    )
    why = "" if found is None or settings.get("disabled") else beyond(found, minimum, maximum)
    if why:
        sentence = f"{safe(label)} is {why}."
        place.error(sentence)
        noted = _WRONG.get()
        if noted is not None:
            noted.append(sentence)
    return found
