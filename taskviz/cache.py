"""Content-addressed artefacts under ``cache/``.

An artefact is a folder ``<root>/<kind>/<key[:2]>/<key>/`` of files written by its value, plus
``manifest.json`` with the SHA-256 of each and the parts of the key. It is written beside its place
and renamed into it, so it is there whole or not at all. A file that does not fit its checksum puts
the whole artefact aside under ``damaged/``; it is then computed again.
"""

import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from taskviz.access import actor
from taskviz.values.errors import TaskvizError
from taskviz.values.storage import dumps

V = TypeVar("V")
MANIFEST = "manifest.json"
TOUCH_SECONDS = 30.0
"""When something was used is known to this precision."""


def default_root() -> Path:
    """``$TASKVIZ_CACHE``, else ``cache/`` of a checkout, else the user's cache folder."""
    given = os.environ.get("TASKVIZ_CACHE")
    if given:
        return Path(given).expanduser().resolve()
    checkout = Path(__file__).resolve().parent.parent
    if (checkout / "pyproject.toml").exists():
        return checkout / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "taskviz"


def key_of(**parts: Any) -> str:
    """SHA-256 of plain data; equal parts give equal keys in every process."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Entry:
    """An artefact that is there: its folder, the parts of its key, when it was made."""

    kind: str
    key: str
    folder: Path
    parts: Mapping[str, Any]
    created: float

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(f.stat().st_size for f in self.folder.iterdir() if f.is_file())


class Cache:
    """A store of artefacts; safe for several processes at once.

    Args:
        root: folder; made where it is missing.
    """

    def __init__(self, root: Path | str | None = None) -> None:
        self.root = Path(root) if root is not None else default_root()

    def folder(self, kind: str, key: str) -> Path:
        """Where the artefact is or would be."""
        return self.root / kind / key[:2] / key

    def find(self, kind: str, key: str) -> Path | None:
        """Folder of a whole, undamaged artefact, else None."""
        folder = self.folder(kind, key)
        if not folder.is_dir():
            return None
        problem = damage(folder)
        if problem is None:
            touch(folder)
            return folder
        self._set_aside(folder, problem)
        return None

    def put(
        self, kind: str, key: str, write: Callable[[Path], object], parts: Mapping[str, Any]
    ) -> Path:
        """Store an artefact: ``write`` fills the folder it is given.

        Raises:
            TaskvizError: the disk is full or the cache cannot be written.
        """
        folder = self.folder(kind, key)
        temporary = self.root / "tmp" / f"{key[:16]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        try:
            temporary.mkdir(parents=True)
            write(temporary)
            files = sorted(f.name for f in temporary.iterdir())
            manifest = {
                "kind": kind,
                "key": key,
                "parts": dict(parts),
                "created": time.time(),
                "files": {name: _digest(temporary / name) for name in files},
            }
            owner = actor().name
            if owner:
                # Counts for the quota of whoever had it made.
                manifest["owner"] = owner
            (temporary / MANIFEST).write_text(dumps(manifest), encoding="utf-8")
            for name in (*files, MANIFEST):
                _sync(temporary / name)
            folder.parent.mkdir(parents=True, exist_ok=True)
            try:
                temporary.rename(folder)
            except OSError:
                # Another process was faster: same key, same content. Keep theirs if it is whole.
                if self.find(kind, key) is None:
                    temporary.rename(folder)
        except OSError as error:
            raise TaskvizError(
                f"Cannot write to the cache at {self.root} ({error.strerror or error}): "
                "free some space there or set TASKVIZ_CACHE to a folder that can be written."
            ) from None
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return folder

    def fetch(
        self,
        kind: str,
        parts: Mapping[str, Any],
        *,
        compute: Callable[[], V],
        write: Callable[[V, Path], object],
        read: Callable[[Path], V],
    ) -> V:
        """The value under these key parts, computed at most once."""
        key = key_of(**parts)
        folder = self.find(kind, key)
        if folder is not None:
            return read(folder)
        value = compute()
        self.put(kind, key, lambda folder: write(value, folder), parts)
        return value

    def entries(self, kind: str) -> Iterator[Entry]:
        """All artefacts of a kind, newest first; what cannot be read is passed over."""
        found = []
        for manifest in (self.root / kind).glob(f"*/*/{MANIFEST}"):
            try:
                status = manifest.stat()
                data = _read(str(manifest), status.st_mtime_ns, status.st_size)
                found.append(
                    Entry(kind, data["key"], manifest.parent, data["parts"], data["created"])
                )
            except (OSError, ValueError, KeyError, TypeError):
                continue
        yield from sorted(found, key=lambda entry: -entry.created)

    def size(self) -> int:
        """Bytes of everything under the root."""
        total = 0
        for folder, _, names in os.walk(self.root):
            for name in names:
                try:
                    total += (Path(folder) / name).stat().st_size
                except OSError:
                    continue
        return total

    def sweep(self, older_than: float = 3600.0) -> int:
        """Remove what writers that were killed left half-written; returns how many.

        Args:
            older_than: seconds; a writer that is at work is younger.
        """
        swept, limit = 0, time.time() - older_than
        for folder in (self.root / "tmp").glob("*"):
            try:
                if folder.stat().st_mtime < limit:
                    shutil.rmtree(folder)
                    swept += 1
            except OSError:
                # Another process sweeps too.
                continue
        return swept

    def _set_aside(self, folder: Path, problem: str) -> None:
        target = self.root / "damaged" / f"{folder.name}-{uuid.uuid4().hex[:8]}"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            folder.rename(target)
            (target / "why.txt").write_text(problem, encoding="utf-8")
        except OSError:
            # Another process has put it aside already.
            return


@lru_cache(maxsize=4096)
def _read(manifest: str, changed: int, size: int) -> Any:
    """A manifest, read once as long as its file is the same: lists name hundreds of them."""
    return json.loads(Path(manifest).read_text(encoding="utf-8"))


def touch(folder: Path) -> None:
    """Note that a folder of the cache was used now; a cache that cannot be written is only read."""
    with suppress(OSError):
        if time.time() - folder.stat().st_mtime > TOUCH_SECONDS:
            os.utime(folder)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def damage(folder: Path) -> str | None:
    """Why an artefact is not whole; None where it is."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        for name, expected in manifest["files"].items():
            if _digest(folder / Path(name).name) != expected:
                return f"{name} does not fit its checksum"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"{type(error).__name__}: {error}"
    return None
