"""Inputs that are no plain array: graphs, nodes of a graph, rows that are read when asked for.

Each acts like an array along its first axis (``len``, ``[rows]``, ``.shape``, ``.ndim``,
``.dtype``) and has a fingerprint of its content, which stands for its bytes in every cache key.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskviz.values.errors import TaskvizError

Rows = slice | NDArray[Any] | Sequence[int]


class InputSource(ABC):
    """Inputs of n samples."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """``(n, *shape)`` of what a network is built for."""

    @property
    @abstractmethod
    def dtype(self) -> np.dtype[Any]:
        """Of the numbers inside."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """SHA-256 of the content."""

    @abstractmethod
    def __getitem__(self, rows: Rows) -> Any:
        """Some samples: of the same class, or an array where rows are read when asked for."""

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def ndim(self) -> int:
        """Axes of ``shape``."""
        return len(self.shape)


class LazyInputs(InputSource):
    """Rows that are read, or decoded, when they are asked for: a folder of images, say.

    A subclass gives ``shape``, ``dtype``, ``fingerprint`` and :meth:`read`, and can be pickled.
    """

    @abstractmethod
    def read(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """``(len(rows), *shape)`` in the order given.

        Raises:
            TaskvizError: a row that cannot be read; the sentence names its file.
        """

    def __getitem__(self, rows: Rows) -> NDArray[Any]:
        return self.read(_numbers(rows, len(self)))


@dataclass(frozen=True, eq=False)
class Graphs(InputSource):
    """n graphs, packed one after another.

    Args:
        node_features: ``(N, F)``; NaN where missing.
        edge_index: ``(2, E)`` int64, source and target of each edge, counted over all N nodes; an
            undirected edge stands twice.
        edge_features: ``(E, D)``; D may be 0.
        node_pointer: ``(n + 1,)`` int64: graph i has nodes ``pointer[i]`` to ``pointer[i + 1]``.
        edge_pointer: ``(n + 1,)`` int64: and edges ``pointer[i]`` to ``pointer[i + 1]``.

    Raises:
        TaskvizError: pointers that do not cover nodes and edges, an edge that leaves its graph, a
            graph without a node.
    """

    node_features: NDArray[np.floating]
    edge_index: NDArray[np.int64]
    edge_features: NDArray[np.floating]
    node_pointer: NDArray[np.int64]
    edge_pointer: NDArray[np.int64]

    def __post_init__(self) -> None:
        nodes, edges = self.node_pointer, self.edge_pointer
        fits = (
            self.node_features.ndim == 2
            and self.edge_features.ndim == 2
            and self.edge_index.shape == (2, len(self.edge_features))
            and len(nodes) == len(edges) >= 1
            and (nodes[0], edges[0]) == (0, 0)
            and (nodes[-1], edges[-1]) == (len(self.node_features), len(self.edge_features))
            and bool((np.diff(nodes) >= 0).all() and (np.diff(edges) >= 0).all())
        )
        if not fits:
            raise TaskvizError(
                f"Graphs do not fit together: {len(self.node_features)} nodes, edges of shape "
                f"{self.edge_index.shape} with features of shape {self.edge_features.shape}, "
                "and pointers that must rise from 0 to the number of nodes and of edges."
            )
        empty = np.flatnonzero(np.diff(nodes) == 0)
        if len(empty):
            raise TaskvizError(f"Graph {empty[0] + 1} has no node: leave it out.")
        owner = np.repeat(np.arange(len(self)), np.diff(edges))
        inside = (self.edge_index >= nodes[owner]) & (self.edge_index < nodes[owner + 1])
        if not inside.all():
            graph = int(owner[np.flatnonzero(~inside.all(axis=0))[0]])
            raise TaskvizError(f"An edge of graph {graph + 1} leads to a node of another graph.")
        for array in (*self._arrays,):
            array.flags.writeable = False

    @property
    def _arrays(self) -> tuple[NDArray[Any], ...]:
        return (
            self.node_features,
            self.edge_index,
            self.edge_features,
            self.node_pointer,
            self.edge_pointer,
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """``(n, F, D)``: graphs, features of a node, features of an edge."""
        return len(self.node_pointer) - 1, self.node_features.shape[1], self.edge_features.shape[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the node features."""
        return np.dtype(self.node_features.dtype)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all five arrays."""
        return digest_of(*self._arrays)

    def __getitem__(self, rows: Rows) -> "Graphs":
        picked = _numbers(rows, len(self))
        nodes, node_pointer = _spans(self.node_pointer, picked)
        edges, edge_pointer = _spans(self.edge_pointer, picked)
        shift = node_pointer[:-1] - self.node_pointer[picked]
        moved = self.edge_index[:, edges] + np.repeat(shift, np.diff(edge_pointer))
        return Graphs(
            self.node_features[nodes], moved, self.edge_features[edges], node_pointer, edge_pointer
        )

    @classmethod
    def from_lists(
        cls,
        nodes: Sequence[NDArray[Any]],
        edges: Sequence[NDArray[Any]],
        edge_features: Sequence[NDArray[Any]] | None = None,
    ) -> "Graphs":
        """Pack graphs given one by one.

        Args:
            nodes: ``(N_i, F)`` one a graph.
            edges: ``(2, E_i)`` one a graph, counted from 0 within the graph.
            edge_features: ``(E_i, D)`` one a graph; None where edges have no features.

        Raises:
            TaskvizError: no graph at all, or shapes that do not fit.
        """
        if not nodes:
            raise TaskvizError("There is no graph: give at least one.")
        node_pointer = np.concatenate([[0], np.cumsum([len(own) for own in nodes])])
        edge_pointer = np.concatenate([[0], np.cumsum([np.shape(own)[1] for own in edges])])
        features = edge_features or [np.zeros((np.shape(own)[1], 0)) for own in edges]
        moved = [np.asarray(own) + start for own, start in zip(edges, node_pointer, strict=False)]
        return cls(
            np.concatenate([np.asarray(own, dtype=np.float64) for own in nodes]),
            np.concatenate(moved, axis=1).astype(np.int64),
            np.concatenate([np.asarray(own, dtype=np.float64) for own in features]),
            node_pointer.astype(np.int64),
            edge_pointer.astype(np.int64),
        )

    @classmethod
    def empty(cls, node_width: int, edge_width: int) -> "Graphs":
        """No graph, but with the widths of its features."""
        return cls(
            np.zeros((0, node_width)),
            np.zeros((2, 0), dtype=np.int64),
            np.zeros((0, edge_width)),
            np.zeros(1, dtype=np.int64),
            np.zeros(1, dtype=np.int64),
        )


@dataclass(frozen=True, eq=False)
class GraphNodes(InputSource):
    """Nodes of one graph: a sample is a node, and the whole graph goes with it.

    Args:
        features: ``(N, F)`` of every node of the graph; NaN where missing.
        edge_index: ``(2, E)`` int64; an undirected edge stands twice.
        nodes: ``(n,)`` int64: which nodes are the samples; all of them by default.

    Raises:
        TaskvizError: an edge or a sample that names a node which is not there.
    """

    features: NDArray[np.floating]
    edge_index: NDArray[np.int64]
    nodes: NDArray[np.int64] = field(default_factory=lambda: np.array([-1]))

    def __post_init__(self) -> None:
        if self.nodes.shape == (1,) and self.nodes[0] == -1:
            object.__setattr__(self, "nodes", np.arange(len(self.features)))
        if self.features.ndim != 2 or self.edge_index.ndim != 2 or len(self.edge_index) != 2:
            raise TaskvizError(
                f"Node features have shape {self.features.shape} and edges "
                f"{self.edge_index.shape}: (nodes, features) and (2, edges) are needed."
            )
        for what, numbers in (("An edge", self.edge_index), ("A sample", self.nodes)):
            if numbers.size and not 0 <= numbers.min() <= numbers.max() < len(self.features):
                raise TaskvizError(
                    f"{what} names node {max(numbers.max(), -numbers.min())}, but the graph has "
                    f"nodes 0 to {len(self.features) - 1}."
                )
        for array in (self.features, self.edge_index, self.nodes):
            array.flags.writeable = False

    @property
    def shape(self) -> tuple[int, ...]:
        """``(n, F)``."""
        return len(self.nodes), self.features.shape[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the features."""
        return np.dtype(self.features.dtype)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of features, edges and samples."""
        return digest_of(self.features, self.edge_index, self.nodes)

    def __getitem__(self, rows: Rows) -> "GraphNodes":
        return GraphNodes(self.features, self.edge_index, self.nodes[_numbers(rows, len(self))])


Inputs = NDArray[Any] | InputSource
"""What :class:`taskviz.values.Samples` holds."""


def digest_of(*arrays: Inputs, start: str = "") -> str:
    """SHA-256 of shapes, types and contents."""
    digest = hashlib.sha256(start.encode())
    for array in arrays:
        digest.update(repr((array.shape, array.dtype.str)).encode())
        digest.update(content(array))
    return digest.hexdigest()


def content(array: Inputs) -> Any:
    """Bytes that stand for some inputs in a hash; no copy of an array that lies in one piece."""
    if isinstance(array, InputSource):
        return array.fingerprint.encode()
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def _numbers(rows: Rows, n: int) -> NDArray[np.int64]:
    if isinstance(rows, slice):
        return np.arange(n)[rows]
    found = np.asarray(rows)
    return np.flatnonzero(found) if found.dtype == bool else found.astype(np.int64)


def _spans(
    pointer: NDArray[np.int64], picked: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of the parts picked, end to end, and the pointer over them."""
    sizes = pointer[picked + 1] - pointer[picked]
    ends = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    start = np.repeat(pointer[picked] - ends[:-1], sizes)
    return start + np.arange(ends[-1]), ends
