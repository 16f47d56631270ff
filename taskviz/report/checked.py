"""Plain data of a file that anybody may have written: each entry of the kind that is expected."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from taskviz.values import TaskvizError

MOST_LETTERS = 100_000
MOST_ENTRIES = 20_000
_TOO_DEEP = "holds brackets that are nested too deeply"


def parse(source: str, what: str, most: int) -> dict[str, Any]:
    """A JSON object; NaN, doubled names and what is too large or too deep are refused.

    Raises:
        TaskvizError: one sentence.
    """
    if len(source) > most:
        raise TaskvizError(
            f"{what} holds {len(source):,} letters of data: at most {most:,} are read."
        )
    try:
        data = json.loads(source, parse_constant=_refuse, object_pairs_hook=_once)
    except RecursionError:
        raise TaskvizError(f"{what} {_TOO_DEEP}: give a report that taskviz wrote.") from None
    return dict(mapping(data, what))


def mapping(value: Any, what: str) -> Mapping[str, Any]:
    """An object."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{what} is no object")
    return value


def sequence(data: Mapping[str, Any], name: str, most: int = MOST_ENTRIES) -> list[Any]:
    """A list of a bounded length; empty where there is none."""
    value = data.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise ValueError(f"{name} is no list")
    if len(value) > most:
        raise TaskvizError(f"This report holds {len(value):,} {name}: at most {most:,} are read.")
    return value


def text(data: Mapping[str, Any], name: str, most: int = MOST_LETTERS) -> str:
    """A text; "" where there is none."""
    return bounded(data.get(name, ""), name, most)


def bounded(value: Any, name: str, most: int = MOST_LETTERS) -> str:
    """A text that is not too long."""
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    if len(value) > most:
        raise TaskvizError(
            f"A text of this report ({name}) has {len(value):,} letters: at most {most:,} are read."
        )
    return value


def listed_texts(values: Sequence[Any], name: str) -> tuple[str, ...]:
    """Texts."""
    return tuple(bounded(value, name) for value in values)


def count(data: Mapping[str, Any], name: str) -> int:
    """A whole number from 0 on; 0 where there is none."""
    value = data.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{name} is no whole number from 0 on")
    return value


def moment(data: Mapping[str, Any], name: str) -> float:
    """Seconds since 1970."""
    value = data.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        raise ValueError(f"{name} is no moment")
    return float(value)


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no value of JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object names an entry twice")
    return found
