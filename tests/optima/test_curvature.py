"""The largest diagonal entry of a Hessian, three ways, against PyTorch's whole Hessian."""

import pytest
import torch
from torch import nn
from torch.func import functional_call

from taskviz.networks import MLPTrunk
from taskviz.optima.curvature import largest_curvature
from taskviz.optima.units import shared_parameters
from taskviz.values import TaskvizError


def whole_hessians(network, units):
    """Largest diagonal entry over samples and tasks, from full Hessians."""
    names = [name for name, _ in network.trunk.named_parameters()]
    shared = shared_parameters(network.trunk)
    sizes = [p.numel() for p in shared]
    flat = torch.cat([p.detach().flatten() for p in shared])
    largest = -float("inf")
    for i in range(len(units)):
        unit = units.part(i, i + 1)
        for t in range(len(units.tasks)):
            if not bool(unit.known[0, t]):
                continue

            def loss(vector, t=t, unit=unit):
                parts = torch.split(vector, sizes)
                named = {n: v.view_as(p) for n, v, p in zip(names, parts, shared, strict=True)}
                features = functional_call(network.trunk, named, (unit.inputs_of(t),))
                return unit.loss(t, network.heads[t](features)).sum()

            found = torch.autograd.functional.hessian(loss, flat)
            largest = max(largest, float(found.diagonal().max()))
    return largest


def network_of(kind, network_factory):
    with torch.random.fork_rng():
        torch.manual_seed(2)
        return network_factory(MLPTrunk(4, (5, 3), kind), 3)


@pytest.mark.parametrize("joint", [True, False])
def test_rectified_trunks_are_exact(joint, units_factory, network_factory):
    network = network_of("relu", network_factory)
    units = units_factory((4,), n=5, joint=joint, missing=0.3)
    found = largest_curvature(network, units)
    assert (found.way, found.error, found.units) == ("rectified", 0.0, 5)
    assert found.value == pytest.approx(whole_hessians(network, units), rel=1e-10)
    assert largest_curvature(network, units, way="basis").value == pytest.approx(found.value)


@pytest.mark.parametrize("kind", ["tanh", "gelu"])
def test_a_small_trunk_that_bends_is_exact(kind, units_factory, network_factory):
    network = network_of(kind, network_factory)
    units = units_factory((4,), n=4)
    found = largest_curvature(network, units)
    assert found.way == "basis"
    assert found.value == pytest.approx(whole_hessians(network, units), rel=1e-10)


def test_hutchinson_is_near_and_says_how_near(units_factory, network_factory):
    network = network_of("tanh", network_factory)
    units = units_factory((4,), n=4)
    exact = whole_hessians(network, units)
    found = largest_curvature(network, units, way="hutchinson", probes=4000, seed=1)
    assert found.way == "hutchinson"
    assert 0 < found.error < 0.2 * exact
    # an entry is computed exactly where the estimate looks, so it is never above the largest
    assert exact - 4 * found.error <= found.value <= exact * (1 + 1e-9)
    few = largest_curvature(network, units, way="hutchinson", probes=4, seed=1)
    assert 0 < few.value <= exact * (1 + 1e-9)
    again = largest_curvature(network, units, way="hutchinson", probes=4000, seed=1)
    assert again == found


def test_a_bad_choice_is_one_sentence(units_factory, network_factory):
    network = network_of("tanh", network_factory)
    units = units_factory((4,), n=3)
    with pytest.raises(TaskvizError, match="does not fit this trunk"):
        largest_curvature(network, units, way="rectified")
    bare = units_factory((4,), n=3, missing=1.1)
    with pytest.raises(TaskvizError, match="no label"):
        largest_curvature(network, bare)


def test_a_loop_where_products_cannot_be_batched(units_factory, network_factory):
    class Own(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.sin()

        @staticmethod
        def backward(ctx, grad):
            return grad * ctx.saved_tensors[0].cos()

    class Bent(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 3)

        def forward(self, x):
            return Own.apply(self.layer(x))

    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = network_factory(Bent(), 3)
    units = units_factory((4,), n=2)
    found = largest_curvature(network, units)
    assert found.value == pytest.approx(whole_hessians(network, units), rel=1e-9)
