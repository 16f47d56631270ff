"""A collection as tensors: scaled on the training split only, missing labels masked."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from taskviz.values import Split, TaskCollection


@dataclass(frozen=True)
class Scaling:
    """Centre and scale of inputs (one a sample block) and of regression targets (one a task).

    Measured on the training split only. Classification targets have centre 0 and scale 1.
    """

    input_centre: tuple[NDArray[np.float64], ...]
    input_scale: tuple[NDArray[np.float64], ...]
    target_centre: tuple[NDArray[np.float64], ...]
    target_scale: tuple[NDArray[np.float64], ...]

    def scale_inputs(self, inputs: NDArray[Any], block: int = 0) -> NDArray[np.float64]:
        """Standardised inputs; a missing feature becomes the training mean (0)."""
        scaled = (np.asarray(inputs, dtype=np.float64) - self.input_centre[block]) / (
            self.input_scale[block]
        )
        return np.nan_to_num(scaled, nan=0.0, posinf=0.0, neginf=0.0)


@dataclass(frozen=True)
class CollectionTensors:
    """A collection on a device.

    Args:
        collection: where it came from.
        inputs: ``(n, *shape)`` one a sample block: 1 in a joint collection, T in a separate one.
        targets: ``(n, width)`` one a task: scaled value, or class code as a float; 0 where missing.
        masks: ``(n, width)`` bool one a task: False where the label is missing.
        scaling: how to go back.
    """

    collection: TaskCollection
    inputs: tuple[Tensor, ...]
    targets: tuple[Tensor, ...]
    masks: tuple[Tensor, ...]
    scaling: Scaling

    @property
    def device(self) -> torch.device:
        """Where the tensors live."""
        return self.inputs[0].device

    @property
    def dtype(self) -> torch.dtype:
        """Floating type of inputs and targets."""
        return self.inputs[0].dtype

    def inputs_of(self, task: int) -> Tensor:
        """Inputs of task number ``task``."""
        return self.inputs[0 if self.collection.layout == "joint" else task]

    def rows(self, split: Split, task: int = 0) -> Tensor:
        """Row numbers of a split in the block of task number ``task``, ascending, on the device."""
        indices = self.collection.samples_of(task).indices(split)
        return torch.from_numpy(indices).to(self.device)


def to_tensors(
    collection: TaskCollection,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> CollectionTensors:
    """Scale a collection on its training split and move it to a device.

    Numeric inputs of a table are standardised a column; other modalities with one centre and one
    scale over all of them, which keeps an image an image. A constant column gets scale 1.
    """
    centres, scales, inputs = [], [], []
    for block in collection.samples:
        raw = np.asarray(block.inputs, dtype=np.float64)
        centre, scale = _moments(raw[block.indices("train")], collection.modality == "table")
        centres.append(centre)
        scales.append(scale)
    target_centres, target_scales, targets, masks = [], [], [], []
    for i, task in enumerate(collection.tasks):
        raw = collection.target_of(i)
        train = raw[collection.samples_of(i).indices("train")]
        if task.kind == "regression":
            centre, scale = _moments(train, by_column=True)
        else:
            centre, scale = np.zeros(raw.shape[1]), np.ones(raw.shape[1])
        target_centres.append(centre)
        target_scales.append(scale)
        known = ~np.isnan(raw)
        targets.append(_tensor(np.where(known, (raw - centre) / scale, 0.0), device, dtype))
        masks.append(torch.from_numpy(known).to(device))
    scaling = Scaling(tuple(centres), tuple(scales), tuple(target_centres), tuple(target_scales))
    for number, block in enumerate(collection.samples):
        inputs.append(_tensor(scaling.scale_inputs(block.inputs, number), device, dtype))
    return CollectionTensors(collection, tuple(inputs), tuple(targets), tuple(masks), scaling)


def _tensor(array: NDArray[Any], device: torch.device | str, dtype: torch.dtype) -> Tensor:
    # Through the wanted type on the host first: MPS has no float64.
    return torch.from_numpy(array).to(dtype).to(device)


def _moments(
    array: NDArray[np.float64], by_column: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    axis = 0 if by_column else None
    shape = array.shape[1:] if by_column else ()
    known = np.isfinite(array)
    count = np.maximum(known.sum(axis=axis), 1)
    centre = np.where(known, array, 0.0).sum(axis=axis) / count
    spread = np.sqrt((np.where(known, array - centre, 0.0) ** 2).sum(axis=axis) / count)
    tiny = np.finfo(np.float64).eps * 16 * np.maximum(np.abs(centre), 1e-300)
    scale = np.where(spread > tiny, spread, 1.0)
    return np.reshape(centre, shape), np.reshape(scale, shape)
