"""Trunks for nodes of a graph: graph convolutions, or propagated features and an MLP."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from taskviz.networks.mlp import ACTIVATIONS


class NodeGraph(nn.Module):
    """A graph with normalised edges, Â = D^−½ (A + I) D^−½ (Kipf and Welling, ICLR 2017, eq. 2).

    It is data, not state: it moves with the network but is not saved with its weights.

    Args:
        features: ``(N, F)``, scaled.
        edge_index: ``(2, E)`` int64.
    """

    features: Tensor
    source: Tensor
    target: Tensor
    weight: Tensor

    def __init__(self, features: Tensor, edge_index: Tensor) -> None:
        super().__init__()
        from torch_geometric.nn.conv.gcn_conv import gcn_norm

        edges, weight = gcn_norm(edge_index, None, len(features), dtype=features.dtype)
        self.register_buffer("features", features, persistent=False)
        self.register_buffer("source", edges[0], persistent=False)
        self.register_buffer("target", edges[1], persistent=False)
        self.register_buffer("weight", weight, persistent=False)
        self._propagated: dict[int, Tensor] = {}

    def alike(self) -> "NodeGraph":
        """Another on the same tensors: one may move to a device, the other stays."""
        return copy.copy(self)._with_own_buffers()

    def _with_own_buffers(self) -> "NodeGraph":
        self._buffers = dict(self._buffers)
        return self

    def propagate(self, values: Tensor) -> Tensor:
        """``Â @ values`` of ``(N, k)``."""
        return _propagate(values, self.source, self.target, self.weight)

    def propagated(self, hops: int) -> Tensor:
        """``(N, (hops + 1) F)``, computed once: hundreds of networks share it."""
        found = self._propagated.get(hops)
        if found is None or found.device != self.features.device:
            found = self._propagated[hops] = _powers(self, hops)
        return found

    def around(self, nodes: Tensor, hops: int) -> "Part":
        """What some nodes' outputs of ``hops`` convolutions depend on; all where that is most."""
        near = torch.zeros(len(self.features), dtype=torch.bool, device=nodes.device)
        near[nodes] = True
        for _ in range(hops):
            near[self.source[near[self.target]]] = True
        count = int(near.sum())
        if 2 * count > len(near):
            return Part(self.features, self.source, self.target, self.weight, nodes)
        place = near.cumsum(0) - 1
        # A node at the rim lacks neighbours, but what it gives then goes nowhere.
        kept = near[self.source] & near[self.target]
        return Part(
            self.features[near],
            place[self.source[kept]],
            place[self.target[kept]],
            self.weight[kept],
            place[nodes],
        )


@dataclass(frozen=True)
class Part:
    """Some nodes of a graph, numbered anew.

    Args:
        features: ``(m, F)``.
        source: ``(e,)`` of the edges among them.
        target: ``(e,)``.
        weight: ``(e,)`` as in the whole graph.
        nodes: places of the nodes that were asked for.
    """

    features: Tensor
    source: Tensor
    target: Tensor
    weight: Tensor
    nodes: Tensor

    def propagate(self, values: Tensor) -> Tensor:
        """``Â @ values`` of ``(m, k)``."""
        return _propagate(values, self.source, self.target, self.weight)


class GCNTrunk(nn.Module):
    """Graph convolutions H ← activation(Â H W + b) (Kipf and Welling, 2017).

    They run over the part of the graph that the nodes of a batch can be reached from.

    Args:
        graph: all nodes.
        widths: of each layer.
        activation: a key of :data:`taskviz.networks.mlp.ACTIVATIONS`.

    Shape: ``(n, 1)`` node numbers → ``(n, widths[-1])``.
    """

    def __init__(self, graph: NodeGraph, widths: Sequence[int], activation: str = "relu") -> None:
        super().__init__()
        self.graph = graph
        before, layers = graph.features.shape[1], []
        for width in widths:
            layers.append(nn.Linear(before, width, bias=False))
            before = width
        self.layers = nn.ModuleList(layers)
        self.biases = nn.ParameterList(torch.zeros(width) for width in widths)
        self.activation = ACTIVATIONS[activation]()
        self.out_features = before

    def forward(self, inputs: Tensor) -> Tensor:
        """Features of some nodes."""
        part = self.graph.around(inputs[:, 0].round().long(), len(self.layers))
        hidden = part.features
        for layer, bias in zip(self.layers, self.biases, strict=True):
            hidden = self.activation(part.propagate(layer(hidden)) + bias)
        return hidden.index_select(0, part.nodes)


class PropagatedTrunk(nn.Module):
    """A trunk on [X, ÂX, Â²X, …] of each node, computed once (Frasca et al., SIGN, 2020).

    The graph plays no part in training, so a batch costs what it costs for a table.

    Args:
        features: of :func:`propagated`.
        inner: ``(n, k)`` → ``(n, features)``.

    Shape: ``(n, 1)`` node numbers → that of ``inner``.
    """

    propagated: Tensor

    def __init__(self, features: Tensor, inner: nn.Module) -> None:
        super().__init__()
        self.register_buffer("propagated", features, persistent=False)
        self.inner = inner
        self.out_features = getattr(inner, "out_features", None)

    def forward(self, inputs: Tensor) -> Tensor:
        """Features of some nodes."""
        rows = self.propagated.index_select(0, inputs[:, 0].round().long())
        features: Tensor = self.inner(rows)
        return features


def propagated(graph: NodeGraph, hops: int) -> Tensor:
    """``(N, (hops + 1) F)``: features, and those of the neighbourhoods up to ``hops`` steps."""
    return graph.propagated(hops)


def _powers(graph: NodeGraph, hops: int) -> Tensor:
    parts = [graph.features]
    if graph.features.device.type != "cpu":
        for _ in range(hops):
            parts.append(graph.propagate(parts[-1]))
        return torch.cat(parts, dim=1)
    # A sparse product: messages of a million edges would take gigabytes.
    from scipy.sparse import csr_array

    n = len(graph.features)
    places = graph.target.numpy(), graph.source.numpy()
    matrix = csr_array((graph.weight.numpy(), places), shape=(n, n))
    for _ in range(hops):
        parts.append(torch.from_numpy(matrix @ parts[-1].numpy()))
    return torch.cat(parts, dim=1)


def _propagate(values: Tensor, source: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    messages = values.index_select(0, source) * weight[:, None]
    return torch.zeros_like(values).index_add(0, target, messages)
