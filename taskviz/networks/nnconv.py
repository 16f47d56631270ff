"""Message passing on graphs whose edges have features: molecules."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from taskviz.data.batch_inputs import disjoint_union

EDGE_WIDTH = 128
"""Hidden units of the network that makes an edge's weight matrix, as in the example."""


class NNConvTrunk(nn.Module):
    """PyTorch Geometric's QM9 example: NNConv and GRU in turns, Set2Set, a linear layer.

    Gilmer et al., ICML 2017 (edge networks, set2set readout). One convolution and one GRU cell are
    used at every step. The graphs of a batch are passed as their disjoint union.

    Args:
        node_width: features of a node.
        edge_width: features of an edge; 0 gives every edge the same matrix.
        width: features of a node inside, and of the output.
        depth: steps of message passing.

    Shape: rows of :func:`taskviz.data.batch_inputs.graph_rows` → ``(n, width)``.
    """

    def __init__(self, node_width: int, edge_width: int, width: int = 64, depth: int = 3) -> None:
        super().__init__()
        from torch_geometric.nn import NNConv, Set2Set

        self.node_width, self.edge_width, self.depth = node_width, edge_width, depth
        self.lin0 = nn.Linear(node_width, width)
        matrix = nn.Sequential(
            nn.Linear(max(1, edge_width), EDGE_WIDTH),
            nn.ReLU(),
            nn.Linear(EDGE_WIDTH, width * width),
        )
        self.conv = NNConv(width, width, matrix, aggr="mean", root_weight=False)
        self.gru = PlainGRUCell(width, width)
        self.set2set = Set2Set(width, processing_steps=3)
        self.lin1 = nn.Linear(2 * width, width)
        self.out_features = width

    def forward(self, inputs: Tensor) -> Tensor:
        """Features of a batch."""
        union = disjoint_union(inputs, self.node_width, self.edge_width)
        edges = union.edges if self.edge_width else union.nodes.new_ones(len(union.edges), 1)
        hidden = F.relu(self.lin0(union.nodes))
        # Bonds are of few kinds, and a kind has one matrix, at every step: it is made once.
        first, kind = _kinds(edges.detach())
        width = hidden.shape[1]
        matrices = self.conv.nn(edges[first]).view(-1, width, width).index_select(0, kind)
        source, target = union.edge_index
        incoming = torch.zeros_like(hidden[:, 0]).index_add(0, target, torch.ones_like(edges[:, 0]))
        share = 1 / incoming.clamp(min=1)[:, None]
        for _ in range(self.depth):
            sent = torch.bmm(hidden.index_select(0, source)[:, None], matrices)[:, 0]
            mean = torch.zeros_like(hidden).index_add(0, target, sent) * share
            hidden = self.gru(F.relu(mean + self.conv.bias), hidden)
        pooled: Tensor = self.set2set(hidden, union.graph, dim_size=union.count)
        return torch.relu(self.lin1(pooled))


def _kinds(edges: Tensor) -> tuple[Tensor, Tensor]:
    """The first edge of each kind, and the kind of each edge."""
    if not len(edges):
        nothing = torch.zeros(0, dtype=torch.long, device=edges.device)
        return nothing, nothing
    kinds, kind = torch.unique(edges, dim=0, return_inverse=True)
    places = torch.arange(len(edges), device=edges.device)
    first = torch.full((len(kinds),), len(edges), device=edges.device)
    return first.scatter_reduce(0, kind, places, "amin"), kind


class PlainGRUCell(nn.GRUCell):
    """A GRU cell in plain operations, each of which can be batched over networks and tasks."""

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:  # noqa: A002
        """``(n, in)`` and the hidden state ``(n, hidden)`` → the next one."""
        assert hx is not None, "a hidden state"
        seen = F.linear(input, self.weight_ih, self.bias_ih).chunk(3, dim=1)
        kept = F.linear(hx, self.weight_hh, self.bias_hh).chunk(3, dim=1)
        reset = torch.sigmoid(seen[0] + kept[0])
        update = torch.sigmoid(seen[1] + kept[1])
        new = torch.tanh(seen[2] + reset * kept[2])
        return new + update * (hx - new)
