"""Marginal gains and group losses over complete tables."""

import numpy as np
import pytest

from taskviz.affinity import make_estimator
from taskviz.affinity.marginal_gains import LossLookup, gains_over_alone, marginal_gains
from taskviz.training.subsets import all_subsets
from taskviz.values import SubsetTable, TaskCollection, TaskvizError

NAMES = tuple("abcd")


def complete(seeds: int = 1, seed: int = 0) -> SubsetTable:
    rng = np.random.default_rng(seed)
    one = np.array([[n in s for n in NAMES] for s in all_subsets(NAMES)])
    membership = np.concatenate([one] * seeds)
    losses = np.where(membership, rng.uniform(1, 2, membership.shape), np.nan)
    return SubsetTable(
        NAMES, membership, losses, np.ones(len(membership)), np.repeat(np.arange(seeds), len(one))
    )


def slow(table: SubsetTable, s: str, t: str) -> tuple[float, int]:
    """Mean over seeds of the mean over groups, by names."""
    found, count = [], 0
    for seed in np.unique(table.seeds):
        loss = {
            frozenset(table.subset(row)): table.losses[row, NAMES.index(t)]
            for row in range(len(table))
            if table.seeds is not None and table.seeds[row] == seed
        }
        falls = [
            (loss[group] - loss[group | {s}]) / loss[frozenset(t)]
            for group in loss
            if t in group and s not in group
        ]
        found.append(np.mean(falls))
        count += len(falls)
    return float(np.mean(found)), count


def test_equals_the_plain_loop() -> None:
    table = complete(seeds=3)
    values, error, support = marginal_gains(table)
    for i, s in enumerate(NAMES):
        for j, t in enumerate(NAMES):
            if s != t:
                expected, count = slow(table, s, t)
                assert values[i, j] == pytest.approx(expected)
                assert support[i, j] == count == 12
    assert (np.diag(values) == 0).all()
    assert (error[~np.eye(4, dtype=bool)] > 0).all()


def test_an_additive_table_gives_its_effects() -> None:
    rng = np.random.default_rng(1)
    theta = 0.1 * rng.normal(size=(4, 4))
    np.fill_diagonal(theta, 0)
    base = rng.uniform(1, 2, 4)
    one = complete()
    losses = np.where(one.membership, base + one.membership @ theta, np.nan)
    values, _, _ = marginal_gains(SubsetTable(NAMES, one.membership.copy(), losses, np.ones(15)))
    assert np.allclose(values, -theta / base)


def test_group_losses_weigh_seeds_alike() -> None:
    table = complete(seeds=2)
    scale = np.where(np.arange(30) < 15, 1.0, 100.0)[:, None]
    harder = SubsetTable(
        NAMES, table.membership.copy(), table.losses * scale, np.ones(30), table.seeds
    )
    group = np.array([True, False, True, False])
    rows = harder.rows_of("ac")
    levels = np.stack([np.nanmean(harder.losses[:15], 0), np.nanmean(harder.losses[15:], 0)])
    expected = (harder.losses[rows] / levels).mean(axis=0) * levels.mean(axis=0)
    found = LossLookup(harder).losses(group)
    assert found is not None
    assert np.allclose(found, expected, equal_nan=True)
    assert LossLookup(None).losses(group) is None
    single = complete()
    alone = LossLookup(single).losses(group)
    assert alone is not None
    assert np.allclose(alone, single.losses[single.rows_of("ac")[0]], equal_nan=True)
    with pytest.raises(TaskvizError, match="no trained network for the group a"):
        LossLookup(None).predict(NAMES, ["a"])


def test_gains_over_alone() -> None:
    table = complete(seeds=2)
    gains = gains_over_alone(table)
    row = table.rows_of("abd")[1]
    alone = table.losses[table.rows_of("b")[1], 1]
    assert gains[row, 1] == pytest.approx((alone - table.losses[row, 1]) / alone)
    assert np.isnan(gains[row, 2])
    assert gains[table.rows_of("b")[0], 1] == 0


def test_end_to_end(toy: TaskCollection) -> None:
    estimator = make_estimator("exhaustive", epochs=4).fit(toy)
    assert estimator.affinity_.networks_trained == 15 == estimator.networks_needed(4)
    assert estimator.affinity_.standard_error is None
    assert estimator.table_ is not None
    row = estimator.table_.rows_of(["t0", "t1", "t3"])[0]
    assert estimator.predict(["t0", "t1", "t3"])["t3"] == pytest.approx(
        estimator.table_.losses[row, 3]
    )
    twice = make_estimator("exhaustive", epochs=4, seeds=2).fit(toy)
    assert twice.affinity_.standard_error is not None


def test_too_many_tasks_are_refused_with_a_way_out() -> None:
    names = [f"t{i}" for i in range(15)]
    rng = np.random.default_rng(0)
    from taskviz.values import Task

    made = TaskCollection.from_arrays(
        "wide",
        rng.normal(size=(30, 2)),
        {name: rng.normal(size=30) for name in names},
        [Task(name, "regression") for name in names],
        np.repeat([0, 1, 2], 10).astype(np.int8),
    )
    with pytest.raises(TaskvizError, match="--tasks 14"):
        make_estimator("exhaustive").fit(made)
