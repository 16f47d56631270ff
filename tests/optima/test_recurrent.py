"""LSTM layers in closed form against PyTorch's own and against the plain loop."""

import numpy as np
import pytest
import torch
from networks.modalities import make_collection
from torch import nn

from taskviz.data.tensors import to_tensors
from taskviz.networks import NetworkOptions, build_network
from taskviz.networks.lstm import LSTMTrunk
from taskviz.networks.multi_head import MultiHeadNetwork
from taskviz.optima.capture import recording
from taskviz.optima.distances import gradient_norms, pairwise_distances, unit_distances
from taskviz.optima.layers import closed_form_layers
from taskviz.optima.plain import plain_distances
from taskviz.optima.units import Units, draw_units
from taskviz.values import Task


@pytest.mark.parametrize("packed", [False, True])
def test_unrolled_is_what_torch_computes(packed: bool) -> None:
    torch.manual_seed(0)
    lstm = nn.LSTM(3, 4, 2, batch_first=True).double()
    given = torch.randn(3, 6, 3, dtype=torch.float64)
    if packed:
        pack = nn.utils.rnn.pack_padded_sequence
        given = pack(given, torch.tensor([4, 6, 1]), batch_first=True, enforce_sorted=False)
    with torch.no_grad():
        output, (hidden, cell) = lstm(given)
    layers, reason = closed_form_layers(lstm)
    assert (list(layers), reason) == ([":l0", ":l1"], "")
    with recording(layers) as traces:
        own, (own_hidden, own_cell) = lstm(given)
    assert [tuple(trace.inputs.shape) for trace in traces] == [(3, 6, 7), (3, 6, 8)]
    pairs = [(own_hidden, hidden), (own_cell, cell)]
    pairs.append((own.data, output.data) if packed else (own, output))
    for found, expected in pairs:
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)
    assert "forward" not in vars(lstm)


@pytest.mark.parametrize("layout", ["joint", "separate"])
def test_distances_norms_and_units_of_series_of_several_lengths(layout: str) -> None:
    collection = make_collection("series", layout, n=40, missing=0.2)
    if layout == "separate":
        blocks = [
            (task, block.inputs[:, :, : 9 - 2 * i], block.targets[0], block.split)
            for i, (task, block) in enumerate(
                zip(collection.tasks, collection.samples, strict=True)
            )
        ]
        collection = collection.from_data_sets("lengths", blocks, modality="series")
    data = to_tensors(collection, dtype=torch.float64)
    options = NetworkOptions(width=5, depth=2)
    network = build_network(collection, options, seed=0, dtype=torch.float64).eval()
    units = draw_units(data, 8, seed=0)
    found = pairwise_distances(network, units)
    assert (found.way, found.reason) == ("layers", "")
    plain = plain_distances(network, units).numpy()
    both = units.known.numpy()
    pairs = both[:, :, None] & both[:, None]
    np.testing.assert_allclose(found.sums, (plain * pairs).sum(axis=0), rtol=1e-9, atol=1e-12)
    single = unit_distances(network, units).numpy()
    np.testing.assert_allclose(single, np.where(pairs, plain, np.nan), rtol=1e-9, atol=1e-12)
    norms = gradient_norms(network, units)
    for task in range(3):
        expected = []
        for i in np.flatnonzero(both[:, task]):
            unit = units.part(int(i), int(i) + 1)
            output = network(unit.inputs_of(task), [task])[0]
            loss = unit.loss(task, output).sum()
            gradients = torch.autograd.grad(loss, network.shared_parameters())
            expected.append(sum(float(g.abs().sum()) for g in gradients))
        assert norms[task] == pytest.approx(np.mean(expected), rel=1e-9)


class LastState(nn.Module):
    """Uses the last hidden state of packed series, and one that goes both ways."""

    def __init__(self, both: bool) -> None:
        super().__init__()
        self.lstm = nn.LSTM(2, 4, batch_first=True, bidirectional=both)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        lengths = (~inputs[:, 0].isnan()).sum(dim=1)
        pack = nn.utils.rnn.pack_padded_sequence
        packed = pack(inputs.nan_to_num().mT, lengths, batch_first=True, enforce_sorted=False)
        return self.lstm(packed)[1][0][-1]


@pytest.mark.parametrize("both", [False, True])
def test_last_states_count_and_what_is_not_known_goes_the_generic_way(both: bool) -> None:
    torch.manual_seed(0)
    inputs = torch.randn(6, 2, 7, dtype=torch.float64)
    inputs[2, :, 3:] = torch.nan
    network = MultiHeadNetwork(LastState(both), [nn.Linear(4, 1) for _ in range(3)]).double()
    tasks = tuple(Task(f"t{i}", "regression") for i in range(3))
    targets = tuple(torch.randn(6, 1, dtype=torch.float64) for _ in tasks)
    units = Units(tasks, (inputs,), targets, (torch.ones(6, 1, dtype=torch.bool),) * 3)
    found = pairwise_distances(network, units)
    assert found.way == ("generic" if both else "layers")
    plain = plain_distances(network, units).sum(dim=0).numpy()
    np.testing.assert_allclose(found.sums, plain, rtol=1e-9, atol=1e-12)


def test_frozen_weights_go_the_generic_way() -> None:
    trunk = LSTMTrunk(2, 4)
    trunk.lstm.bias_hh_l0.requires_grad_(False)
    layers, reason = closed_form_layers(trunk)
    assert not layers
    assert "lstm (LSTM) has no closed form" in reason
