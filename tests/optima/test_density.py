"""Densities and bounds by their formulas, and the theorem on a case where its premise holds."""

import numpy as np
import pytest

from taskviz.optima.density import (
    bound,
    bound_over_tasks,
    bound_over_units,
    known_tasks,
    shared_density,
    unit_bounds,
    unit_densities,
)


def test_formulas_by_hand():
    distances = np.array([[[0.0, 2.0], [2.0, 0.0]], [[0.0, 4.0], [4.0, 0.0]]])
    densities = unit_densities(distances, curvature=9.0)
    np.testing.assert_allclose(densities, [3 * 4 / 4, 3 * 8 / 4])
    np.testing.assert_allclose(unit_bounds(densities, 2), [8 * 9, 8 * 36])
    assert bound_over_tasks(densities, 2) == pytest.approx(8 * (9 + 36) / 2)
    density = shared_density(np.array([[0.0, 1.0], [1.0, 0.0]]), curvature=4.0)
    assert density == pytest.approx(2 * 2 / 4)
    assert bound_over_units(density, 2) == pytest.approx(8.0)
    assert bound(densities, 2, density) == pytest.approx((180 + 8) / 2)


def test_a_unit_with_gaps_is_one_of_its_known_tasks():
    whole = np.array([[[0.0, 2.0], [2.0, 0.0]]])
    gaps = np.full((2, 3, 3), np.nan)
    gaps[0, :2, :2] = whole[0]
    np.testing.assert_array_equal(known_tasks(gaps), [2, 0])
    densities = unit_densities(gaps, 1.0)
    assert densities[0] == unit_densities(whole, 1.0)[0]
    assert np.isnan(densities[1])
    assert bound_over_tasks(densities, known_tasks(gaps)) == pytest.approx(8 * densities[0] ** 2)


@pytest.mark.parametrize("seed", range(5))
def test_theorem_holds_for_quadratic_losses(seed):
    """ℓ_t(θ) = H/2 ‖θ − θ^t‖²: one step of size 1/H reaches zero loss, as the theorem asks."""
    rng = np.random.default_rng(seed)
    tasks, units, curvature = 4, 6, 2.5
    optima = rng.normal(size=(units, tasks, 7))
    distances = np.abs(optima[:, :, None] - optima[:, None]).sum(axis=3)
    shared = optima.mean(axis=1, keepdims=True)
    losses = (0.5 * curvature * ((shared - optima) ** 2).sum(axis=2)).mean(axis=1)
    densities = unit_densities(distances, curvature)
    assert np.all(losses <= unit_bounds(densities, tasks))
    assert losses.mean() <= bound_over_tasks(densities, tasks)
