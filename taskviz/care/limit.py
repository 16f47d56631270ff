"""The limit of a cache: what was not used for longest goes first.

What nothing computes again stays (uploads, imported scores, plans, scenarios, references), so do
pinned runs and whatever a job at work may need.
"""

import shutil
import time
import uuid
from collections.abc import Collection
from pathlib import Path

from taskviz.cache import Cache
from taskviz.care.pins import pinned
from taskviz.care.used import SOURCES, artefacts, size_of
from taskviz.values import TaskvizError
from taskviz.values.storage import dumps, read_json, write_text

FRESH_SECONDS = 600.0
"""Just used: a page may be reading it."""
UNPACKED_SECONDS = 86_400.0
"""An open collection reads images from its unpacked archive for as long as it is open."""
_FILE = "limit.json"


def limit(cache: Cache) -> int | None:
    """Bytes that the cache may take; None: any number.

    Raises:
        TaskvizError: the file that says so is damaged.
    """
    path = cache.root / _FILE
    if not path.exists():
        return None
    value = read_json(path, "limit of the cache").get("bytes")
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TaskvizError(f"{path} says no number of bytes: set the limit again.")
    return value


def set_limit(cache: Cache, size: int | None) -> None:
    """Set or lift the limit; it is kept after each job and by :func:`keep_within_limit`."""
    try:
        cache.root.mkdir(parents=True, exist_ok=True)
        if size is None:
            (cache.root / _FILE).unlink(missing_ok=True)
        else:
            write_text(cache.root / _FILE, dumps({"bytes": size}))
    except OSError as error:
        raise TaskvizError(
            f"The limit cannot be written to {cache.root} ({error.strerror or error})."
        ) from None


def keep_within_limit(
    cache: Cache, keys: Collection[str] = (), since: float | None = None, most: int | None = None
) -> int:
    """Remove what was least recently used until the cache fits.

    Args:
        keys: of artefacts that jobs at work name; they stay.
        since: what was used since then stays: when the oldest job at work was started.
        most: bytes; None takes the limit that is set.

    Returns:
        Bytes that were removed.
    """
    most = limit(cache) if most is None else most
    if most is None:
        return 0
    total = cache.size()
    if total <= most:
        return 0
    now = time.time()
    newest = now - FRESH_SECONDS
    if since is not None:
        newest = min(newest, since - FRESH_SECONDS)
    stay = {*keys, *pinned(cache)}
    removed = 0
    for _, folder, size in sorted(_candidates(cache, newest, now)):
        if total - removed <= most:
            break
        # Looked at again: used since?
        if folder.name not in stay and _used(folder) < newest and _remove(cache, folder):
            removed += size
    return removed


def _candidates(cache: Cache, newest: float, now: float) -> list[tuple[float, Path, int]]:
    found = [
        (artefact.used, artefact.folder, artefact.size)
        for artefact in artefacts(cache)
        if artefact.kind not in SOURCES and artefact.used < newest
    ]
    for place, age in (("unpacked", UNPACKED_SECONDS), ("damaged", 0.0), ("tmp", 0.0)):
        for folder in (cache.root / place).glob("*"):
            used = _used(folder)
            if used < min(newest, now - age):
                found.append((0.0 if place != "unpacked" else used, folder, size_of(folder)))
    return found


def _used(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return float("inf")


def _remove(cache: Cache, folder: Path) -> bool:
    """Out of sight at once, then gone: nobody finds half of it."""
    aside = cache.root / "tmp" / f"removed-{uuid.uuid4().hex[:12]}"
    try:
        aside.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(aside)
    except OSError:
        return False
    shutil.rmtree(aside, ignore_errors=True)
    return True
