"""Distances between all optima against stacked gradients and a dense L1 distance."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from torch import nn

from taskviz.networks import MLPTrunk
from taskviz.optima.all_pairs import all_pair_distances, shared_optimum_distances
from taskviz.optima.landscape import measure_landscape
from taskviz.optima.outer_products import compiled, row_sums
from taskviz.optima.plain import plain_gradients
from taskviz.optima.projection import CauchyProjection
from taskviz.values import TaskvizError


def dense(network, units):
    """Every gradient stacked task by task, then scipy's dense distance."""
    rows = torch.stack(list(plain_gradients(network, units)), dim=1).double().numpy()
    known = units.known.T.numpy()
    points = rows[known]
    return points, cdist(points, points, "cityblock")


@pytest.mark.parametrize("case", ["mlp", "convolutions", "recurrent", "sequence", "tied"])
@pytest.mark.parametrize(("joint", "missing"), [(True, 0.0), (True, 0.3), (False, 0.2)])
def test_equal_to_the_dense_distance(case, joint, missing, case_factory, units_factory):
    network, shape, _ = case_factory(case)
    units = units_factory(shape, n=6, joint=joint, missing=missing)
    points, expected = dense(network, units)
    found = all_pair_distances(network, units, method="exact")
    assert found.way == ("outer products" if case == "mlp" else "gradients")
    assert (found.reason == "") == (case == "mlp")
    tasks, numbers = np.nonzero(units.known.T.numpy())
    np.testing.assert_array_equal(found.tasks, tasks)
    np.testing.assert_array_equal(found.units, numbers)
    assert found.distances.shape == (len(points), len(points))
    np.testing.assert_allclose(found.distances, expected, rtol=1e-11, atol=1e-12)


def test_float32_is_within_1e_5(units_factory, network_factory):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        trunk = MLPTrunk(12, (128, 128, 32), "relu")
    exact = network_factory(trunk, 32)
    units = units_factory((12,), n=8)
    _, expected = dense(exact, units)
    network = exact.float()
    found = all_pair_distances(network, units_factory((12,), n=8, dtype=torch.float32))
    off = ~np.eye(len(expected), dtype=bool)
    assert np.abs(found.distances[off] / expected[off] - 1).max() < 1e-5


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
def test_blocks_of_any_size_give_the_same(activation, units_factory, network_factory):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        trunk = nn.Sequential(MLPTrunk(5, (9, 7), activation), nn.GRU(7, 4))

    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = trunk

        def forward(self, x):
            return self.parts[1](self.parts[0](x)[:, None])[0][:, 0]

    network = network_factory(Last(), 4)
    units = units_factory((5,), n=5)
    whole = all_pair_distances(network, units, method="exact")
    small = all_pair_distances(network, units, method="exact", memory_mb=1)
    np.testing.assert_allclose(small.distances, whole.distances, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(whole.distances, dense(network, units)[1], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_outer_products_with_zeros_ties_and_signs(seed):
    rng = np.random.default_rng(seed)
    deltas = rng.integers(-2, 3, size=(5, 3, 6)).astype(float)
    inputs = rng.integers(-2, 3, size=(5, 4)).astype(float)
    inputs[1] = 0.0
    deltas[2, 1] = 0.0
    inputs[4] = inputs[3]
    for run in (row_sums, compiled()):
        for i in range(5):
            out = np.zeros((5, 3, 3))
            run(i, deltas, inputs, out)
            for j in range(i + 1, 5):
                for s in range(3):
                    for t in range(3):
                        gap = np.outer(deltas[i, s], inputs[i]) - np.outer(deltas[j, t], inputs[j])
                        assert out[j, s, t] == pytest.approx(np.abs(gap).sum(), abs=1e-12)


@pytest.mark.parametrize("joint", [True, False])
@pytest.mark.parametrize("case", ["mlp", "recurrent"])
def test_shared_optima_are_means_over_known_tasks(joint, case, case_factory, units_factory):
    network, shape, _ = case_factory(case)
    units = units_factory(shape, n=5, joint=joint, missing=0.3)
    known = units.known.numpy()
    rows = torch.stack(list(plain_gradients(network, units))).numpy()
    means = np.stack([rows[i][known[i]].mean(axis=0) for i in range(5) if known[i].any()])
    found, error = shared_optimum_distances(network, units)
    assert error == 0
    np.testing.assert_allclose(found, cdist(means, means, "cityblock"), rtol=1e-10, atol=1e-12)


def test_inputs_of_different_size_go_through_adapters(units_factory, network_factory):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = network_factory(MLPTrunk(4, (8, 6), "relu"), 6)
        network.adapters.extend([nn.Linear(t + 2, 4).double() for t in range(5)])
    units = units_factory((6,), n=4, joint=False)
    cut = replace(units, inputs=tuple(x[:, : t + 2] for t, x in enumerate(units.inputs)))
    _, expected = dense(network, cut)
    found = all_pair_distances(network, cut)
    assert found.way == "outer products"
    np.testing.assert_allclose(found.distances, expected, rtol=1e-11, atol=1e-12)
    study = measure_landscape(network, cut)
    assert np.isfinite(study.densities).all()
    assert study.left < study.start


def test_projection_keeps_its_error(units_factory, network_factory):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        trunk = MLPTrunk(20, (256, 256, 32), "tanh")
    network = network_factory(trunk, 32)
    units = units_factory((20,), n=8)
    exact = all_pair_distances(network, units, method="exact")
    rough = all_pair_distances(network, units, method="projection", seed=3)
    assert rough.way == "projection"
    assert rough.error == pytest.approx(np.pi / 2 / np.sqrt(2048))
    off = np.triu_indices(len(exact.distances), 1)
    relative = rough.distances[off] / exact.distances[off] - 1
    assert abs(relative.mean()) < 2 * rough.error
    assert relative.std() < 1.5 * rough.error
    again = all_pair_distances(network, units, method="projection", seed=3)
    np.testing.assert_array_equal(rough.distances, again.distances)


def test_a_trunk_too_large_is_projected_unasked(units_factory, case_factory, monkeypatch):
    network, shape, _ = case_factory("convolutions")
    units = units_factory(shape, n=3)
    monkeypatch.setattr("taskviz.optima.cloud.EXACT_WORK", 10.0)
    found = all_pair_distances(network, units)
    assert found.way == "projection"
    assert "too many to compare one by one" in found.reason
    study = measure_landscape(network, units, step=0.1, probes=4)
    assert study.curvature.way == "hutchinson"
    assert "Ψ rests on a random projection" in study.notes[0]


def test_the_median_estimates_the_scale_of_a_plain_vector():
    rows = torch.randn(3, 60_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    projection = CauchyProjection(1)
    found = projection.distances(projection.draw(0, 60_000).project(rows))
    expected = cdist(rows.numpy(), rows.numpy(), "cityblock")
    np.testing.assert_allclose(found, expected, rtol=4 * projection.error)


def test_too_little_memory_is_one_sentence(units_factory, case_factory):
    network, shape, _ = case_factory("mlp")
    with pytest.raises(TaskvizError, match="take fewer samples, or set memory_mb higher"):
        all_pair_distances(network, units_factory(shape, n=200), memory_mb=1)
    with pytest.raises(TaskvizError, match="no unit"):
        all_pair_distances(network, units_factory(shape, n=4).part(0, 0))
