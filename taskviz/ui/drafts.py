"""Drafts of reports, kept beside the cache: a refresh, another tab or another day finds them."""

import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from taskviz.access import actor
from taskviz.cache import Cache
from taskviz.report.checked import listed_texts, mapping, moment, parse, sequence, text
from taskviz.report.design import Design
from taskviz.values import TaskvizError
from taskviz.values.storage import dumps, write_text

FOLDER: Final = "drafts"
MOST_DRAFTS: Final = 200
"""Of all collections; the oldest goes where one more is begun."""
MOST_LETTERS: Final = 5_000_000
LOCK_SECONDS: Final = 20


@dataclass(frozen=True)
class Draft:
    """What somebody has chosen and written so far.

    Args:
        design: sections, notes, style.
        about: name of the collection, or key of the report that was opened.
        matrices: keys of the matrices that go in; None: the one in use.
        scenarios: keys of the pinned scenarios.
        runs: ids of the pinned training jobs.
        changed: seconds since 1970.
    """

    design: Design = field(default_factory=Design)
    about: str = ""
    matrices: tuple[str, ...] | None = None
    scenarios: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    changed: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "design": self.design.to_json(),
            "about": self.about,
            "matrices": None if self.matrices is None else list(self.matrices),
            "scenarios": list(self.scenarios),
            "runs": list(self.runs),
            "changed": self.changed,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Draft":
        """The inverse of :meth:`to_json`."""
        matrices = data.get("matrices")
        return cls(
            design=Design.from_json(mapping(data["design"], "design")),
            about=text(data, "about"),
            matrices=None if matrices is None else listed_texts(matrices, "matrices"),
            scenarios=listed_texts(sequence(data, "scenarios"), "scenarios"),
            runs=listed_texts(sequence(data, "runs"), "runs"),
            changed=moment(data, "changed"),
        )


def read_draft(cache: Cache, key: str | None) -> Draft | None:
    """The draft of a key from the URL; None where there is none, or where it is damaged."""
    path = _path(cache, key)
    if path is None or not path.is_file():
        return None
    try:
        return Draft.from_json(parse(path.read_text(encoding="utf-8"), "The draft", MOST_LETTERS))
    except (OSError, ValueError, KeyError, TypeError, TaskvizError):
        return None


def change_draft(
    cache: Cache, key: str | None, change: Callable[[Draft], Draft], begin: Draft
) -> str:
    """Apply a change to what is stored now, so that two tabs keep each other's notes.

    Args:
        key: of the draft; None or an unknown one begins a new draft.
        change: from the stored draft to the new one.
        begin: what a new draft begins with.

    Returns:
        the key.

    Raises:
        TaskvizError: somebody else holds the draft, or the disk is full.
    """
    actor().must_edit("keep drafts")
    path = _path(cache, key)
    if path is None or key is None:
        key = secrets.token_hex(12)
        path = cache.root / FOLDER / f"{key}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock"), timeout=LOCK_SECONDS):
            stored = read_draft(cache, key)
            made = change(stored or begin)
            if made != stored:
                write_text(path, dumps(replace(made, changed=time.time()).to_json()))
        _drop_oldest(path.parent)
    except Timeout:
        raise TaskvizError("This draft is being written elsewhere: try it again.") from None
    except OSError as error:
        raise TaskvizError(
            f"The draft cannot be kept ({error.strerror or error}): free some space in the cache "
            "or set TASKVIZ_CACHE to a folder that can be written."
        ) from None
    return key


def list_drafts(cache: Cache, about: str) -> dict[str, Draft]:
    """Key → draft of a collection, the one that was changed last first."""
    found = {}
    for path in (cache.root / FOLDER).glob("*.json"):
        draft = read_draft(cache, path.stem)
        if draft is not None and draft.about == about:
            found[path.stem] = draft
    return dict(sorted(found.items(), key=lambda item: -item[1].changed))


def _path(cache: Cache, key: str | None) -> Path | None:
    if not key or not re.fullmatch(r"[0-9a-f]{24}", key):
        return None
    return cache.root / FOLDER / f"{key}.json"


def _drop_oldest(folder: Path) -> None:
    found = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
    for path in found[: max(len(found) - MOST_DRAFTS, 0)]:
        path.unlink(missing_ok=True)
        path.with_suffix(".lock").unlink(missing_ok=True)
