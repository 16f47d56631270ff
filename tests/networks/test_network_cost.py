"""Counts equal the closed form, a hand count and torch's own counter; latency is measured."""

from math import prod

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from taskviz.networks import MultiHeadNetwork, NetworkOptions
from taskviz.networks import latency as timing
from taskviz.networks.cost import network_cost, one_sample, part_costs
from taskviz.networks.latency import measure_latency
from taskviz.networks.macs import count_macs

OUTPUTS = (1, 1, 3, 1)
"""Of the four tasks of the toy collection: regression, binary, three classes, regression."""


@pytest.mark.parametrize(("width", "depth"), [(8, 1), (16, 2), (5, 4)])
@pytest.mark.parametrize("tasks", [[0], [2, 0], [0, 1, 2, 3]])
def test_mlp_equals_the_closed_form(toy, width, depth, tasks):
    options = NetworkOptions(width=width, depth=depth)
    cost = network_cost(toy, tasks, options, device="cpu", measure=False)
    outputs = sum(OUTPUTS[t] for t in tasks)
    products = 6 * width + (depth - 1) * width**2 + width * outputs
    assert cost.macs == products
    assert cost.parameters == products + depth * width + outputs
    assert cost.latency_ms is None
    assert cost.latency_error is None
    assert cost.not_counted == ("ReLU" if depth == 1 else f"ReLU ×{depth}",)


def test_parts_add_up_to_every_group(toy):
    options = NetworkOptions(width=7)
    parameters, macs, _ = part_costs(toy, range(4), options)
    for tasks in ([3], [1, 2], [0, 2, 3]):
        cost = network_cost(toy, tasks, options, device="cpu", measure=False)
        assert cost.parameters == parameters.trunk + sum(parameters.heads[t] for t in tasks)
        assert cost.macs == macs.trunk + sum(macs.heads[t] for t in tasks)


def test_convolutions_equal_a_hand_count():
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),  # 32×32 positions, 8 · 3 · 9 each
        nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=4),  # 16×16, 8 · 2 · 9
        nn.ConvTranspose2d(8, 4, 2, stride=2, groups=2),  # from 16×16, 8 channels · 2 · 4
        nn.Flatten(),
        nn.Linear(4 * 32 * 32, 10),
    )
    by_hand = [32 * 32 * 8 * 27, 16 * 16 * 8 * 18, 16 * 16 * 8 * 8, 4096 * 10]
    counted = count_macs(network, torch.zeros(1, 3, 32, 32))
    assert list(counted.layers.values()) == by_hand
    assert counted.not_counted == ()
    series = count_macs(nn.Conv1d(2, 5, 4), torch.zeros(1, 2, 10))
    assert series.total == 7 * 5 * 2 * 4


def test_agrees_with_torchs_own_counter():
    trunk = nn.Sequential(
        nn.Conv2d(3, 6, 5, stride=2), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Linear(864, 9)
    )
    network = MultiHeadNetwork(trunk, [nn.Linear(9, 2), nn.Linear(9, 1)]).eval()
    inputs = torch.zeros(1, 3, 28, 28)
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        network(inputs)
    counted = count_macs(network, inputs)
    # It takes a multiply-accumulate for two operations.
    assert 2 * counted.total == counter.get_total_flops()
    assert counted.not_counted == ("BatchNorm2d", "ReLU")
    assert counted.below("heads.0") == 18
    assert counted.below("trunk") == counted.total - 27


def test_a_layer_called_twice_counts_twice():
    layer = nn.Linear(4, 4)
    assert count_macs(nn.Sequential(layer, layer), torch.zeros(1, 4)).total == 32


class _Attention(nn.Module):
    """Products of its own, outside any layer."""

    def __init__(self):
        super().__init__()
        self.project = nn.Linear(4, 4)
        self.recur = nn.LSTM(4, 4, batch_first=True)

    def forward(self, inputs):
        keys = self.project(inputs)
        mixed = torch.bmm(keys, keys.transpose(1, 2)) @ inputs
        return F.gelu(self.recur(mixed)[0])


def test_what_is_not_counted_is_named():
    counted = count_macs(_Attention(), torch.zeros(1, 3, 4))
    assert counted.layers == {"project": 3 * 16}
    assert "LSTM" in counted.not_counted
    assert "gelu in _Attention" in counted.not_counted
    assert "bmm in _Attention ×2" in counted.not_counted


def test_counting_leaves_the_network_as_it_was():
    network = nn.Sequential(nn.Linear(3, 3), nn.Dropout()).train()
    count_macs(network, torch.zeros(1, 3))
    assert network.training
    assert all(not m._forward_hooks and not m._forward_pre_hooks for m in network.modules())
    with pytest.raises(RuntimeError):
        count_macs(network, torch.zeros(1, 4))
    assert all(not m._forward_hooks and not m._forward_pre_hooks for m in network.modules())


def test_one_sample_has_the_shape_of_the_input_and_no_gaps(toy):
    sample = one_sample(toy, "cpu")
    assert sample.shape == (1, 6)
    assert prod(sample.shape) == torch.isfinite(sample).sum()


class _Sleeper(nn.Module):
    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds
        self.calls = 0

    def forward(self, inputs):
        timing.time.sleep(self.seconds)
        self.calls += 1
        return inputs


def test_latency_is_the_time_of_one_pass():
    short, long = _Sleeper(0.002), _Sleeper(0.006)
    found = measure_latency([short, long], torch.zeros(1, 1), repeats=9)
    # A sleep never ends early; the median of nine rides out what else the machine does.
    assert 2.0 <= found[0].median_ms < found[1].median_ms
    assert found[1].median_ms >= 6.0
    assert [one.repeats for one in found] == [9, 9]
    assert all(one.spread_ms >= 0 for one in found)
    assert short.calls == 9 + timing.WARM_UP


def test_latency_keeps_to_its_time():
    slow = _Sleeper(0.01)
    (found,) = measure_latency([slow], torch.zeros(1, 1), repeats=1000, seconds=0.0)
    assert found.repeats == timing.LEAST_REPEATS


def test_every_pass_is_awaited(monkeypatch):
    """The clock starts when the device is idle and stops when it is idle again."""
    events = []
    monkeypatch.setattr(timing, "synchronise", lambda device: events.append("wait"))

    class Logger(nn.Module):
        def forward(self, inputs):
            events.append("pass")
            return inputs

    measure_latency([Logger()], torch.zeros(1, 1), repeats=5)
    assert events[timing.WARM_UP :] == ["wait", "pass", "wait"] * 5


@pytest.mark.parametrize(
    ("kind", "module"), [("cuda", torch.cuda), ("mps", torch.mps), ("cpu", None)]
)
def test_waiting_asks_the_device_itself(monkeypatch, kind, module):
    asked = []
    for name, one in (("cuda", torch.cuda), ("mps", torch.mps)):
        monkeypatch.setattr(one, "synchronize", lambda *_, name=name: asked.append(name))
    timing.synchronise(torch.device(kind))
    assert asked == ([] if module is None else [kind])


def test_latency_of_a_network_on_the_device(toy, device):
    cost = network_cost(toy, [0, 2], NetworkOptions(width=8), device=device)
    assert cost.latency_ms is not None
    assert 0 < cost.latency_ms < 1000
    assert cost.latency_error is not None
    assert cost.latency_error >= 0
