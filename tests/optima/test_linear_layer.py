"""Closed forms of a linear layer against outer products, with many zeros and ties."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from taskviz.optima.linear import dense_form, different_inputs, same_input, sorted_form

# few values, so that zeros, equal ratios and opposite signs are common; some far apart
VALUES = st.sampled_from([0.0, -0.0, 0.0, 1.0, -1.0, 2.0, -0.5, 3.25, 1e-12, -1e12, 1e-310])


def by_outer_products(deltas: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    found = []
    tasks = len(deltas)
    for s in range(tasks):
        for t in range(s + 1, tasks):
            one = deltas[s][:, :, None] * inputs[s][:, None, :]
            other = deltas[t][:, :, None] * inputs[t][:, None, :]
            found.append(np.abs(one - other).sum())
    return np.array(found)


@st.composite
def signals(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    tasks, n = draw(st.integers(2, 4)), draw(st.integers(1, 3))
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    deltas = draw(arrays(np.float64, (tasks, n, height), elements=VALUES))
    inputs = draw(arrays(np.float64, (tasks, n, width), elements=VALUES))
    return deltas, inputs


@settings(max_examples=300, deadline=None)
@given(signals())
def test_sorted_and_dense_equal_outer_products(given_signals):
    deltas, inputs = given_signals
    expected = by_outer_products(deltas, inputs)
    sizes = np.abs(deltas).sum() * np.abs(inputs).sum()
    for form in (sorted_form, dense_form):
        found = form(torch.from_numpy(deltas), torch.from_numpy(inputs)).numpy()
        # entries 1e24 apart: what can be asked for is rounding of the largest products
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14 * sizes + 1e-305)


@settings(max_examples=100, deadline=None)
@given(
    arrays(np.float64, (3, 2, 7), elements=st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0])),
    arrays(np.float64, (3, 2, 5), elements=st.sampled_from([0.0, -0.0, 1.0, -2.0])),
)
def test_sorted_is_exact_on_small_whole_numbers(deltas, inputs):
    found = sorted_form(torch.from_numpy(deltas), torch.from_numpy(inputs)).numpy()
    np.testing.assert_array_equal(found, by_outer_products(deltas, inputs))


@pytest.mark.parametrize("shape", [(130, 250), (260, 31), (1, 300), (300, 1)])
def test_sorted_on_rectified_inputs(shape):
    generator = torch.Generator().manual_seed(0)
    deltas = torch.randn(3, 4, shape[0], generator=generator, dtype=torch.float64)
    deltas[deltas.abs() < 0.5] = 0.0
    inputs = torch.randn(3, 4, shape[1], generator=generator, dtype=torch.float64).relu()
    expected = by_outer_products(deltas.numpy(), inputs.numpy())
    np.testing.assert_allclose(sorted_form(deltas, inputs), expected, rtol=1e-12)


def test_equal_tasks_have_distance_zero_exactly():
    generator = torch.Generator().manual_seed(0)
    deltas = torch.randn(1, 3, 200, generator=generator, dtype=torch.float64).repeat(2, 1, 1)
    inputs = torch.randn(1, 3, 200, generator=generator, dtype=torch.float64).repeat(2, 1, 1)
    assert sorted_form(deltas, inputs).item() == 0.0
    assert dense_form(deltas, inputs).item() == 0.0


@pytest.mark.parametrize("weight", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_weight_and_bias_count_where_they_learn(weight, bias):
    generator = torch.Generator().manual_seed(0)
    deltas = torch.randn(3, 4, 6, generator=generator, dtype=torch.float64)
    inputs = torch.randn(4, 5, generator=generator, dtype=torch.float64)
    ones = torch.ones(4, 1, dtype=torch.float64)
    repeated = inputs.expand(3, -1, -1)
    # a bias is a weight whose input is 1
    seen = [part for part, counts in ((repeated, weight), (ones.expand(3, -1, -1), bias)) if counts]
    expected = np.zeros(3)
    if seen:
        expected = by_outer_products(deltas.numpy(), torch.cat(seen, dim=2).numpy())
    shared = same_input(deltas, inputs, weight=weight, bias=bias)
    np.testing.assert_allclose(shared, expected, rtol=1e-12)
    apart = different_inputs(deltas, repeated, weight=weight, bias=bias)
    np.testing.assert_allclose(apart, expected, rtol=1e-12)
