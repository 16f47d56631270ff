"""A trained group in the cache: under what key, in which files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from taskviz.cache import Cache, key_of
from taskviz.networks import trunk_key
from taskviz.training.checkpoint import Checkpoints
from taskviz.training.group import GroupOutcome
from taskviz.training.options import TrainingOptions
from taskviz.training.run import Row
from taskviz.training.weighting import weighting_class
from taskviz.values import TaskCollection, TrainedNetwork, option_values
from taskviz.values.inputs import digest_of
from taskviz.values.storage import dumps, read_json, write_text

KIND = "network"
VERSION = 3
"""Of the training of a group: raise it whenever results change."""

_WEIGHTS, _OUTCOME = "network.safetensors", "outcome.json"


class GroupStore:
    """Trained groups of one collection under one way of training.

    The key of a group holds what its training sees and nothing else: inputs, splits, and the
    targets of its own tasks; their numbers in the collection, since head t starts from stream t
    (:func:`taskviz.networks.build_network`); options, weighting, seed, floating type, type of
    device, and the versions of the algorithm and of torch. So the same group in another grouping
    of the collection has the same key, whatever the other tasks are; a selection of tasks that
    moves a task to another number has its own.

    Args:
        cache: None keeps nothing.
    """

    def __init__(
        self,
        cache: Cache | None,
        collection: TaskCollection,
        options: TrainingOptions,
        *,
        weighting: str,
        seed: int,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self._cache, self._collection = cache, collection
        self._common = {
            **trunk_key(options),
            "what": KIND,
            "version": VERSION,
            "options": option_values(options),
            "weighting": weighting,
            "weighting_version": weighting_class(weighting).version,
            "seed": seed,
            "device": device.type,
            "dtype": str(dtype).removeprefix("torch."),
            "torch": str(torch.__version__),
        }
        self._inputs: str | None = None

    def parts(self, tasks: Sequence[int]) -> dict[str, Any]:
        """Parts of the key of the group of these task numbers, in whatever order they come."""
        members = [
            {
                "number": number,
                "task": self._collection.tasks[number].to_json(),
                "target": digest_of(self._collection.target_of(number)),
            }
            for number in sorted(tasks)
        ]
        return {**self._common, **self._data(tasks), "members": members}

    def _data(self, tasks: Sequence[int]) -> dict[str, Any]:
        """Inputs and splits; of separate data sets those of the group, and what all decide."""
        blocks, layout = self._collection.samples, self._collection.layout
        start = repr((layout, self._collection.modality))
        if layout == "joint":
            if self._inputs is None:
                self._inputs = digest_of(blocks[0].inputs, blocks[0].split, start=start)
            return {"inputs": self._inputs}
        own = [digest_of(blocks[t].inputs, blocks[t].split, start=start) for t in sorted(tasks)]
        # The shapes of all decide adapters, the largest training split the steps of an epoch.
        return {
            "inputs": own,
            "shapes": [list(block.inputs.shape[1:]) for block in blocks],
            "longest": max(len(block.indices("train")) for block in blocks),
        }

    def find(self, tasks: Sequence[int]) -> GroupOutcome | None:
        """The group as it was trained before, else None."""
        if self._cache is None:
            return None
        folder = self._cache.find(KIND, key_of(**self.parts(tasks)))
        return None if folder is None else read_outcome(folder)

    def checkpoints(self, tasks: Sequence[int]) -> Checkpoints | None:
        """Of the group's network while it trains; the same for all numbers of epochs added."""
        if self._cache is None:
            return None
        parts = self.parts(tasks)
        options = {name: v for name, v in parts["options"].items() if name != "more_epochs"}
        key = key_of(**{**parts, "options": options})
        return Checkpoints(self._cache.root / "checkpoints" / key[:2] / key)

    def put(self, tasks: Sequence[int], outcome: GroupOutcome) -> None:
        """Keep a trained group."""
        if self._cache is not None:
            parts = self.parts(tasks)
            self._cache.put(KIND, key_of(**parts), lambda f: write_outcome(outcome, f), parts)


def write_outcome(outcome: GroupOutcome, folder: Path) -> None:
    """Weights as safetensors, the rest as JSON."""
    from safetensors.numpy import save

    network = outcome.network
    # Not by save_file, whose error on a full disk is no OSError.
    packed = save({name: np.ascontiguousarray(array) for name, array in network.weights.items()})
    (folder / _WEIGHTS).write_bytes(packed)
    data = {
        "tasks": list(network.tasks),
        "seed": network.seed,
        "best_step": network.best_step,
        "seconds": network.seconds,
        "history": _columns(outcome.history),
        "metrics": _columns(outcome.metrics),
        "notes": list(outcome.notes),
        "reached": outcome.reached,
    }
    write_text(folder / _OUTCOME, dumps(data))


def read_outcome(folder: Path) -> GroupOutcome:
    """The inverse of :func:`write_outcome`."""
    from safetensors.numpy import load_file

    data = read_json(folder / _OUTCOME, "trained group")
    network = TrainedNetwork(
        tasks=tuple(data["tasks"]),
        weights=load_file(folder / _WEIGHTS),
        seed=data["seed"],
        best_step=data["best_step"],
        seconds=data["seconds"],
    )
    history, metrics = _rows(data["history"]), _rows(data["metrics"])
    return GroupOutcome(network, history, metrics, tuple(data["notes"]), data["reached"])


def _columns(rows: Sequence[Row]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}


def _rows(columns: dict[str, list[Any]]) -> tuple[Row, ...]:
    values = zip(*columns.values(), strict=True)
    return tuple(dict(zip(columns, row, strict=True)) for row in values)
