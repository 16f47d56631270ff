"""Small collections of every modality, joint and separate, with something to learn in them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskviz.values import (
    GraphNodes,
    Graphs,
    Inputs,
    Layout,
    Modality,
    Task,
    TaskCollection,
)

EVERY = [
    (modality, layout)
    for layout in ("joint", "separate")
    for modality in ("table", "image", "series", "spectrogram", "graph", "nodes")
]


def make_inputs(kind: str, n: int, seed: int = 0, size: int = 0) -> tuple[Inputs, NDArray[Any]]:
    """Inputs and a ``(n, 3)`` score of each sample.

    Args:
        size: makes the shape another one.
    """
    rng = np.random.default_rng(seed)
    mix = np.random.default_rng(7).normal(size=(64, 3))
    if kind == "table":
        table = rng.normal(size=(n, 5 + size))
        return table, table @ mix[: 5 + size]
    if kind == "image":
        image = rng.integers(0, 256, (n, 1 + size, 6 + size, 8)).astype(np.uint8)
        return image, image.mean(axis=(1, 3))[:, :6] @ mix[:6] / 20
    if kind == "spectrogram":
        sound = rng.normal(size=(n, 1, 4 + size, 7)).astype(np.float32)
        return sound, sound.mean(axis=(1, 3))[:, :4] @ mix[:4]
    if kind == "series":
        series = rng.normal(size=(n, 2 + size, 9 + size)).astype(np.float32)
        score = series.mean(axis=2) @ mix[: 2 + size]
        for row, length in enumerate(rng.integers(3, 10 + size, n)):
            series[row, :, length:] = np.nan
        return series, score
    if kind == "graph":
        sizes = rng.integers(1, 6, n)
        nodes = [rng.normal(size=(count, 3 + size)) for count in sizes]
        pairs = [np.array([[i, i + 1] for i in range(k - 1)] or np.zeros((0, 2))) for k in sizes]
        edges = [np.concatenate([p, p[:, ::-1]]).T.astype(int) for p in pairs]
        features = [rng.normal(size=(e.shape[1], 2)) for e in edges]
        graphs = Graphs.from_lists(nodes, edges, features)
        return graphs, np.array([own.sum(axis=0)[:3] for own in nodes]) @ mix[:3]
    features = rng.normal(size=(n + 4, 4 + size))
    ring = np.arange(n + 4)
    edges = np.stack([ring, np.roll(ring, 1)])
    graph = GraphNodes(features, np.concatenate([edges, edges[::-1]], axis=1), np.arange(n))
    return graph, features[:n, :4] @ mix[:4]


def make_collection(
    kind: str,
    layout: Layout = "joint",
    n: int = 48,
    *,
    missing: float = 0.0,
    sizes: Sequence[int] = (0, 0, 0),
    seed: int = 0,
) -> TaskCollection:
    """Three tasks: regression, binary, multiclass."""
    tasks = (
        Task("value", "regression"),
        Task("sign", "binary", ("no", "yes")),
        Task("third", "multiclass", ("low", "mid", "high")),
    )
    modality: Modality = "series" if kind == "spectrogram" else kind  # type: ignore[assignment]
    split = np.arange(n).astype(np.int8) % 4
    split = np.where(split == 3, 0, split).astype(np.int8)
    rng = np.random.default_rng([seed, 3])

    def column(number: int, score: NDArray[Any]) -> NDArray[np.float64]:
        found = score[:, number].astype(np.float64)
        if number == 1:
            found = (found > np.median(found)).astype(np.float64)
        if number == 2:
            found = np.digitize(found, np.quantile(found, [1 / 3, 2 / 3])).astype(np.float64)
        found[rng.random(n) < missing] = np.nan
        return found

    if layout == "joint":
        inputs, score = make_inputs(kind, n, seed)
        targets = {task.name: column(i, score) for i, task in enumerate(tasks)}
        return TaskCollection.from_arrays(kind, inputs, targets, tasks, split, modality=modality)
    sets = []
    for i, (task, size) in enumerate(zip(tasks, sizes, strict=True)):
        inputs, score = make_inputs(kind, n, seed + i, size)
        sets.append((task, inputs, column(i, score), split))
    return TaskCollection.from_data_sets(kind, sets, modality=modality)
