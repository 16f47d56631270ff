"""A collection as tensors: scaled on the training split only, missing labels masked."""

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from taskviz.data.batch_inputs import BatchInputs, StoredRows, graph_rows
from taskviz.values import (
    GraphNodes,
    Graphs,
    Inputs,
    InputSource,
    LazyInputs,
    Modality,
    Samples,
    Split,
    TaskCollection,
)

MEASURED = 2048
"""Rows from which the moments of images and of lazily read inputs are taken, at most."""
HELD = 1 << 26
"""Numbers of an array of whole numbers (images) from which it is scaled when its rows are taken."""


@dataclass(frozen=True)
class Scaling:
    """Centre and scale of inputs (one a sample block) and of regression targets (one a task).

    Measured on the training split only. Classification targets have centre 0 and scale 1. Of a
    graph the features of nodes, then those of edges.
    """

    input_centre: tuple[NDArray[np.float64], ...]
    input_scale: tuple[NDArray[np.float64], ...]
    target_centre: tuple[NDArray[np.float64], ...]
    target_scale: tuple[NDArray[np.float64], ...]

    def scale_inputs(self, inputs: NDArray[Any], block: int = 0) -> NDArray[np.float64]:
        """Standardised inputs; a missing feature becomes the training mean (0)."""
        scaled = self._standardised(inputs, block)
        return np.nan_to_num(scaled, copy=False, nan=0.0, posinf=0.0, neginf=0.0)

    def scale_series(self, inputs: NDArray[Any], block: int = 0) -> NDArray[np.float64]:
        """The same for ``(n, channels, …, length)``; padding (NaN in all channels) stays NaN."""
        scaled = self.scale_inputs(inputs, block)
        axes = tuple(range(1, inputs.ndim - 1))
        known = ~np.isnan(inputs).all(axis=axes)
        # Padding is at the end: a gap in the middle is missing, as is a series without any step.
        after = np.flip(np.cumsum(np.flip(known, -1), axis=-1), -1) > 0
        after[~known.any(axis=-1), :1] = True
        padding = np.broadcast_to(~np.expand_dims(after, axes), scaled.shape)
        scaled[padding] = np.nan
        return scaled

    def scale_graphs(self, graphs: Graphs, block: int = 0) -> Graphs:
        """Features of nodes and of edges standardised."""
        width = graphs.shape[1]
        parts = []
        for features, span in (
            (graphs.node_features, slice(width)),
            (graphs.edge_features, slice(width, None)),
        ):
            centre, scale = self.input_centre[block][span], self.input_scale[block][span]
            scaled = (np.asarray(features, dtype=np.float64) - centre) / scale
            parts.append(np.nan_to_num(scaled, nan=0.0, posinf=0.0, neginf=0.0))
        return Graphs(
            parts[0], graphs.edge_index, parts[1], graphs.node_pointer, graphs.edge_pointer
        )

    def rows(
        self,
        inputs: Inputs,
        modality: Modality,
        block: int = 0,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> BatchInputs:
        """Raw inputs as the rows that networks take (:mod:`taskviz.data.batch_inputs`)."""
        if isinstance(inputs, GraphNodes):
            return _tensor(inputs.nodes[:, None].copy(), device, dtype)
        if isinstance(inputs, Graphs):
            return graph_rows(self.scale_graphs(inputs, block), dtype).to(device)
        scale = self.scale_series if modality == "series" else self.scale_inputs
        inputs = _plain(inputs)
        if isinstance(inputs, LazyInputs) or _is_large(inputs):
            here = torch.device(device)
            return StoredRows(inputs, partial(scale, block=block), here, dtype)
        return _tensor(scale(inputs, block), device, dtype)

    def _standardised(self, inputs: NDArray[Any], block: int) -> NDArray[np.float64]:
        raw = np.asarray(inputs, dtype=np.float64)
        return np.asarray((raw - self.input_centre[block]) / self.input_scale[block])


@dataclass(frozen=True)
class CollectionTensors:
    """A collection on a device.

    Args:
        collection: where it came from.
        inputs: n rows one a sample block: 1 in a joint collection, T in a separate one; see
            :mod:`taskviz.data.batch_inputs`.
        targets: ``(n, width)`` one a task: scaled value, or class code as a float; 0 where missing.
        masks: ``(n, width)`` bool one a task: False where the label is missing.
        scaling: how to go back.
    """

    collection: TaskCollection
    inputs: tuple[BatchInputs, ...]
    targets: tuple[Tensor, ...]
    masks: tuple[Tensor, ...]
    scaling: Scaling

    sent_once: ClassVar[bool] = True
    """As :class:`taskviz.values.Samples`."""

    @property
    def device(self) -> torch.device:
        """Where the tensors live."""
        return self.targets[0].device

    @property
    def dtype(self) -> torch.dtype:
        """Floating type of inputs and targets."""
        return self.targets[0].dtype

    def inputs_of(self, task: int) -> BatchInputs:
        """Input rows of task number ``task``."""
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

    Numeric inputs of a table are standardised a column, series a channel, graphs a feature of
    nodes and of edges, images with one centre and one scale over all of them, which keeps an image
    an image. A constant column gets scale 1.
    """
    centres, scales, inputs = [], [], []
    for block in collection.samples:
        centre, scale = input_moments(block, collection.modality)
        centres.append(centre)
        scales.append(scale)
    target_centres, target_scales, targets, masks = [], [], [], []
    for i, task in enumerate(collection.tasks):
        raw = collection.target_of(i)
        train = raw[collection.samples_of(i).indices("train")]
        if task.kind == "regression":
            centre, scale = _moments(train, (0,))
        else:
            centre, scale = np.zeros(raw.shape[1]), np.ones(raw.shape[1])
        target_centres.append(centre)
        target_scales.append(scale)
        known = ~np.isnan(raw)
        targets.append(_tensor(np.where(known, (raw - centre) / scale, 0.0), device, dtype))
        masks.append(torch.from_numpy(known).to(device))
    scaling = Scaling(tuple(centres), tuple(scales), tuple(target_centres), tuple(target_scales))
    for number, block in enumerate(collection.samples):
        inputs.append(scaling.rows(block.inputs, collection.modality, number, device, dtype))
    return CollectionTensors(collection, tuple(inputs), tuple(targets), tuple(masks), scaling)


def input_moments(
    block: Samples, modality: Modality
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centre and scale of the inputs of the training split.

    Of images and of lazily read inputs a fixed random part of :data:`MEASURED` rows is measured.
    """
    rows, inputs = block.indices("train"), block.inputs
    if isinstance(inputs, Graphs):
        picked = inputs[rows]
        moments = [
            _moments(np.asarray(features, dtype=np.float64), (0,))
            for features in (picked.node_features, picked.edge_features)
        ]
        centres, scales = zip(*moments, strict=True)
        return np.concatenate(centres), np.concatenate(scales)
    if isinstance(inputs, GraphNodes):
        nodes = inputs.features[inputs.nodes[rows]]
        return _moments(np.asarray(nodes, dtype=np.float64), (0,))
    if len(rows) > MEASURED and (isinstance(inputs, LazyInputs) or _is_large(_plain(inputs))):
        rows = np.sort(np.random.default_rng(0).choice(rows, MEASURED, replace=False))
    raw = np.asarray(inputs[rows], dtype=np.float64)
    if modality == "table":
        return _moments(raw, (0,))
    if modality == "series" and raw.ndim > 2:
        return _moments(raw, (0, *range(2, raw.ndim)))
    return _moments(raw, tuple(range(raw.ndim)))


def _plain(inputs: Inputs) -> NDArray[Any] | LazyInputs:
    assert isinstance(inputs, LazyInputs) or not isinstance(inputs, InputSource), "no graphs"
    return inputs


def _is_large(inputs: NDArray[Any] | LazyInputs) -> bool:
    """Whole numbers (images) that would take several times their memory as floating numbers."""
    return isinstance(inputs, np.ndarray) and inputs.dtype.kind in "iu" and inputs.size > HELD


def _tensor(array: NDArray[Any], device: torch.device | str, dtype: torch.dtype) -> Tensor:
    # Through the wanted type on the host first: MPS has no float64.
    return torch.from_numpy(array).to(dtype).to(device)


def _moments(
    array: NDArray[np.float64], axis: tuple[int, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centre and scale over some axes, in a shape that goes with one sample."""
    known = np.isfinite(array)
    count = np.maximum(known.sum(axis=axis, keepdims=True), 1)
    centre = np.where(known, array, 0.0).sum(axis=axis, keepdims=True) / count
    squares = np.where(known, array - centre, 0.0) ** 2
    spread = np.sqrt(squares.sum(axis=axis, keepdims=True) / count)
    tiny = np.finfo(np.float64).eps * 16 * np.maximum(np.abs(centre), 1e-300)
    scale = np.where(spread > tiny, spread, 1.0)
    if len(axis) == array.ndim:
        return np.reshape(centre, ()), np.reshape(scale, ())
    return centre[0], scale[0]
