"""Initial states: decided by the seed alone, alike across subsets of the tasks."""

import torch

from taskviz.networks import NetworkOptions, build_network
from taskviz.values import TaskCollection


def test_a_subset_starts_from_the_same_trunk_and_heads(toy: TaskCollection) -> None:
    whole = build_network(toy, NetworkOptions(width=8), seed=3)
    part = build_network(toy, NetworkOptions(width=8), seed=3, tasks=[2, 0])
    for one, other in zip(whole.trunk.parameters(), part.trunk.parameters(), strict=True):
        assert torch.equal(one, other)
    assert torch.equal(whole.heads[2].weight, part.heads[0].weight)
    assert torch.equal(whole.heads[0].weight, part.heads[1].weight)


def test_tied_heads_of_one_shape_start_equal(toy: TaskCollection) -> None:
    tied = build_network(toy, NetworkOptions(width=8), seed=3, heads="tied")
    assert torch.equal(tied.heads[0].weight, tied.heads[1].weight)
    own = build_network(toy, NetworkOptions(width=8), seed=3)
    assert not torch.equal(own.heads[0].weight, own.heads[1].weight)


def test_the_global_stream_is_left_alone(toy: TaskCollection) -> None:
    torch.manual_seed(1)
    wanted = torch.rand(3)
    torch.manual_seed(1)
    build_network(toy, NetworkOptions(width=8), seed=3)
    assert torch.equal(torch.rand(3), wanted)
    one = build_network(toy, NetworkOptions(width=8), seed=4)
    other = build_network(toy, NetworkOptions(width=8), seed=5)
    assert not torch.equal(one.heads[0].weight, other.heads[0].weight)
