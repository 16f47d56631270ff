"""What is checked before a closed form is trusted."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from taskviz.networks import MLPTrunk
from taskviz.optima import way
from taskviz.optima.distances import pairwise_distances
from taskviz.optima.layers import closed_form_layers
from taskviz.optima.plain import plain_distances
from taskviz.values import TaskvizError


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch):
    monkeypatch.setattr(way, "KNOWN", {})


def count_checks(monkeypatch) -> list[int]:
    calls: list[int] = []
    check = way._check
    monkeypatch.setattr(way, "_check", lambda *given: calls.append(1) or check(*given))
    return calls


def test_an_architecture_is_checked_once(network_factory, units_factory, monkeypatch):
    calls = count_checks(monkeypatch)
    units = units_factory((6,))
    for seed in range(3):
        torch.manual_seed(seed)
        pairwise_distances(network_factory(MLPTrunk(6, (8, 5)), 5), units)
    assert len(calls) == 1
    pairwise_distances(network_factory(MLPTrunk(6, (8, 5), "tanh"), 5), units)
    pairwise_distances(network_factory(MLPTrunk(6, (9, 5)), 5), units)
    assert len(calls) == 3


def test_a_wrong_closed_form_is_found(network_factory, units_factory, monkeypatch):
    """Break a kernel: the check must notice, and the result must stay right."""
    from taskviz.optima import linear

    right = linear.same_input
    monkeypatch.setattr(linear, "same_input", lambda *a, **k: right(*a, **{**k, "bias": False}))
    network = network_factory(MLPTrunk(6, (8, 5)), 5)
    units = units_factory((6,))
    found = pairwise_distances(network, units)
    assert found.way == "generic"
    assert "does more than its closed form knows" in found.reason
    np.testing.assert_allclose(found.sums, plain_distances(network, units).sum(0), rtol=1e-10)


def test_a_trunk_that_mixes_samples_is_found(network_factory, units_factory):
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(6, 5)

        def forward(self, x: Tensor) -> Tensor:
            x = self.layer(x)
            return x - 0.5 * x.flip(0)

    network = network_factory(Mixed(), 5)
    assert pairwise_distances(network, units_factory((6,))).way == "generic"


def test_attributes_that_steer_a_trunk_are_part_of_what_is_known(
    network_factory, units_factory, monkeypatch
):
    class Steered(nn.Module):
        def __init__(self, twice: bool) -> None:
            super().__init__()
            self.layer = nn.Linear(6, 6)
            self.twice = twice

        def forward(self, x: Tensor) -> Tensor:
            x = self.layer(x).tanh()
            return self.layer(x) if self.twice else x

    units = units_factory((6,))
    assert pairwise_distances(network_factory(Steered(False), 6), units).way == "layers"
    assert pairwise_distances(network_factory(Steered(True), 6), units).way == "generic"
    calls = count_checks(monkeypatch)
    odd = network_factory(Steered(False), 6)
    odd.trunk.helper = lambda x: x
    for _ in range(2):
        assert pairwise_distances(odd, units).way == "layers"
    assert len(calls) == 2, "what cannot be told apart is checked every time"


def test_every_parameter_is_claimed_or_none():
    class Subclass(nn.Linear):
        pass

    good = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.LayerNorm(3))
    assert list(closed_form_layers(good)[0]) == ["0", "2"]
    for bad, reason in [
        (Subclass(3, 3), "Subclass"),
        (nn.PReLU(), "PReLU"),
        (nn.Embedding(3, 3), "Embedding"),
        (nn.Conv2d(3, 3, 3, padding="same"), "Conv2d"),
        (nn.Conv2d(3, 3, 3, padding=1, padding_mode="circular"), "Conv2d"),
        (nn.utils.parametrizations.weight_norm(nn.Linear(3, 3)), "no closed form"),
    ]:
        layers, why = closed_form_layers(nn.Sequential(nn.Linear(3, 3), bad))
        assert not layers
        assert reason in why


@pytest.mark.parametrize(
    "layer",
    [
        nn.BatchNorm1d(5),
        nn.BatchNorm1d(5, affine=False),
        nn.BatchNorm1d(5, track_running_stats=False),
        nn.Dropout(0.5),
    ],
)
def test_training_mode_is_refused(layer, network_factory, units_factory):
    network = network_factory(nn.Sequential(nn.Linear(6, 5), layer), 5)
    network.train()
    with pytest.raises(TaskvizError, match=r"network\.eval\(\)"):
        pairwise_distances(network, units_factory((6,)))
    if layer.__dict__.get("track_running_stats", True):
        assert pairwise_distances(network.eval(), units_factory((6,))).way == "layers"


def test_a_layer_that_blows_up_memory_is_counted(network_factory, units_factory):
    torch.manual_seed(0)
    network = network_factory(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Flatten()), 256)
    units = units_factory((3, 8, 8))
    chosen = way.choose_way(network.trunk, units.inputs)
    assert chosen.unfolded == 3 * 9 * 64
    assert chosen.outputs == chosen.widest == 4 * 64
    assert chosen.activations == 4 * 64 + 3 * 64


def test_saved_bytes_counts_activations_alone():
    trunk = nn.Sequential(nn.Linear(6, 50), nn.Tanh(), nn.Linear(50, 20), nn.Tanh())
    assert way.saved_bytes(trunk, torch.randn(1, 6)) == 4 * (6 + 50 + 20)


def starve(monkeypatch, most: int) -> list[int]:
    """The device's memory: more samples than ``most`` in a traced pass do not fit."""
    passes: list[int] = []
    right = way.output_gradients

    def starved(features, traces, cotangents):
        passes.append(len(features))
        if len(features) > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")
        return right(features, traces, cotangents)

    monkeypatch.setattr(way, "output_gradients", starved)
    return passes


def test_a_check_that_runs_out_of_memory_is_done_on_one_sample(
    network_factory, units_factory, monkeypatch
):
    network, units = network_factory(MLPTrunk(6, (8, 5)), 5), units_factory((6,))
    plenty = pairwise_distances(network, units)
    way.KNOWN.clear()
    passes = starve(monkeypatch, 1)
    found = way.choose_way(network.trunk, units.inputs)
    assert passes == [2, 1]
    assert (found.reason, found.alone) == ("", True)
    assert not way.KNOWN, "there may be more memory another time"
    short = pairwise_distances(network, units)
    assert short.way == "layers"
    np.testing.assert_allclose(short.sums, plenty.sums, rtol=1e-12)


def test_no_memory_for_a_single_sample_is_an_error(network_factory, units_factory, monkeypatch):
    starve(monkeypatch, 0)
    with pytest.raises(torch.OutOfMemoryError):
        pairwise_distances(network_factory(MLPTrunk(6, (8, 5)), 5), units_factory((6,)))
