"""The keys of a ``collection.toml`` and the checks that all of them share."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from taskviz.data.readers.base import Findings

FILE_NAME = "collection.toml"
TOP = {
    "name": "text",
    "layout": "text",
    "modality": "text",
    "description": "text",
    "licence": "text",
    "format": "text",
    "files": "path, list of paths, or table of them",
    "options": "table",
    "tasks": "list of tables",
    "splits": "table",
}
"""Key → what it holds, at the top; then in ``[[tasks]]`` and in ``[splits]``."""
TASK = {
    "name": "text",
    "kind": "text",
    "target": "text or list of texts",
    "metric": "text",
    "format": "text",
    "files": "path, list of paths, or table of them",
    "options": "table",
}
SPLITS = {"column": "text", "fractions": "list of three numbers", "published": "true or false"}


def check_keys(
    given: Mapping[str, Any], known: Mapping[str, str], where: str, findings: Findings
) -> None:
    """Note keys that are unknown, and texts that are none."""
    for key in given:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}."
            findings.error(f"{where}: the key {key!r} is unknown; {hint}")
    for key, what in known.items():
        if what == "text" and key in given and not isinstance(given[key], str):
            findings.error(f"{where}: {key} is {short(given[key])}; a text is needed.")


def choice(
    plain: Mapping[str, Any], key: str, valid: tuple[str, ...], default: str, findings: Findings
) -> str:
    """One of some words; ``default`` where it is none of them, which is noted."""
    value = plain.get(key, default)
    if isinstance(value, str) and value not in (*valid, default):
        near = get_close_matches(value, valid, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        findings.error(f"{FILE_NAME}: {key} is {value!r}; choose one of {', '.join(valid)}.{hint}")
        return default
    return value if isinstance(value, str) else default


def text(plain: Mapping[str, Any], key: str) -> str:
    """A text, or "" where it is none."""
    value = plain.get(key, "")
    return value if isinstance(value, str) else ""


def short(value: object) -> str:
    """What was found, cut for a sentence."""
    found = repr(value)
    return found if len(found) <= 60 else found[:59] + "…"
