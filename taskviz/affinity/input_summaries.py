"""Samples of any modality as vectors of one length, for classifiers that tell data sets apart."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from taskviz.values import GraphNodes, Graphs, Inputs, TaskCollection, TaskvizError

Floats = NDArray[np.float64]
POOLED = 8
"""Height and width to which images of different size are averaged."""


def summary_kind(collection: TaskCollection) -> str:
    """What :func:`summaries` gives, for people; "" where it is the inputs themselves.

    Raises:
        TaskvizError: data sets whose features are not the same in number.
    """
    shapes = [tuple(block.inputs.shape[1:]) for block in collection.samples]
    modality = collection.modality
    fixed = [_fixed(shape, modality) for shape in shapes]
    for name, own in zip(collection.names, fixed, strict=True):
        if own != fixed[0]:
            raise TaskvizError(
                f"Inputs of {name!r} have {own} {_unit(modality)} but those of "
                f"{collection.names[0]!r} {fixed[0]}: discrepancy compares data sets whose samples "
                "are measured alike."
            )
    if modality == "graph":
        return "number of nodes and edges, and moments of their features"
    if modality == "nodes":
        return "features of a node, their mean over its neighbours, and its degree"
    if len(set(shapes)) == 1:
        return ""
    return (
        f"means over {POOLED} × {POOLED} fields"
        if modality == "image"
        else "length, and mean, spread and extremes of each channel"
    )


def summaries(inputs: Inputs, rows: NDArray[np.int64], modality: str, alike: bool) -> Floats:
    """``(len(rows), p)`` float64.

    Args:
        alike: the data sets have inputs of one shape, which are then taken as they are.
    """
    if isinstance(inputs, Graphs):
        return _of_graphs(inputs[rows])
    if isinstance(inputs, GraphNodes):
        return _of_nodes(inputs)[inputs.nodes[rows]]
    picked = np.asarray(inputs[rows], dtype=np.float64)
    if alike or modality == "table":
        return picked.reshape(len(rows), -1)
    return _pooled(picked) if modality == "image" else _of_series(picked)


def _fixed(shape: tuple[int, ...], modality: str) -> tuple[int, ...]:
    """The part of a shape that must agree."""
    if modality == "image":
        return shape[:1]
    return shape[:-1] if modality == "series" else shape


def _unit(modality: str) -> str:
    return "channels" if modality in ("image", "series") else "features"


def _of_graphs(graphs: Graphs) -> Floats:
    nodes, edges = np.diff(graphs.node_pointer), np.diff(graphs.edge_pointer)
    return np.concatenate(
        [
            nodes[:, None],
            edges[:, None],
            *_moments(graphs.node_features, graphs.node_pointer),
            *_moments(graphs.edge_features, graphs.edge_pointer),
        ],
        axis=1,
    )


def _moments(features: NDArray[np.floating], pointer: NDArray[np.int64]) -> Sequence[Floats]:
    """Mean and standard deviation of each feature in each graph; 0 where there is nothing."""
    known = np.nan_to_num(np.asarray(features, dtype=np.float64))
    sums = np.concatenate([np.zeros((1, known.shape[1])), np.cumsum(known, axis=0)])
    squares = np.concatenate([np.zeros((1, known.shape[1])), np.cumsum(known**2, axis=0)])
    count = np.maximum(np.diff(pointer), 1)[:, None]
    mean = (sums[pointer[1:]] - sums[pointer[:-1]]) / count
    square = (squares[pointer[1:]] - squares[pointer[:-1]]) / count
    return mean, np.sqrt(np.maximum(square - mean**2, 0.0))


def _of_nodes(graph: GraphNodes) -> Floats:
    features = np.nan_to_num(np.asarray(graph.features, dtype=np.float64))
    source, target = graph.edge_index
    degree = np.bincount(target, minlength=len(features)).astype(np.float64)
    around = np.zeros_like(features)
    np.add.at(around, target, features[source])
    return np.concatenate(
        [features, around / np.maximum(degree, 1)[:, None], degree[:, None]], axis=1
    )


def _of_series(series: Floats) -> Floats:
    flat = series.reshape(len(series), -1, series.shape[-1])
    known = ~np.isnan(flat)
    count = np.maximum(known.sum(axis=2), 1)
    filled = np.where(known, flat, 0.0)
    mean = filled.sum(axis=2) / count
    spread = np.sqrt((np.where(known, flat - mean[..., None], 0.0) ** 2).sum(axis=2) / count)
    low = np.where(known, flat, np.inf).min(axis=2)
    high = np.where(known, flat, -np.inf).max(axis=2)
    length = known.any(axis=1).sum(axis=1, keepdims=True)
    return np.concatenate([length, mean, spread, low, high], axis=1)


def _pooled(images: Floats) -> Floats:
    import torch
    from torch.nn import functional as F

    pooled = F.adaptive_avg_pool2d(torch.from_numpy(np.nan_to_num(images)), POOLED)
    return np.asarray(pooled.flatten(1).numpy())
