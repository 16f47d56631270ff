"""Where pooling helps: the three cases of the talk's figure 4, to the single sample."""

import numpy as np
import pytest

from taskviz.theory.linear_regression import model_shift_risk, pooled_risk, target_only_risk
from taskviz.theory.transfer_range import MOST, helpful_range
from taskviz.values import TaskvizError

N_T, P, VARIANCE = 300, 100, 0.25
# From the formula: 2μ² against σ² p/(n_t − p) at n_s → ∞ and σ² n_t/(n_t − p) at n_s → 0.
ALWAYS = np.sqrt(VARIANCE * P / (N_T - P) / 2)
NEVER = np.sqrt(VARIANCE * N_T / (N_T - P) / 2)


def test_always_for_a_range_never() -> None:
    assert helpful_range(N_T, P, VARIANCE, 0.99 * ALWAYS) == ((1, MOST),)
    assert helpful_range(N_T, P, VARIANCE, 1.01 * NEVER) == ()
    ((first, last),) = helpful_range(N_T, P, VARIANCE, 0.5 * (ALWAYS + NEVER))
    assert first == 1
    line, mu = target_only_risk(N_T, P, VARIANCE), 0.5 * (ALWAYS + NEVER)
    assert model_shift_risk(last, N_T, P, VARIANCE, mu) < line
    assert model_shift_risk(last + 1, N_T, P, VARIANCE, mu) >= line


@pytest.mark.parametrize(("mu", "lam"), [(0.0, 5.0), (0.3, 2.0), (0.5, 4.0), (0.34, 1.0)])
def test_equal_to_looking_at_every_size(mu: float, lam: float) -> None:
    sizes = np.arange(1, 3001)
    line = target_only_risk(N_T, P, VARIANCE)
    good = np.asarray(pooled_risk(sizes, N_T, P, VARIANCE, mu, lam)) < line
    told = np.zeros(3000, dtype=bool)
    for first, last in helpful_range(N_T, P, VARIANCE, mu, lam, most=3000):
        told[first - 1 : last] = True
    np.testing.assert_array_equal(told, good)


def test_without_learning_alone_there_is_nothing_to_compare() -> None:
    with pytest.raises(TaskvizError, match="target alone"):
        helpful_range(100, 100, 0.25, 0.1)
