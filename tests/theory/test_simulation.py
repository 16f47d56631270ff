"""The simulation against plain loops, and that it repeats."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from taskviz.theory.simulation import Interval, alone_draws, chunks, draw, pooled_draws
from taskviz.values import TaskvizError


def test_chunks_are_the_whole() -> None:
    whole = pooled_draws(draw([5, 20], 40, 6, 0.3, 2.0, repeats=7, seed=4), [0.1, 0.5])
    parts = [
        pooled_draws(draw([5, 20], 40, 6, 0.3, 2.0, repeats=n, first=i, seed=4), [0.1, 0.5])
        for i, n in chunks(7, 3)
    ]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert not np.array_equal(
        whole, pooled_draws(draw([5, 20], 40, 6, 0.3, 2.0, repeats=7, seed=5), [0.1, 0.5])
    )


def test_a_draw_is_what_least_squares_on_the_rows_gives() -> None:
    n_s, n_t, p, sigma, lam, mu = 12, 30, 5, 0.7, 3.0, 0.4
    rng = np.random.default_rng([9, 0])
    x_t, e_t = rng.standard_normal((n_t, p)), rng.standard_normal(n_t) * sigma
    x_s, e_s = rng.standard_normal((n_s, p)), rng.standard_normal(n_s) * sigma
    x_s = x_s * np.array([lam, lam, 1 / lam, 1 / lam, 1 / lam])
    beta_t = np.arange(p) / 7
    beta_s = beta_t + mu * np.sqrt(2 / p)
    fit = LinearRegression(fit_intercept=False)
    fit.fit(np.r_[x_s, x_t], np.r_[x_s @ beta_s + e_s, x_t @ beta_t + e_t])
    moments = draw([n_s], n_t, p, sigma**2, lam, repeats=1, seed=9)
    assert pooled_draws(moments, [mu])[0, 0, 0] == pytest.approx(((fit.coef_ - beta_t) ** 2).sum())
    fit.fit(x_t, x_t @ beta_t + e_t)
    assert alone_draws(moments)[0] == pytest.approx(((fit.coef_ - beta_t) ** 2).sum())


def test_intervals_hold_the_mean_as_often_as_they_say() -> None:
    draws = np.random.default_rng(0).exponential(size=(40, 2000))
    found = Interval.of(draws)
    covered = np.mean(np.abs(found.mean - 1) <= found.half_width)
    assert 0.91 < covered < 0.97
    assert found.repeats == 40


def test_sizes_must_rise_and_suffice() -> None:
    for sizes in ([], [5, 5], [9, 3], [-1]):
        with pytest.raises(TaskvizError, match="that rise"):
            draw(sizes, 40, 6, 0.3, repeats=2)
    with pytest.raises(TaskvizError, match="too few"):
        draw([1], 5, 6, 0.3, repeats=2)
    with pytest.raises(TaskvizError, match="too few"):
        alone_draws(draw([20], 5, 6, 0.3, repeats=2))
