"""Landscape: losses by plain steps, bounds where the theorem's premises are made true, layers."""

import numpy as np
import pytest
import torch
from torch import nn

from taskviz.engines import RunContext
from taskviz.networks import MultiHeadNetwork
from taskviz.optima.by_layer import layer_distances_by_name
from taskviz.optima.distances import pairwise_distances
from taskviz.optima.landscape import (
    LandscapeOptions,
    LandscapeStudy,
    measure_landscape,
    study_landscape,
)
from taskviz.optima.plain import plain_gradients
from taskviz.optima.step_losses import step_losses
from taskviz.optima.units import Units
from taskviz.values import Task


def quadratic(seed, *, agree=False, n=6, tasks=4, features=5, width=7):
    """Linear trunk, squared error, and ‖∂o/∂θ‖² = c for every sample and task.

    ℓ = (o − y)² is then quadratic along the step and η = 1/(2c) reaches 0 exactly, as the theorem
    asks.

    Args:
        agree: give all tasks one head and one label, so that θ_i too has no loss.
    """
    generator = torch.Generator().manual_seed(seed)

    def draw(*size):
        return torch.randn(*size, generator=generator, dtype=torch.float64)

    inputs = draw(n, features)
    inputs = 2 * inputs / inputs.norm(dim=1, keepdim=True)
    rows = draw(tasks, width)
    rows = rows / rows.norm(dim=1, keepdim=True)
    targets = [draw(n, 1) for _ in range(tasks)]
    if agree:
        rows, targets = rows[:1].expand(tasks, -1), targets[:1] * tasks
    heads = []
    for row in rows:
        head = nn.Linear(width, 1, bias=False).double()
        head.weight.data = row[None].clone()
        heads.append(head)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        trunk = nn.Sequential(nn.Linear(features, width)).double()
    units = Units(
        tuple(Task(f"t{t}", "regression") for t in range(tasks)),
        (inputs,),
        tuple(targets),
        tuple(torch.ones(n, 1, dtype=torch.bool) for _ in range(tasks)),
    )
    length = 2.0**2 + 1  # ‖(x, 1)‖² · ‖head‖²
    return MultiHeadNetwork(trunk, heads).eval(), units, 1 / (2 * length)


@pytest.mark.parametrize("seed", range(8))
def test_no_bound_is_below_the_loss_where_its_premises_hold(seed):
    network, units, step = quadratic(seed)
    study = measure_landscape(network, units, step=step)
    assert study.left == pytest.approx(0, abs=1e-20)
    # H of (o − y)²: twice the largest squared derivative
    heads = torch.cat([head.weight for head in network.heads])
    steepest = float((heads.detach() ** 2).max() * (units.inputs[0] ** 2).amax().clamp(min=1))
    assert study.curvature.value == pytest.approx(2 * steepest, rel=1e-10)
    assert np.all(study.unit_losses <= study.unit_bounds)
    row = study.to_frame().set_index("equation").loc["12"]
    assert row["measured"] <= row["bound"]
    assert bool(row["holds"])


@pytest.mark.parametrize("seed", range(8))
def test_bounds_over_units_where_shared_optima_have_no_loss(seed):
    network, units, step = quadratic(seed, agree=True)
    study = measure_landscape(network, units, step=step)
    assert study.left_shared == pytest.approx(0, abs=1e-20)
    frame = study.to_frame().set_index("equation")
    assert frame.loc["14", "measured"] > 0.01, "the joint optimum must have something left"
    assert frame.loc["14", "measured"] <= frame.loc["14", "bound"]
    # ψ is 0 where tasks agree, so half of eq. 14's bound is left: not below here either
    assert frame.loc["15", "bound"] == pytest.approx(frame.loc["14", "bound"] / 2)
    assert frame.loc["15", "measured"] <= frame.loc["15", "bound"]


def test_losses_by_plain_steps(units_factory, case_factory):
    network, shape, _ = case_factory("mlp")
    units = units_factory(shape, n=4, missing=0.3)
    before = [p.detach().clone() for p in network.parameters()]
    found = step_losses(network, units, step=0.05)
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    known = units.known.numpy()
    rows = list(plain_gradients(network, units))

    def at(gradient):
        shared = list(network.trunk.parameters())
        vector = torch.nn.utils.parameters_to_vector(shared).detach()
        torch.nn.utils.vector_to_parameters(vector - 0.05 * gradient, shared)
        with torch.no_grad():
            losses = torch.stack(
                [
                    units.loss(t, network.heads[t](network.trunk(units.inputs_of(t))))
                    for t in range(5)
                ]
            ).T
        torch.nn.utils.vector_to_parameters(vector, shared)
        return losses.numpy()

    means = []
    for i in range(4):
        for t in range(5):
            if known[i, t]:
                assert found.own[i, t] == pytest.approx(at(rows[i][t])[i, t], rel=1e-12)
                assert found.start[i, t] == pytest.approx(at(0 * rows[i][t])[i, t], rel=1e-12)
            else:
                assert np.isnan(found.own[i, t])
        if known[i].any():
            means.append(rows[i][units.known[i]].mean(dim=0))
            np.testing.assert_allclose(
                found.shared[i][known[i]], at(means[-1])[i][known[i]], rtol=1e-12
            )
    joint = at(torch.stack(means).mean(dim=0))
    np.testing.assert_allclose(found.joint[known], joint[known], rtol=1e-12)


def test_the_step_found_leaves_less_than_its_neighbours(units_factory, case_factory):
    network, shape, _ = case_factory("mlp")
    units = units_factory(shape, n=6)
    best = step_losses(network, units)
    assert np.nanmean(best.own) > 0.01 * np.nanmean(best.start), "no step comes so near"
    for factor in (0.5, 2.0):
        other = step_losses(network, units, step=best.step * factor)
        assert np.nanmean(best.own) <= np.nanmean(other.own)


def test_the_step_found_is_no_larger_than_it_need_be():
    network, units, exact = quadratic(0)
    found = step_losses(network, units)
    # (1 − η/η*)² of a quadratic loss is left: 1 % from 0.9 η* on
    assert 0.9 * exact <= found.step < 1.05 * exact
    assert np.mean(found.own) <= 0.01 * np.mean(found.start)


@pytest.mark.parametrize("case", ["mlp", "convolutions", "recurrent", "tied"])
def test_layers_add_up_to_the_distance(case, case_factory, units_factory):
    network, shape, _ = case_factory(case)
    units = units_factory(shape, n=4, missing=0.2)
    whole = pairwise_distances(network, units).means
    parts = layer_distances_by_name(network, units)
    np.testing.assert_allclose(sum(parts.values()), whole, rtol=1e-9, atol=1e-12)
    assert all(p.requires_grad for p in network.parameters())
    if case == "mlp":
        assert list(parts) == ["0", "2"]


def test_a_study_is_kept_whole(toy, tmp_path):
    study = study_landscape(toy, LandscapeOptions(n=12, width=8), RunContext(seed=3))
    assert study.curvature.way == "rectified"
    assert study.densities.shape == (12,)
    assert 0 < study.left < study.start
    again = LandscapeStudy.read(study.save(tmp_path / "landscape.json"))
    np.testing.assert_array_equal(again.densities, study.densities)
    np.testing.assert_array_equal(again.losses.own, study.losses.own)
    assert again.curvature == study.curvature
    assert again.to_frame().equals(study.to_frame())
    shares = again.layer_shares(0, 3)
    assert sum(shares.values()) == pytest.approx(1)
    bent = study_landscape(toy, LandscapeOptions(n=6, width=16, activation="tanh"), RunContext())
    assert bent.curvature.way == "basis"
