"""The closed forms: limits, their equations, and simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskviz.theory import linear_regression as lr
from taskviz.theory.simulation import Interval, alone_draws, draw, pooled_draws
from taskviz.values import TaskvizError

P = 100
SIZES = (50, 150, 300, 600)


def test_the_formulas_at_hand_worked_numbers() -> None:
    # N = 400, p = 100: 2·0.25·[100²·300 + 100·100·300]/(400²·300) + 0.25·100/300
    assert lr.model_shift_risk(100, 300, 100, 0.25, 0.5) == pytest.approx(0.0625 + 1 / 12)
    assert lr.target_only_risk(300, 100, 0.25) == pytest.approx(0.125)
    assert type(float(lr.target_only_risk(300, 100, 0.25))) is float


@pytest.mark.parametrize("mu", [0.0, 0.2, 0.6])
def test_model_shift_is_within_three_standard_errors_of_simulation(mu: float) -> None:
    draws = pooled_draws(draw(SIZES, 300, P, 0.25, repeats=60, seed=1), [mu])[:, 0]
    found = Interval.of(draws)
    told = np.asarray(lr.model_shift_risk(SIZES, 300, P, 0.25, mu))
    assert np.all(np.abs(found.mean - told) <= 3 * found.standard_error)
    # A test that could not fail would be worth nothing: the errors are small.
    assert np.all(found.standard_error < 0.03 * told)


@pytest.mark.parametrize("lam", [1.5, 3.0, 8.0, 1 / 3])
@pytest.mark.parametrize("mu", [0.0, 0.4])
def test_covariate_shift_is_within_three_standard_errors_of_simulation(
    lam: float, mu: float
) -> None:
    found = Interval.of(
        pooled_draws(draw(SIZES, 300, P, 0.25, lam, repeats=60, seed=2), [mu])[:, 0]
    )
    told = np.asarray(lr.pooled_risk(SIZES, 300, P, 0.25, mu, lam))
    assert np.all(np.abs(found.mean - told) <= 3 * found.standard_error)
    if mu == 0:
        same = np.asarray(lr.covariate_shift_risk(SIZES, 300, P, 0.25, lam))
        np.testing.assert_array_equal(told, same)


def test_the_target_alone_is_within_three_standard_errors_of_simulation() -> None:
    for n_target in (250, 400):
        found = Interval.of(alone_draws(draw([1], n_target, P, 1.0, repeats=80, seed=3)))
        told = lr.target_only_risk(n_target, P, 1.0)
        assert abs(found.mean - told) <= 3 * found.standard_error


counts = st.integers(0, 5000)
shifts = st.floats(1e-3, 1e3)


@given(counts, counts, st.integers(1, 400), shifts)
def test_a1_and_a2_solve_their_equations(n_s: int, n_t: int, p: int, lam: float) -> None:
    n = n_s + n_t
    if n <= p + 1:
        with pytest.raises(TaskvizError, match="too few"):
            lr.weights(n_s, n_t, p, lam)
        return
    a_1, a_2 = map(float, lr.weights(n_s, n_t, p, lam))
    assert a_1 >= 0
    assert a_2 >= 0
    assert a_1 + a_2 == pytest.approx(1 - p / n, rel=1e-12)
    total = a_1
    for value in (lam**2, lam**-2):
        total += p / 2 / n * value * a_1 / (value * a_1 + a_2)
    assert total == pytest.approx(n_s / n, rel=1e-9, abs=1e-12)


@given(
    st.integers(0, 3000),
    st.integers(2, 3000),
    st.integers(1, 300),
    st.floats(0, 3),
    st.floats(0, 9),
)
def test_both_shifts_reduce_to_each_alone(
    n_s: int, n_t: int, p: int, mu: float, variance: float
) -> None:
    if n_s + n_t <= p + 1:
        return
    both = lr.pooled_risk(n_s, n_t, p, variance, mu, 1.0)
    assert both == pytest.approx(
        lr.model_shift_risk(n_s, n_t, p, variance, mu), rel=1e-8, abs=1e-12
    )
    assert lr.covariate_shift_risk(n_s, n_t, p, variance, 4.0) == pytest.approx(
        lr.covariate_shift_risk(n_s, n_t, p, variance, 0.25), rel=1e-9
    )


@given(st.integers(1, 2000), st.integers(1, 2000), st.integers(1, 200), st.floats(1.2, 50))
def test_covariate_shift_helps_below_n_t_and_hurts_above(
    n_s: int, n_t: int, p: int, lam: float
) -> None:
    if n_s + n_t <= p + 1 or abs(n_s - n_t) < 2:
        return
    shifted = lr.covariate_shift_risk(n_s, n_t, p, 1.0, lam)
    plain = lr.covariate_shift_risk(n_s, n_t, p, 1.0, 1.0)
    assert (shifted < plain) == (n_s < n_t)


def test_no_source_is_the_target_alone() -> None:
    alone = lr.target_only_risk(300, 100, 0.5)
    assert lr.model_shift_risk(0, 300, 100, 0.5, 2.0) == pytest.approx(alone)
    assert lr.pooled_risk(0, 300, 100, 0.5, 2.0, 3.0) == pytest.approx(alone)


def test_arrays_broadcast() -> None:
    risk = lr.pooled_risk(np.arange(10, 40)[:, None], 300, 100, 0.25, 0.3, np.linspace(1, 3, 5))
    assert np.shape(risk) == (30, 5)
    assert risk[4, 2] == pytest.approx(lr.pooled_risk(14, 300, 100, 0.25, 0.3, 2.0))  # type: ignore[index]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((1, 100, 100, 1.0, 0.1), "n_source + n_target > features + 1"),
        ((1, 99, 100, 1.0, 0.1), "too few for 100 features"),
        ((-1, 300, 100, 1.0, 0.1), "n_source is -1"),
        ((10, 300, 0, 1.0, 0.1), "features is 0"),
        ((10, 300, 100, -0.1, 0.1), "noise_variance is -0.1"),
        ((10, 300, 100, 1.0, math.nan), "shift is nan"),
        ((10, 300, 100, 1.0, math.inf), "shift is inf"),
        ((10, 300, 100, 1.0, -1.0), "shift is -1"),
        (("ten", 300, 100, 1.0, 0.1), "n_source is 'ten'"),
        (([10, -5], 300, 100, 1.0, 0.1), "n_source is -5"),
    ],
)
def test_what_is_out_of_range_is_one_sentence(arguments: tuple[object, ...], said: str) -> None:
    for risk in (lr.model_shift_risk, lr.covariate_shift_risk):
        with pytest.raises(TaskvizError) as caught:
            risk(*arguments)  # type: ignore[arg-type]
        assert said in str(caught.value).replace("covariate ", "")


def test_shift_of_zero_means_two_things() -> None:
    assert lr.model_shift_risk(10, 300, 100, 1.0, 0) > 0
    with pytest.raises(TaskvizError, match="above 0"):
        lr.covariate_shift_risk(10, 300, 100, 1.0, 0)
    with pytest.raises(TaskvizError, match="n_target > features \\+ 1"):
        lr.target_only_risk(101, 100, 1.0)
