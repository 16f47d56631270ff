"""Higher-order affinity on a hand-made table against a plain loop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskviz.affinity import make_estimator
from taskviz.affinity.higher_order import higher_order_affinity, standardised_scores
from taskviz.values import SubsetTable, TaskCollection, TaskvizError


def slow(table: SubsetTable) -> tuple[np.ndarray, np.ndarray]:
    """The authors' formula, entry by entry."""
    size = len(table.tasks)
    scores = np.full(table.losses.shape, np.nan)
    for t in range(size):
        column = -table.losses[:, t]
        known = column[~np.isnan(column)]
        if len(known):
            scores[:, t] = (column - known.mean()) / (known.std() + 1e-3)
    values, support = np.full((size, size), np.nan), np.zeros((size, size), int)
    for s in range(size):
        for t in range(size):
            found = [
                scores[row, t]
                for row in range(len(table))
                if table.membership[row, s] and not np.isnan(scores[row, t])
            ]
            support[s, t] = len(found)
            if found:
                values[s, t] = np.mean(found)
    return values, support


def random_table(seed: int, m: int, size: int) -> SubsetTable:
    rng = np.random.default_rng(seed)
    membership = rng.random((m, size)) < 0.5
    membership[~membership.any(axis=1), 0] = True
    losses = np.where(membership, rng.gamma(2, size=(m, size)), np.nan)
    return SubsetTable(tuple("abcdef"[:size]), membership, losses, np.ones(m))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(2, 6))
def test_equals_the_loop(seed: int, m: int, size: int) -> None:
    made = random_table(seed, m, size)
    values, error, support = higher_order_affinity(made)
    expected, count = slow(made)
    assert np.allclose(values, expected, equal_nan=True)
    assert np.array_equal(support, count)
    assert (np.isnan(error) == (count < 2)).all()


def test_by_hand() -> None:
    # t's losses 1 beside s, 3 without it: scores ±1 up to the 0.001 of the code
    membership = np.array([[True, True], [False, True]])
    losses = np.array([[5.0, 1.0], [np.nan, 3.0]])
    values, _, support = higher_order_affinity(
        SubsetTable(("s", "t"), membership, losses, np.ones(2))
    )
    assert values[0, 1] == pytest.approx(1 / 1.001)
    assert values[1, 1] == pytest.approx(0)
    assert support[0, 1] == 1
    assert support[1, 1] == 2


def test_each_seed_is_standardised_by_itself() -> None:
    first, second = random_table(1, 8, 4), random_table(2, 8, 4)
    both = SubsetTable(
        first.tasks,
        np.concatenate([first.membership, second.membership]),
        np.concatenate([first.losses, 1000 * second.losses]),
        np.ones(16),
        np.repeat([3, 5], 8),
    )
    scores = standardised_scores(both)
    assert np.allclose(scores[:8], standardised_scores(first), equal_nan=True)
    assert np.nanmax(np.abs(scores[8:])) < 4


def test_pairs_that_never_met_are_missing_with_their_number(toy: TaskCollection) -> None:
    estimator = make_estimator("higher-order", m=1, alpha=2, epochs=3).fit(toy)
    matrix = estimator.affinity_
    assert matrix.networks_trained == 1
    assert any("10 of 12 pairs" in note and "raise m (now 1)" in note for note in matrix.notes)
    assert np.isnan(matrix.values).sum() == 12
    assert matrix.support is not None
    assert (np.isnan(matrix.values) == (matrix.support == 0)).all()


def test_end_to_end(toy: TaskCollection) -> None:
    estimator = make_estimator("higher-order", m=5, alpha=3, epochs=3).fit(toy)
    assert estimator.affinity_.networks_trained == 4 == estimator.networks_needed(4)
    assert any("only 4 different subsets" in note for note in estimator.affinity_.notes)
    pair = estimator.predict(["t0", "t3"])
    assert pair["t3"] == estimator.affinity_.values[0, 3]
    with pytest.raises(TaskvizError, match="'alpha'"):
        make_estimator("higher-order", alpha=5, epochs=3).fit(toy)
