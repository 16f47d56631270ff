"""Losses of trained subset networks in the cache: looked up a network, written a unit.

An artefact of the cache costs two fsyncs, more than many a network costs to train; so each holds
all networks of one finished unit. Those that share everything but their subset (collection,
options, seed, device type, version) lie in one folder, which is small enough to be read whole: a
larger request then finds every network that smaller ones have trained.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskviz.cache import MANIFEST, Cache, key_of
from taskviz.training.subsets.unit import Losses, Members
from taskviz.values.storage import dumps, nullable, read_json

FILE = "losses.json"


@dataclass(frozen=True, eq=False)
class NetworkLosses:
    """Of one network: ``(T,)`` validation and test losses, and the step that failed, or 0."""

    valid: NDArray[np.float64]
    test: NDArray[np.float64]
    failed: int


Found = dict[Members, NetworkLosses]

# Artefacts read by this process, with the time stamps of their files: read again when changed.
_READ: dict[Path, tuple[tuple[int, ...], Found]] = {}


class LossStore:
    """The networks of one collection, seed and way of training.

    Args:
        cache: where; None keeps nothing.
        parts: everything that decides a network's losses, but its subset; plain data.
        tasks: number of tasks of the collection.
    """

    def __init__(self, cache: Cache | None, parts: Mapping[str, Any], tasks: int) -> None:
        self._cache, self._parts, self._tasks = cache, dict(parts), tasks
        self._kind = f"subset/{key_of(**parts)[:32]}"

    def find(self) -> Found:
        """Every network that is there, whole and undamaged."""
        found: Found = {}
        if self._cache is None:
            return found
        for folder in sorted((self._cache.root / self._kind).glob("*/*")):
            found.update(self._read(self._cache, folder))
        return found

    def put(self, members: Sequence[Members], losses: Losses) -> Found:
        """Keep the networks of a finished unit, all or none."""
        found: Found = {
            row: NetworkLosses(losses.valid[i], losses.test[i], int(losses.failed[i]))
            for i, row in enumerate(members)
        }
        if self._cache is not None:
            parts = {**self._parts, "members": [list(row) for row in members]}
            data = {
                "members": parts["members"],
                "valid": nullable(losses.valid),
                "test": nullable(losses.test),
                "failed": losses.failed.tolist(),
            }
            self._cache.put(
                self._kind,
                key_of(**parts),
                lambda folder: (folder / FILE).write_text(dumps(data), encoding="utf-8"),
                parts,
            )
        return found

    def _read(self, cache: Cache, folder: Path) -> Found:
        stamp = _stamp(folder)
        known = _READ.get(folder)
        if known is not None and stamp and known[0] == stamp:
            return known[1]
        if cache.find(self._kind, folder.name) is None:
            return {}
        data = read_json(folder / FILE, "subset losses")
        valid, test = (np.array(data[name], dtype=np.float64) for name in ("valid", "test"))
        found: Found = {}
        for i, row in enumerate(data["members"]):
            if valid.shape[1] == test.shape[1] == self._tasks:
                found[tuple(row)] = NetworkLosses(valid[i], test[i], int(data["failed"][i]))
        _READ[folder] = (stamp, found)
        return found


def _stamp(folder: Path) -> tuple[int, ...]:
    try:
        statuses = [(folder / name).stat() for name in (FILE, MANIFEST)]
    except OSError:
        return ()
    return tuple(figure for status in statuses for figure in (status.st_mtime_ns, status.st_size))
