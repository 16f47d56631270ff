"""A task's own way into a shared trunk, where the inputs of data sets differ in shape."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from taskviz.data.batch_inputs import EDGE, NODE
from taskviz.networks.gcn import NodeGraph, propagated


class VectorAdapter(nn.Module):
    """Flattened inputs to a common number of features, by a linear layer."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.linear = nn.Linear(in_features, out_features)

    def forward(self, inputs: Tensor) -> Tensor:
        """``(n, *shape)`` → ``(n, out_features)``."""
        adapted: Tensor = self.linear(inputs.nan_to_num(0.0).flatten(1))
        return adapted


class ChannelAdapter(nn.Module):
    """Steps of a series to a common number of channels, by a linear layer; padding stays."""

    def __init__(self, before: tuple[int, ...], after: tuple[int, ...]) -> None:
        super().__init__()
        self.after = after
        width = torch.Size(before).numel(), torch.Size(after).numel()
        self.linear = nn.Linear(*width)

    def forward(self, inputs: Tensor) -> Tensor:
        """``(n, *before, length)`` → ``(n, *after, length)``."""
        steps = inputs.flatten(1, -2)
        padding = steps.isnan().all(dim=1, keepdim=True)
        adapted = self.linear(steps.nan_to_num(0.0).mT).mT
        adapted = torch.where(padding, torch.nan, adapted)
        return adapted.reshape(len(inputs), *self.after, inputs.shape[-1])


class ImageAdapter(nn.Module):
    """Images to a common number of channels (1×1 convolution) and a common size (resampled)."""

    def __init__(self, before: tuple[int, ...], after: tuple[int, ...]) -> None:
        super().__init__()
        self.size = after[1:]
        same = before[0] == after[0]
        self.channels = nn.Identity() if same else nn.Conv2d(before[0], after[0], 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """``(n, *before)`` → ``(n, *after)``."""
        adapted: Tensor = self.channels(inputs)
        if adapted.shape[2:] == self.size:
            return adapted
        return F.interpolate(
            adapted, self.size, mode="bilinear", antialias=True, align_corners=False
        )


class GraphAdapter(nn.Module):
    """Nodes and edges of graphs to common numbers of features, by a linear layer each."""

    def __init__(self, before: tuple[int, ...], after: tuple[int, ...]) -> None:
        super().__init__()
        self.before, self.after = before, after
        self.nodes = nn.Linear(before[0], after[0])
        self.edges = nn.Linear(before[1], after[1])

    def forward(self, inputs: Tensor) -> Tensor:
        """Rows of :func:`taskviz.data.batch_inputs.graph_rows`, and back."""
        kind = inputs[..., :1]
        nodes = self.nodes(inputs[..., 1 : 1 + self.before[0]])
        edges = self.edges(inputs[..., 3 : 3 + self.before[1]])
        wide = 1 + max(self.after[0], 2 + self.after[1])
        as_node = F.pad(torch.cat([kind, nodes], dim=-1), (0, wide - 1 - self.after[0]))
        as_edge = F.pad(torch.cat([inputs[..., :3], edges], dim=-1), (0, wide - 3 - self.after[1]))
        found = torch.where(kind == NODE, as_node, as_edge)
        return torch.where((kind == NODE) | (kind == EDGE), found, torch.zeros_like(found))


class NodeAdapter(nn.Module):
    """Nodes of a task's own graph: their propagated features, by a linear layer."""

    propagated: Tensor

    def __init__(self, graph: NodeGraph, hops: int, out_features: int) -> None:
        super().__init__()
        self.register_buffer("propagated", propagated(graph, hops), persistent=False)
        self.linear = nn.Linear(self.propagated.shape[1], out_features)

    def forward(self, inputs: Tensor) -> Tensor:
        """``(n, 1)`` node numbers → ``(n, out_features)``."""
        rows = self.propagated.index_select(0, inputs[:, 0].round().long())
        adapted: Tensor = self.linear(rows)
        return adapted
