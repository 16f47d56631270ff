"""Trunks of every modality against what they are known to compute."""

import numpy as np
import pytest
import torch
from networks.modalities import EVERY, make_collection
from torch import nn

from taskviz.data.batch_inputs import disjoint_union
from taskviz.data.tensors import to_tensors
from taskviz.networks import NetworkOptions, build_network, register_trunk
from taskviz.networks.cost import part_costs
from taskviz.networks.crnn import CRNNTrunk
from taskviz.networks.gcn import GCNTrunk, NodeGraph, propagated
from taskviz.networks.lstm import LSTMTrunk
from taskviz.networks.nnconv import NNConvTrunk
from taskviz.networks.resnet import ResNetTrunk
from taskviz.networks.trunks import choose_trunk
from taskviz.values import TaskvizError

SMALL = NetworkOptions(width=8, depth=2)


@pytest.mark.parametrize(("kind", "layout"), EVERY)
@pytest.mark.parametrize("sizes", [(0, 0, 0), (0, 1, 2)])
def test_a_network_for_every_modality(kind: str, layout: str, sizes: tuple[int, ...]) -> None:
    collection = make_collection(kind, layout, n=12, sizes=sizes)
    data = to_tensors(collection, dtype=torch.float64)
    whole = build_network(collection, SMALL, seed=1, dtype=torch.float64).eval()
    part = build_network(collection, SMALL, seed=1, tasks=[2, 0], dtype=torch.float64).eval()
    for place, number in enumerate((2, 0)):
        rows = data.inputs_of(number)[torch.arange(5)]
        output = whole(rows, [number])[0]
        assert output.shape == (5, collection.tasks[number].outputs)
        assert torch.isfinite(output).all()
        assert torch.equal(output, part(rows, [place])[0])
        # A sample's output does not depend on what stands beside it in the batch.
        alone = torch.cat([whole(rows[i : i + 1], [number])[0] for i in range(5)])
        torch.testing.assert_close(alone, output, rtol=1e-9, atol=1e-12)
    shapes = {block.inputs.shape[1:] for block in collection.samples}
    adapted = kind == "nodes" if len(shapes) == 1 else True
    assert bool(whole.adapters) == (adapted and layout == "separate")


@pytest.mark.parametrize("kind", ["table", "series", "graph", "nodes"])
def test_parts_of_a_network_of_separate_data_sets_are_counted(kind: str) -> None:
    collection = make_collection(kind, "separate", n=12, sizes=(0, 1, 2))
    parameters, macs, _ = part_costs(collection, [0, 2], SMALL)
    network = build_network(collection, SMALL, seed=0, tasks=[0, 2])
    assert parameters.trunk == sum(p.numel() for p in network.trunk.parameters())
    assert parameters.total == sum(p.numel() for p in network.parameters())
    assert min(macs.heads) >= 8
    if kind == "table":
        # 8 × 8 twice; an adapter of 5 × 8 with a head of 8, and of 7 × 8 with a head of 24
        assert (macs.trunk, macs.heads) == (128, (48, 80))


def test_resnets_have_the_sizes_that_are_known() -> None:
    def count(trunk: nn.Module) -> int:
        return sum(parameter.numel() for parameter in trunk.parameters())

    with torch.device("meta"):
        assert count(ResNetTrunk(3, 512, (2, 2, 2, 2), small=False)) == 11_176_512
        fifty = ResNetTrunk(3, 2048, (3, 4, 6, 3), bottleneck=True, norm="batch", small=False)
        assert count(fifty) == 23_508_032
        mnist = ResNetTrunk(1, 256, (2, 2, 2, 2))
    assert 2.7e6 < count(mnist) < 2.9e6
    names = {name for name, _ in fifty.named_parameters()}
    assert {"conv1.weight", "layer1.0.downsample.0.weight", "layer3.5.bn3.bias"} <= names


def test_padding_of_a_series_is_not_seen() -> None:
    torch.manual_seed(0)
    series = torch.randn(3, 2, 12, dtype=torch.float64)
    lengths = [12, 5, 1]
    for row, length in enumerate(lengths):
        series[row, :, length:] = torch.nan
    trunk = LSTMTrunk(2, 4, 2).double()
    found = trunk(series)
    for row, length in enumerate(lengths):
        outputs, _ = trunk.lstm(series[row : row + 1, :, :length].mT)
        torch.testing.assert_close(found[row], outputs[0].mean(dim=0), rtol=1e-12, atol=0)
    more = torch.cat([series, torch.full((3, 2, 4), torch.nan, dtype=torch.float64)], dim=2)
    torch.testing.assert_close(trunk(more), found, rtol=1e-12, atol=0)
    found.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in trunk.parameters())
    crnn = CRNNTrunk(2, None, 8, 2).double()
    assert torch.isfinite(crnn(more)).all()
    assert crnn(series[1:2]).shape == (1, 8)


def test_nnconv_is_the_example_of_torch_geometric() -> None:
    from torch_geometric.data import Batch, Data

    collection = make_collection("graph", n=9)
    data = to_tensors(collection, dtype=torch.float64)
    torch.manual_seed(0)
    trunk = NNConvTrunk(3, 2, 6, 3).double()
    rows = data.inputs[0][torch.arange(9)]
    single = [disjoint_union(rows[i : i + 1], 3, 2) for i in range(9)]
    batch = Batch.from_data_list(
        [Data(x=g.nodes, edge_index=g.edge_index, edge_attr=g.edges) for g in single]
    )
    out = torch.relu(trunk.lin0(batch.x))
    gru = nn.GRU(6, 6).double()
    gru.load_state_dict({f"{name}_l0": value for name, value in trunk.gru.state_dict().items()})
    hidden = out[None]
    for _ in range(3):
        messages = torch.relu(trunk.conv(out, batch.edge_index, batch.edge_attr))
        out, hidden = gru(messages[None], hidden)
        out = out[0]
    expected = torch.relu(trunk.lin1(trunk.set2set(out, batch.batch)))
    torch.testing.assert_close(trunk(rows), expected, rtol=1e-12, atol=1e-14)


def test_gcn_and_propagation_are_those_of_torch_geometric() -> None:
    from torch_geometric.nn import GCNConv, SGConv

    torch.manual_seed(0)
    edges = torch.randint(0, 11, (2, 30))
    graph = NodeGraph(torch.randn(11, 3, dtype=torch.float64), edges)
    trunk = GCNTrunk(graph, (5, 4)).double()
    hidden = graph.features
    for layer, bias in zip(trunk.layers, trunk.biases, strict=True):
        with torch.no_grad():
            bias.normal_()
        own = GCNConv(*layer.weight.shape[::-1]).double()
        own.load_state_dict({"lin.weight": layer.weight, "bias": bias})
        hidden = torch.relu(own(hidden, edges))
    numbers = torch.tensor([[4.0], [0.0], [10.0]], dtype=torch.float64)
    torch.testing.assert_close(trunk(numbers), hidden[[4, 0, 10]])
    far = SGConv(3, 3, K=2, bias=False).double()
    far.lin.weight.data = torch.eye(3, dtype=torch.float64)
    torch.testing.assert_close(propagated(graph, 2)[:, 6:], far(graph.features, edges))
    assert not trunk.graph.state_dict()


def test_the_part_of_a_graph_gives_what_the_whole_gives() -> None:
    torch.manual_seed(0)
    ring = torch.arange(40)
    edges = torch.stack([ring, (ring + 1) % 40])
    graph = NodeGraph(torch.randn(40, 3, dtype=torch.float64), edges)
    trunk = GCNTrunk(graph, (5, 4, 3)).double()
    whole = trunk(torch.arange(40.0)[:, None])
    assert len(graph.around(torch.arange(40), 3).features) == 40
    for nodes in ([7], [0, 39], [5, 5, 12]):
        numbers = torch.tensor(nodes)
        assert len(graph.around(numbers, 3).features) <= 8
        torch.testing.assert_close(trunk(numbers[:, None].double()), whole[numbers])


def test_a_network_that_does_not_take_the_data_is_refused() -> None:
    with pytest.raises(TaskvizError, match="'lstm' does not take image data of 3 axes"):
        choose_trunk("lstm", "image", 3)
    with pytest.raises(TaskvizError, match="'gcn' needs one graph for all tasks"):
        choose_trunk("gcn", "nodes", 1)
    with pytest.raises(TaskvizError, match="network"):
        choose_trunk("vgg", "image", 3)
    assert choose_trunk("auto", "nodes", 1, nodes=10**6) == "sgc"
    assert choose_trunk("auto", "nodes", 1, nodes=34) == "gcn"


class Own(nn.Module):
    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.layer = nn.Linear(int(np.prod(shape)), 7)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.layer(inputs.flatten(1)))


def test_a_trunk_of_ones_own() -> None:
    register_trunk("own-test", Own)
    options = NetworkOptions(network="own-test")
    for kind in ("table", "image", "nodes"):
        network = build_network(make_collection(kind), options, seed=0)
        assert network.heads[0].in_features == 7
    again = build_network(make_collection("table"), options, seed=0)
    first = build_network(make_collection("table"), options, seed=0)
    assert torch.equal(again.trunk.layer.weight, first.trunk.layer.weight)
    register_trunk("own-test", lambda shape: nn.Unflatten(1, (1, shape[0])))
    with pytest.raises(TaskvizError, match=r"\(n, features\) is needed"):
        build_network(make_collection("table"), options, seed=0)
    with pytest.raises(TaskvizError, match="built-in"):
        register_trunk("mlp", Own)


def test_own_weights_are_loaded_by_name(tmp_path) -> None:
    from safetensors.torch import save_file

    collection = make_collection("image")
    source = build_network(collection, NetworkOptions(width=16, depth=1), seed=5)
    path = tmp_path / "weights.safetensors"
    weights = {f"trunk.{name}": value for name, value in source.trunk.state_dict().items()}
    save_file({**weights, "fc.weight": torch.zeros(3, 3)}, path)
    options = NetworkOptions(width=16, depth=1, weights=str(path))
    loaded = build_network(collection, options, seed=0)
    for one, other in zip(loaded.trunk.parameters(), source.trunk.parameters(), strict=True):
        assert torch.equal(one, other)
    with pytest.raises(TaskvizError, match=r"'conv1\.weight' has shape"):
        build_network(collection, NetworkOptions(width=32, depth=1, weights=str(path)), seed=0)
    with pytest.raises(TaskvizError, match=r"has no tensor 'layer1\.1"):
        build_network(collection, NetworkOptions(width=16, depth=2, weights=str(path)), seed=0)
    path.write_bytes(b"nothing")
    with pytest.raises(TaskvizError, match="no safetensors file"):
        build_network(collection, options, seed=0)
    with pytest.raises(TaskvizError, match="Cannot read the weights"):
        build_network(collection, NetworkOptions(weights=str(tmp_path / "none")), seed=0)
