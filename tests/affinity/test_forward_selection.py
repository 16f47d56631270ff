"""Greedy selection on planted losses against a plain greedy, and end to end."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskviz.affinity import make_estimator
from taskviz.affinity.forward_selection import greedy_gains
from taskviz.values import TaskCollection


def planted(seed: int, size: int):
    """Loss of every subset at random, remembered."""
    rng = np.random.default_rng(seed)
    table = {code: rng.uniform(1, 2, size) for code in range(1, 2**size)}
    asked = []

    def losses(membership: np.ndarray) -> np.ndarray:
        codes = membership @ (1 << np.arange(size))
        asked.extend(codes.tolist())
        return np.where(membership, np.stack([table[code] for code in codes]), np.nan)

    return table, losses, asked


def slow(table: dict[int, np.ndarray], size: int, target: int, limit: int) -> np.ndarray:
    gains = np.full(size, np.nan)
    gains[target] = 0
    group = 1 << target
    alone = table[group][target]
    for _ in range(limit):
        now = table[group][target]
        tried = [s for s in range(size) if not group & 1 << s]
        if not tried:
            break
        found = {s: table[group | 1 << s][target] for s in tried}
        for s in tried:
            gains[s] = (now - found[s]) / alone
        best = min(found, key=found.__getitem__)
        if found[best] >= now:
            break
        group |= 1 << best
    return gains


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 6), st.integers(1, 6))
def test_equals_a_plain_greedy_for_each_target(seed: int, size: int, limit: int) -> None:
    table, losses, _ = planted(seed, size)
    found = greedy_gains(size, losses, limit)
    expected = np.stack([slow(table, size, t, limit) for t in range(size)], axis=1)
    assert np.allclose(found, expected)


def test_an_additive_loss_gives_its_effects() -> None:
    theta = np.array([[0, -0.2, 0.1], [0.3, 0, -0.1], [-0.1, 0.2, 0]])
    base = np.array([1.0, 2.0, 4.0])
    found = greedy_gains(3, lambda held: np.where(held, base + held @ theta, np.nan))
    assert np.allclose(found, -theta / base)


def test_an_unknown_loss_is_missing_and_never_chosen() -> None:
    def losses(held: np.ndarray) -> np.ndarray:
        values = np.where(held, 1.0 - 0.1 * held.sum(axis=1, keepdims=True), np.nan)
        values[held[:, 0] & held[:, 1]] = np.nan
        return values

    found = greedy_gains(3, losses)
    assert np.isnan(found[0, 1])
    assert found[2, 1] == pytest.approx(0.1 / 0.9)


def test_trained_end_to_end(toy: TaskCollection) -> None:
    estimator = make_estimator("forward-selection", epochs=4, seeds=2).fit(toy)
    matrix = estimator.affinity_
    assert matrix.networks_trained <= estimator.networks_needed(4) == 30
    assert estimator.table_ is not None
    assert len(estimator.table_) == matrix.networks_trained
    pairs = estimator.table_.rows_of(["t0", "t3"])
    assert len(pairs) == 2
    exhaustive = make_estimator("exhaustive", epochs=4, seeds=2).fit(toy).table_
    assert exhaustive is not None

    def truth(held: np.ndarray) -> np.ndarray:
        rows = [
            exhaustive.losses[(exhaustive.membership == row).all(axis=1)].mean(axis=0)
            for row in held
        ]
        return np.stack(rows)

    assert np.allclose(matrix.values, greedy_gains(4, truth), rtol=1e-4, atol=1e-6)
    gains = estimator.predict(["t0", "t2", "t3"])
    assert gains["t3"] == pytest.approx(matrix.values[0, 3] + matrix.values[2, 3])


def test_on_the_surrogate(toy: TaskCollection) -> None:
    estimator = make_estimator("forward-selection", on="surrogate", epochs=4).fit(toy)
    surrogate = make_estimator("surrogate", epochs=4).fit(toy)
    fit = surrogate.fit_
    assert np.allclose(estimator.affinity_.values, -fit.coefficients / fit.intercept, atol=1e-9)
    assert estimator.affinity_.networks_trained == 40 == estimator.networks_needed(4)
    assert estimator.networks_needed(20) == 200
