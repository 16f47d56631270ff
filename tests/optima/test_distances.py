"""Every way against one backward pass a unit and task, in float64."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from taskviz.networks import MLPTrunk
from taskviz.optima import comparison
from taskviz.optima.distances import gradient_norms, pairwise_distances, unit_distances
from taskviz.optima.plain import plain_distances, plain_gradients
from taskviz.progress import Progress
from taskviz.values import Cancelled, TaskvizError

NAMES = (
    "mlp",
    "convolutions",
    "sequence",
    "recurrent",
    "twice",
    "tied",
    "hidden",
    "loose",
    "attention",
)


def both_known(units):
    known = units.known
    return known[:, :, None] & known[:, None, :]


@pytest.mark.parametrize("missing", [0.0, 0.5], ids=["complete", "gaps"])
@pytest.mark.parametrize("joint", [True, False], ids=["joint", "separate"])
@pytest.mark.parametrize("name", NAMES)
def test_equal_to_the_plain_loop(name, joint, missing, case_factory, units_factory):
    network, shape, way = case_factory(name)
    units = units_factory(shape, joint=joint, missing=missing)
    both = both_known(units)
    plain = torch.where(both, plain_distances(network, units), 0.0)

    found = pairwise_distances(network, units)

    assert found.way == way, found.reason
    assert bool(found.reason) == (way == "generic")
    np.testing.assert_allclose(found.sums, plain.sum(dim=0), rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(found.counts, both.sum(dim=0))
    assert not found.variance.any()


@pytest.mark.parametrize("joint", [True, False], ids=["joint", "separate"])
@pytest.mark.parametrize("name", ["mlp", "convolutions", "recurrent"])
def test_single_units_and_norms(name, joint, case_factory, units_factory):
    network, shape, _ = case_factory(name)
    units = units_factory(shape, joint=joint, missing=0.4)
    both = both_known(units)

    single = unit_distances(network, units)
    norms = gradient_norms(network, units)

    expected = torch.where(both, plain_distances(network, units), torch.nan)
    np.testing.assert_allclose(single, expected, rtol=1e-10, atol=1e-12)
    sizes = torch.stack([rows.abs().sum(dim=1) for rows in plain_gradients(network, units)])
    known = units.known
    np.testing.assert_allclose(norms, (sizes * known).sum(0) / known.sum(0), rtol=1e-10)


@pytest.mark.parametrize("joint", [True, False], ids=["joint", "separate"])
def test_wide_layers_are_sorted_and_equal(joint, network_factory, units_factory, monkeypatch):
    from taskviz.optima import linear

    called = []
    sorted_form = linear.sorted_form
    monkeypatch.setattr(
        linear, "sorted_form", lambda *given: called.append(1) or sorted_form(*given)
    )
    network = network_factory(MLPTrunk(40, (300, 300, 8)), 8)
    units = units_factory((40,), 3, joint=joint)
    expected = plain_distances(network, units).sum(dim=0)
    np.testing.assert_allclose(pairwise_distances(network, units).sums, expected, rtol=1e-10)
    assert bool(called) == (not joint)


@pytest.mark.parametrize("name", ["mlp", "convolutions", "attention"])
def test_repeats_bit_for_bit(name, case_factory, units_factory):
    network, shape, _ = case_factory(name)
    units = units_factory(shape, 9, missing=0.3)
    first, second = (pairwise_distances(network, units).sums for _ in range(2))
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("name", ["mlp", "attention"])
def test_the_memory_budget_changes_no_result(name, case_factory, units_factory, monkeypatch):
    monkeypatch.setattr(comparison, "BLOCK_BYTES", 4096)
    network, shape, _ = case_factory(name)
    units = units_factory(shape, 40)
    chunks = []
    advance = Progress()
    advance.advance = lambda units=1.0, message="": chunks.append(units)
    tight = pairwise_distances(network, units, memory_mb=1, progress=advance)
    assert sum(chunks) == 40
    assert len(chunks) > 1
    expected = plain_distances(network, units).sum(dim=0)
    np.testing.assert_allclose(tight.sums, expected, rtol=1e-10)


def test_generic_takes_parameters_in_turn_where_memory_is_short(case_factory, units_factory):
    from taskviz.optima.generic import generic_distances, parameter_groups
    from taskviz.optima.units import shared_parameters

    network, shape, _ = case_factory("attention")
    unit = units_factory(shape, 1)
    shared = shared_parameters(network.trunk)
    assert len(parameter_groups(shared, 5, 200)) > 3
    features = network.trunk(unit.inputs[0])
    cotangents = torch.randn(5, *features.shape, dtype=torch.float64)
    whole = generic_distances([features], cotangents, shared, 10**9)
    parts = generic_distances([features], cotangents, shared, 200)
    torch.testing.assert_close(whole, parts, rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", ["mlp", "recurrent"])
def test_memory_too_small_is_said_before_starting(name, case_factory, units_factory):
    network, shape, _ = case_factory(name)
    units = units_factory(shape)
    begun = []
    progress = Progress()
    progress.begin = lambda title, units: begun.append(title)
    with pytest.raises(TaskvizError, match=r"needs (\d+) MB.*memory_mb is 1") as caught:
        pairwise_distances(network, units, memory_mb=1, progress=progress)
    assert not begun
    needed = int(str(caught.value).split("needs ")[1].split(" MB")[0])
    assert pairwise_distances(network, units, memory_mb=needed).sums.any()


def test_scales_multiply_gradients(case_factory, units_factory):
    network, shape, _ = case_factory("mlp")
    units = units_factory(shape)
    factors = torch.tensor([1.0, 0.5, 3.0, 2.0, 0.0], dtype=torch.float64)
    expected = sum(
        torch.cdist(rows * factors[:, None], rows * factors[:, None], p=1)
        for rows in plain_gradients(network, units)
    )
    found = pairwise_distances(network, units, scales=factors.tolist()).sums
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_frozen_parameters_have_no_part(case_factory, units_factory):
    network, shape, _ = case_factory("convolutions")
    network.trunk.stem.requires_grad_(False)
    network.trunk.whole.bias.requires_grad_(False)
    network.trunk.norm.weight.requires_grad_(False)
    units = units_factory(shape)
    whole = plain_distances(copy.deepcopy(network).requires_grad_(True), units).sum(dim=0)
    found = pairwise_distances(network, units)
    assert found.way == "layers"
    np.testing.assert_allclose(
        found.sums, plain_distances(network, units).sum(dim=0), rtol=1e-10, atol=1e-12
    )
    assert (found.sums < whole.numpy()).sum() == 20


def test_a_path_that_depends_on_the_data_falls_back(network_factory, units_factory):
    class Fickle(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(6, 6)

        def forward(self, x):
            x = self.layer(x).tanh()
            return self.layer(x) if float(x.detach().abs().max()) > 0.5 else x

    torch.manual_seed(0)
    network = network_factory(Fickle(), 6)
    units = units_factory((6,), 12)
    units.inputs[0][:4] *= 1e-3
    network.trunk.layer.bias.data.zero_()
    found = pairwise_distances(network, units)
    assert found.way == "generic"
    assert "more than once" in found.reason


def test_other_losses_and_heads(units_factory):
    """Losses by another function, and heads that are no single layer."""
    from dataclasses import replace

    from taskviz.networks import MultiHeadNetwork

    def absolute(task, output, target, mask):
        gap = (output.mean(dim=1) - target[:, 0]).abs()
        return torch.where(mask[:, 0], gap, torch.zeros_like(gap))

    torch.manual_seed(0)
    heads = [nn.Sequential(nn.Linear(8, 4), nn.Tanh(), nn.Linear(4, 2)) for _ in range(5)]
    network = MultiHeadNetwork(MLPTrunk(6, (8,)), heads).double()
    for joint in (True, False):
        units = replace(units_factory((6,), joint=joint), losses=absolute)
        expected = plain_distances(network, units).sum(dim=0)
        np.testing.assert_allclose(pairwise_distances(network, units).sums, expected, rtol=1e-10)


def test_float32_is_near_float64(case_factory, units_factory, device):
    network, shape, _ = case_factory("mlp")
    exact = pairwise_distances(network, units_factory(shape)).sums
    single = copy.deepcopy(network).to(device, torch.float32)
    units = units_factory(shape, dtype=torch.float32)
    units = type(units)(
        units.tasks,
        tuple(x.to(device) for x in units.inputs),
        tuple(y.to(device) for y in units.targets),
        tuple(mask.to(device) for mask in units.masks),
    )
    found = pairwise_distances(single, units)
    assert found.way == "layers"
    np.testing.assert_allclose(found.sums, exact, rtol=1e-5)


def test_sampled_channels_are_unbiased_and_know_their_error(network_factory, units_factory):
    torch.manual_seed(3)
    trunk = nn.Sequential(
        nn.Conv2d(3, 48, 3, padding=1), nn.ReLU(), nn.Conv2d(48, 48, 3), nn.Flatten()
    )
    network = network_factory(trunk, 48 * 16)
    units = units_factory((3, 6, 6), 4)
    exact = pairwise_distances(network, units).sums
    draws = [pairwise_distances(network, units, channels=0.4, seed=k) for k in range(60)]
    sums = np.array([draw.sums for draw in draws])
    apart = exact > 0
    spread = sums.std(axis=0, ddof=1)[apart]
    gap = (sums.mean(axis=0) - exact)[apart] / (spread / np.sqrt(60))
    assert np.abs(gap).max() < 4
    said = np.sqrt(np.mean([draw.variance for draw in draws], axis=0))[apart]
    assert np.all((said / spread > 0.7) & (said / spread < 1.4))
    again = pairwise_distances(network, units, channels=0.4, seed=3)
    assert again.sums.tobytes() == draws[3].sums.tobytes()
    assert 0 < draws[0].sampling_error[apart].max() < exact.max()


def test_cancel_is_heard(case_factory, units_factory):
    network, shape, _ = case_factory("mlp")
    progress = Progress()

    def cancel() -> None:
        raise Cancelled

    progress.check = cancel
    with pytest.raises(Cancelled):
        pairwise_distances(network, units_factory(shape), progress=progress)


def test_a_gradient_that_is_not_finite_names_its_task(case_factory, units_factory):
    network, shape, _ = case_factory("mlp")
    units = units_factory(shape)
    units.targets[4][2] = float("inf")
    with pytest.raises(TaskvizError, match="'age' has no finite gradient"):
        pairwise_distances(network, units)


def test_tasks_alike_have_no_distance(network_factory, units_factory):
    """Rounding between equal tasks is no distance."""
    network = network_factory(MLPTrunk(6, (33, 17)), 17)
    network.heads[4].load_state_dict(network.heads[0].state_dict())
    units = units_factory((6,), 50)
    units.targets[4].copy_(units.targets[0])
    found = pairwise_distances(network, units).sums
    assert found[0, 4] == 0.0
    assert (found[np.triu_indices(5, 1)] > 0).sum() == 9


def test_no_unit_is_refused(case_factory, units_factory):
    network, shape, _ = case_factory("mlp")
    with pytest.raises(TaskvizError, match="no unit"):
        pairwise_distances(network, units_factory(shape).part(0, 0))


def test_one_linear_layer_by_hand(network_factory, units_factory):
    """Squared loss on a linear trunk: δ_t = 2(⟨v_t, Wx⟩ − y_t) v_t."""
    trunk = nn.Linear(6, 3, bias=False)
    network = network_factory(trunk, 3)
    units = units_factory((6,), 1)
    x, y = units.inputs[0][0], [units.targets[t][0, 0] for t in (0, 4)]
    heads = [network.heads[t] for t in (0, 4)]
    deltas = [
        2 * (F.linear(trunk(x), head.weight, head.bias) - target) * head.weight[0]
        for head, target in zip(heads, y, strict=True)
    ]
    expected = (deltas[0] - deltas[1]).abs().sum() * x.abs().sum()
    found = pairwise_distances(network, units).sums[0, 4]
    assert found == pytest.approx(expected.item(), rel=1e-12)
