"""HOA on a hand-made table, and end to end."""

from itertools import combinations

import numpy as np
import pytest

from taskviz.affinity import make_estimator
from taskviz.affinity.hoa import approximate, pair_losses, pairwise_gains
from taskviz.engines import RunContext
from taskviz.values import SubsetTable, TaskCollection

ROWS = [("a", [4, None, None]), ("b", [None, 2, None]), ("c", [None, None, 10])]
ROWS += [("ab", [3, 1, None]), ("ac", [6, None, 8]), ("bc", [None, 2, 5])]


def table(
    rows: list[tuple[str, list[float | None]]], seeds: list[int] | None = None
) -> SubsetTable:
    membership = np.array([[name in subset for name in "abc"] for subset, _ in rows])
    losses = np.array([[np.nan if v is None else v for v in values] for _, values in rows])
    held = None if seeds is None else np.array(seeds, dtype=np.int64)
    return SubsetTable(("a", "b", "c"), membership, losses.astype(float), np.ones(len(rows)), held)


def test_gains_and_predictions_by_hand() -> None:
    alone, paired = pair_losses(table(ROWS))
    values, error, support = pairwise_gains(alone, paired)
    # rows are sources: b lowers a's loss from 4 to 3, a lowers b's from 2 to 1, …
    expected = [[0, 0.5, 0.2], [0.25, 0, 0.5], [-0.5, 0, 0]]
    assert np.allclose(values, expected)
    assert (support == 1).all()
    assert np.isnan(error[0, 1])
    assert approximate(alone[0], paired[0], [0]) == [4]
    assert approximate(alone[0], paired[0], [0, 2]) == [6, 8]
    assert approximate(alone[0], paired[0], [0, 1, 2]) == [4.5, 1.5, 6.5]


def test_seeds_are_averaged_as_gains_and_give_an_error() -> None:
    second = [(s, [None if v is None else 10 * v for v in values]) for s, values in ROWS]
    second[3] = ("ab", [20, 10, None])  # gain of a beside b: .5 where the first seed says .25
    both = table(ROWS + second, [7] * 6 + [9] * 6)
    values, error, support = pairwise_gains(*pair_losses(both))
    assert values[1, 0] == pytest.approx(0.375)
    assert error[1, 0] == pytest.approx(0.125)
    assert error[0, 1] == pytest.approx(0)
    assert (support == 2).all()


def test_a_failed_network_leaves_a_missing_entry() -> None:
    rows = [*ROWS[:4], ("ac", [None, None, None]), ROWS[5]]
    values, _, support = pairwise_gains(*pair_losses(table(rows)))
    assert np.isnan(values[2, 0])
    assert support[0, 2] == 0
    assert np.isfinite(values[0, 1])


def test_end_to_end(toy: TaskCollection) -> None:
    estimator = make_estimator("hoa", epochs=4, seeds=2)
    estimator.fit(toy, RunContext(1))
    assert estimator.networks_needed(4) == 20 == estimator.affinity_.networks_trained
    assert estimator.table_ is not None
    assert len(estimator.table_) == 20
    pair = estimator.predict(["t0", "t3"])
    rows = estimator.table_.rows_of(["t0", "t3"])
    assert pair["t3"] == pytest.approx(estimator.table_.losses[rows, 3].mean())
    triple = estimator.predict(["t0", "t1", "t3"])
    beside = [estimator.predict(["t0", u])["t0"] for u in ("t1", "t3")]
    assert triple["t0"] == pytest.approx(np.mean(beside))
    for a, b in combinations(range(4), 2):
        assert estimator.affinity_.values[a, b] < 1
