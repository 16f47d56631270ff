"""Pinned runs: what they computed stays when the cache makes room."""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from taskviz.cache import Cache
from taskviz.values import TaskvizError
from taskviz.values.storage import dumps, read_json, write_text

_KEY = re.compile(r"[0-9a-f]{64}")
_RUN = re.compile(r"[0-9a-f]{12}")


def pin(cache: Cache, run: str, *parts: Any) -> None:
    """Pin a run.

    Args:
        run: id of its job.
        parts: plain data (spec, result) with the keys of artefacts anywhere in it.
    """
    try:
        path = _path(cache, run)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, dumps({"keys": sorted(keys_in(parts))}))
    except OSError as error:
        raise TaskvizError(f"The run cannot be pinned ({error.strerror or error}).") from None


def unpin(cache: Cache, run: str) -> None:
    """The run may go when the cache makes room."""
    _path(cache, run).unlink(missing_ok=True)


def is_pinned(cache: Cache, run: str) -> bool:
    """True for a pinned run."""
    return _path(cache, run).exists()


def pinned(cache: Cache) -> set[str]:
    """Keys of artefacts that pinned runs name.

    Raises:
        TaskvizError: a pin is damaged, so that it is not known what must stay.
    """
    found: set[str] = set()
    for path in (cache.root / "pins").glob("*.json"):
        found |= keys_in(read_json(path, "pin").get("keys"))
    return found


def keys_in(data: Any) -> set[str]:
    """Keys of artefacts anywhere in plain data, also within texts such as ``upload:…``."""
    if isinstance(data, str):
        return set(_KEY.findall(data))
    if isinstance(data, Mapping):
        return {key for part in data.items() for key in keys_in(list(part))}
    if isinstance(data, Sequence | Collection):
        return {key for part in data for key in keys_in(part)}
    return set()


def _path(cache: Cache, run: str) -> Path:
    if not _RUN.fullmatch(run):
        raise TaskvizError(f"There is no job {run[:40]!r}: see the Jobs page or `taskviz jobs`.")
    return cache.root / "pins" / f"{run}.json"
