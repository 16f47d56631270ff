"""Checkpoints of a network in training: whole or not there, checked when read, never pickled."""

import hashlib
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as from_bytes
from safetensors.torch import save as to_bytes

from taskviz.training.packing import pack, unpack
from taskviz.values import TaskvizError
from taskviz.values.storage import PART, remove_leavings

KEPT = 2
"""Files that are kept: should the newest be damaged, the one before it is there."""

SHARE = 0.005
"""Of the training time that writing may take: where epochs last longer than a write over this,
there is a checkpoint after each of them; where they are shorter, after as many as fill that time.
So a kill costs the running epoch, or two hundred writes' time (a second for small networks)."""

FIRST_WRITE = 0.01
"""Seconds that a write is taken to last before one was measured."""

State = dict[str, Any]


class Checkpoints:
    """The last states of one network, one file each: ``<epoch>.<digest>.safetensors``.

    A file is written beside its place, synced and renamed into it; the digest in its name is that
    of its content, so that a damaged one is told and passed over.

    Args:
        folder: of this network alone; made at the first write.
        share: of the training time that writing may take.
    """

    def __init__(self, folder: Path, share: float = SHARE) -> None:
        self.folder, self._share = folder, share
        self._cost = FIRST_WRITE
        self._since = time.perf_counter()
        self._saved: int | None = None

    def due(self) -> bool:
        """Whether enough time has passed for another one."""
        return time.perf_counter() - self._since >= self._cost / self._share

    def save(self, epoch: int, state: State, what: str) -> None:
        """Keep the state after an epoch; older files go, those of later epochs stay.

        Args:
            what: is trained, for the message.

        Raises:
            TaskvizError: the disk is full or cannot be written; what was there is untouched.
        """
        if epoch == self._saved:
            return
        start = time.perf_counter()
        text, tensors = pack(state)
        data = to_bytes(tensors, metadata={"state": text})
        digest = hashlib.sha256(data).hexdigest()[:16]
        try:
            self._write(self.folder / f"{epoch:07d}.{digest}.safetensors", data)
        except OSError as error:
            before = max((e for e, _ in self._files()), default=None)
            kept = "none was there before" if before is None else f"that of epoch {before} is kept"
            raise TaskvizError(
                f"The checkpoint of {what} after epoch {epoch} cannot be written to {self.folder} "
                f"({error.strerror or error}; {kept}): free some space there and resume."
            ) from None
        for _, path in [found for found in self._files() if found[0] <= epoch][:-KEPT]:
            path.unlink(missing_ok=True)
        self._saved = epoch
        self._since = time.perf_counter()
        self._cost = self._since - start

    def prune(self) -> None:
        """Keep the last state alone, from which epochs can be added: the network is stored."""
        for _, path in self._files()[:-1]:
            path.unlink(missing_ok=True)

    def newest(
        self, accept: Callable[[State], bool], device: torch.device | str = "cpu"
    ) -> State | None:
        """The state of the latest epoch that is whole and accepted, else None."""
        for epoch, path in reversed(self._files()):
            state = _read(path, device)
            if state is not None and accept(state):
                self._saved = epoch
                return state
        return None

    def _files(self) -> list[tuple[int, Path]]:
        found = []
        for path in self.folder.glob("*.safetensors"):
            number = path.name.partition(".")[0]
            if number.isdigit():
                found.append((int(number), path))
        return sorted(found)

    def _write(self, path: Path, data: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        remove_leavings(self.folder)
        temporary = self.folder / f"{uuid.uuid4().hex}{PART}"
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def _read(path: Path, device: torch.device | str) -> State | None:
    """None where the file is gone, cut short or altered."""
    try:
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest()[:16] != path.name.split(".")[1]:
            return None
        # The header of a safetensors file: its length, then JSON.
        size = int.from_bytes(data[:8], "little")
        text = _metadata(data[8 : 8 + size])
        state = unpack(text, from_bytes(data), device)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError, TaskvizError):
        return None
    return state if isinstance(state, dict) else None


def _metadata(header: bytes) -> str:
    import json

    return str(json.loads(header)["__metadata__"]["state"])
