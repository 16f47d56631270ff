"""How much each kind of thing, and each person, takes of the disk."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from taskviz.access import Actor
from taskviz.cache import MANIFEST, Cache
from taskviz.values import TaskvizError

SOURCES = ("reference", "plan", "scenario", "imported")
"""Kinds that people made: nothing computes them again, so they never go by themselves."""
OTHERS = ("uploads", "unpacked", "logs", "tmp", "damaged", "pins", "locks")
"""Folders of a cache that hold no artefacts."""


@dataclass(frozen=True)
class Artefact:
    """A stored result on disk.

    Args:
        kind: of artefact.
        folder: where it lies; its name is the key.
        size: bytes.
        used: seconds since 1970 of its last use.
    """

    kind: str
    folder: Path
    size: int
    used: float


def artefacts(cache: Cache) -> Iterator[Artefact]:
    """Everything stored under a key, whole or not."""
    for kind in _folders(cache.root):
        if kind.name in OTHERS:
            continue
        for prefix in _folders(kind):
            for folder in _folders(prefix):
                try:
                    used = folder.stat().st_mtime
                except OSError:
                    continue
                yield Artefact(kind.name, folder, size_of(folder), used)


def sizes(cache: Cache) -> dict[str, tuple[int, int]]:
    """Kind → how many and bytes, the largest first; what lies loose is under ``other``."""
    found: dict[str, tuple[int, int]] = {}
    for artefact in artefacts(cache):
        count, size = found.get(artefact.kind, (0, 0))
        found[artefact.kind] = (count + 1, size + artefact.size)
    for name in OTHERS:
        size = size_of(cache.root / name)
        if size:
            inside = [*(cache.root / name).iterdir()]
            found[name] = (len(inside), size)
    loose = [f for f in _entries(cache.root) if not f.is_dir()]
    if loose:
        found["other"] = (len(loose), sum(_bytes(f) for f in loose))
    return dict(sorted(found.items(), key=lambda item: -item[1][1]))


def used_by(cache: Cache, owner: str) -> int:
    """Bytes of uploads and results that somebody had made first."""
    total = 0
    for kind in _folders(cache.root):
        if kind.name in OTHERS:
            continue
        for manifest in kind.glob(f"*/*/{MANIFEST}"):
            if _owner(manifest) == owner:
                total += size_of(manifest.parent)
    for about in (cache.root / "uploads").glob("*.json"):
        if _owner(about) == owner:
            total += sum(_bytes(f) for f in about.parent.glob(f"{about.stem}.*"))
    return total


def check_space(cache: Cache, who: Actor, more: int = 0) -> None:
    """Refuse somebody who has used up their part of the disk.

    Args:
        more: bytes to be added.

    Raises:
        TaskvizError: they have.
    """
    if who.most_bytes is None:
        return
    used = used_by(cache, who.name)
    if used + more > who.most_bytes or (not more and used >= who.most_bytes):
        raise TaskvizError(
            f"Your uploads and results take {used / 1e9:.3g} GB"
            f"{f', this file {more / 1e9:.3g} GB more,' if more else ''} and "
            f"{who.most_bytes / 1e9:.3g} GB are yours: ask whoever runs this server for more, or "
            "to remove what you no longer need."
        )


def size_of(folder: Path) -> int:
    """Bytes of all files under a folder; what another process removes meanwhile counts nothing."""
    total = 0
    for place, _, names in os.walk(folder):
        total += sum(_bytes(Path(place) / name) for name in names)
    return total


def _owner(path: Path) -> str | None:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return str(data.get("owner", ""))
    except (OSError, ValueError, AttributeError):
        return None


def _bytes(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _folders(folder: Path) -> list[Path]:
    return [entry for entry in _entries(folder) if entry.is_dir() and not entry.is_symlink()]
