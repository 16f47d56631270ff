"""Checks of what a caller gave: one sentence where it is of another kind or beyond its limits."""

import os
from collections.abc import Iterable
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeVar

from taskviz.values.errors import TaskvizError

T = TypeVar("T")


def check_kind(value: object, kinds: type | tuple[type, ...], what: str, wanted: str) -> None:
    """Check that a value is of a kind.

    Args:
        what: is given, such as "The grouping".
        wanted: what would be right, such as "a Grouping".

    Raises:
        TaskvizError: it is not.
    """
    if not isinstance(value, kinds):
        raise TaskvizError(f"{what} is {_shown(value)}: {wanted} is needed.")


def check_whole(value: Any, what: str, least: int, most: int | None = None) -> int:
    """Check a whole number within limits; errors as :func:`check_kind`."""
    wrong = isinstance(value, bool) or not isinstance(value, Integral)
    if wrong or value < least or (most is not None and value > most):
        span = f"{least} on" if most is None else f"{least} to {most}"
        raise TaskvizError(f"{what} is {_shown(value)}: a whole number from {span} is needed.")
    return int(value)


def check_number(value: Any, what: str, least: float, most: float) -> float:
    """Check a number within limits; errors as :func:`check_kind`."""
    wrong = isinstance(value, bool) or not isinstance(value, Real)
    if wrong or not least <= value <= most:
        raise TaskvizError(
            f"{what} is {_shown(value)}: a number from {least:g} to {most:g} is needed."
        )
    return float(value)


def check_names(value: Any, what: str) -> tuple[str, ...]:
    """Check a list of names: a text would fall into its letters."""
    if isinstance(value, str):
        names = [name.strip() for name in value.split(",")]
        raise TaskvizError(f"{what} is the text {value!r}: give a list of names, such as {names}.")
    check_kind(value, Iterable, what, "a list of names")
    return tuple(value)


def check_each(values: Iterable[T], kind: type[T], what: str, wanted: str) -> list[T]:
    """Check a list of values of one kind; errors as :func:`check_kind`."""
    check_kind(values, Iterable, what, f"a list of {wanted}")
    found = list(values)
    for value in found:
        check_kind(value, kind, f"One of {what[0].lower()}{what[1:]}", f"a list of {wanted}")
    return found


def check_path(value: Any, what: str) -> Path:
    """Check that something is a path."""
    check_kind(value, (str, os.PathLike), what, "a path")
    return Path(value)


def _shown(value: object) -> str:
    if value is None:
        return "missing"
    if isinstance(value, str | bool | Real):
        return repr(value)[:80]
    return f"of type {type(value).__name__}"
