"""Samples that lie in files of their own and are read when they are asked for."""

import hashlib
from abc import abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskviz.data.readers.base import Findings
from taskviz.values import LazyInputs, TaskvizError

KEPT_BYTES = 256_000_000
"""What was read is kept in memory where all of it together is no larger."""


class FileRows(LazyInputs):
    """Inputs of n samples, each decoded by itself.

    Args:
        shape: ``(n, …)``.
        dtype: of the values.
        identity: text that changes whenever a file or a setting changes.
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any], identity: str) -> None:
        self._shape = shape
        self._dtype = dtype
        self._fingerprint = hashlib.sha256(identity.encode()).hexdigest()
        self._kept: NDArray[Any] | None = None
        self._known: NDArray[np.bool_] | None = None

    @abstractmethod
    def decode(self, row: int) -> NDArray[Any]:
        """One sample, of ``shape[1:]``.

        Raises:
            TaskvizError: its file cannot be used; the sentence names it.
        """

    @property
    def shape(self) -> tuple[int, ...]:
        """``(n, …)``."""
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the values."""
        return self._dtype

    @property
    def fingerprint(self) -> str:
        """SHA-256 of names, sizes and times of change of the files, and of all settings."""
        return self._fingerprint

    def read(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Decode some samples; those of a small collection are kept."""
        if int(np.prod(self._shape)) * self._dtype.itemsize > KEPT_BYTES:
            out = np.empty((len(rows), *self._shape[1:]), dtype=self._dtype)
            for place, row in enumerate(rows):
                out[place] = self.decode(int(row))
            return out
        if self._kept is None or self._known is None:
            self._kept = np.empty(self._shape, dtype=self._dtype)
            self._known = np.zeros(self._shape[0], dtype=bool)
        for row in np.unique(rows[~self._known[rows]]):
            self._kept[row] = self.decode(int(row))
            self._known[row] = True
        return self._kept[rows]

    def check(self, findings: Findings) -> None:
        """Decode every sample and note each that fails."""
        for row in range(len(self)):
            try:
                self.decode(row)
            except TaskvizError as error:
                findings.error(str(error))

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_kept": None, "_known": None}


def files_digest(names: Iterable[str], stats: Iterable[tuple[int, int]]) -> str:
    """SHA-256 of names with size in bytes and time of change (ns) of each."""
    digest = hashlib.sha256()
    for name, (length, changed) in zip(names, stats, strict=True):
        digest.update(f"{name}\0{length}\0{changed}\n".encode())
    return digest.hexdigest()


def stats_of(folder: Path, names: Iterable[str]) -> list[tuple[int, int]]:
    """Size in bytes and time of change (ns) of files.

    Raises:
        TaskvizError: one of them is not there.
    """
    found = []
    for name in names:
        try:
            status = (folder / name).stat()
        except OSError:
            raise TaskvizError(f"There is no file {name} in {folder.name}: add it.") from None
        found.append((status.st_size, status.st_mtime_ns))
    return found
