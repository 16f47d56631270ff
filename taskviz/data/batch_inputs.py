"""Inputs as the rows that a network takes: a tensor, or rows that become one when taken.

However inputs are stored, whoever trains or measures sees rows: ``rows[numbers]`` or
``rows.index_select(0, numbers)`` is a tensor for the trunk. What a row holds, by modality:

- table, image, series: the scaled sample itself. The padding of a series stays NaN.
- graph: a list of nodes and edges of fixed length (:func:`graph_rows`).
- nodes: the number of the node; the trunk holds the graph.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from taskviz.values import Graphs, LazyInputs

NODE, EDGE = 1.0, 2.0
"""First column of a row of a graph: a node, an edge; 0 is padding."""


CHUNK_NUMBERS = 1 << 20
"""Numbers of input that go through a network at once where nothing is learned from them."""


def rows_at_once(inputs: "BatchInputs", most: int) -> int:
    """Rows to score at once: ``most``, or fewer where a row is large (an image)."""
    return max(32, min(most, CHUNK_NUMBERS // max(1, inputs.shape[1:].numel())))


@dataclass(frozen=True, eq=False)
class StoredRows:
    """Rows that are read and scaled when they are taken, so that they never lie in memory whole.

    Args:
        source: array (perhaps mapped from a file) or lazily read inputs.
        scale: raw rows → scaled rows.
        device: of the tensors handed out.
        dtype: of the tensors handed out.
    """

    source: NDArray[Any] | LazyInputs
    scale: Callable[[NDArray[Any]], NDArray[np.float64]]
    device: torch.device
    dtype: torch.dtype

    @property
    def shape(self) -> torch.Size:
        """``(n, *shape)``."""
        return torch.Size(self.source.shape)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, rows: Tensor | slice) -> Tensor:
        wanted = rows if isinstance(rows, slice) else rows.cpu().numpy()
        scaled = self.scale(np.asarray(self.source[wanted]))
        return torch.from_numpy(scaled).to(self.dtype).to(self.device)

    def index_select(self, dim: int, rows: Tensor) -> Tensor:
        """Rows by number; ``dim`` is 0."""
        return self[rows]


BatchInputs = Tensor | StoredRows


def graph_rows(graphs: Graphs, dtype: torch.dtype) -> Tensor:
    """``(n, R, C)``: each graph as a list of its nodes, then its edges, then padding.

    A line holds what it is (:data:`NODE`, :data:`EDGE` or 0), then the features of a node, or of an
    edge its source and target, counted within the graph, and its features. So graphs are rows of a
    tensor like any other sample, and a batch becomes their disjoint union by
    :func:`disjoint_union`.
    """
    n, node_width, edge_width = graphs.shape
    node_counts, edge_counts = np.diff(graphs.node_pointer), np.diff(graphs.edge_pointer)
    longest = int((node_counts + edge_counts).max(initial=0))
    rows = torch.zeros(n, longest, 1 + max(node_width, 2 + edge_width), dtype=dtype)
    owner, line = _places(graphs.node_pointer)
    rows[owner, line, 0] = NODE
    rows[owner, line, 1 : 1 + node_width] = _numbers(graphs.node_features, dtype)
    owner, line = _places(graphs.edge_pointer)
    line = line + torch.from_numpy(node_counts)[owner]
    local = graphs.edge_index - graphs.node_pointer[:-1][owner.numpy()]
    rows[owner, line, 0] = EDGE
    rows[owner, line, 1:3] = _numbers(local.T, dtype)
    rows[owner, line, 3 : 3 + edge_width] = _numbers(graphs.edge_features, dtype)
    return rows


@dataclass(frozen=True)
class Union:
    """Graphs as one graph without edges between them.

    Args:
        nodes: ``(N, F)``.
        edge_index: ``(2, E)`` int64.
        edges: ``(E, D)``.
        graph: ``(N,)`` int64: which graph a node belongs to.
        count: number of graphs.
    """

    nodes: Tensor
    edge_index: Tensor
    edges: Tensor
    graph: Tensor
    count: int


def disjoint_union(rows: Tensor, node_width: int, edge_width: int) -> Union:
    """The graphs of some rows of :func:`graph_rows`."""
    kind = rows[..., 0]
    is_node, is_edge = kind == NODE, kind == EDGE
    counts = is_node.sum(dim=1)
    start = counts.cumsum(0) - counts
    owner = is_edge.nonzero()[:, 0]
    lines = rows[is_edge]
    ends = lines[:, 1:3].round().long().T + start[owner]
    return Union(
        rows[is_node][:, 1 : 1 + node_width],
        ends,
        lines[:, 3 : 3 + edge_width],
        is_node.nonzero()[:, 0],
        len(rows),
    )


def _places(pointer: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """Graph of each part, and its number within the graph."""
    owner = np.repeat(np.arange(len(pointer) - 1), np.diff(pointer))
    return torch.from_numpy(owner), torch.from_numpy(np.arange(len(owner)) - pointer[owner])


def _numbers(array: NDArray[Any], dtype: torch.dtype) -> Tensor:
    return torch.from_numpy(np.array(array)).to(dtype)
