"""Measuring again from a part of what an estimator kept: variances known beforehand, refits."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from taskviz.affinity import ESTIMATORS, estimator_class, make_estimator
from taskviz.affinity.base import Estimator, Outcome
from taskviz.affinity.members import ByMatrix
from taskviz.affinity.redraws import (
    MOST_NUMBERS,
    kept_draws,
    redraws_of_halves,
    redraws_of_mean,
    redraws_of_table,
)
from taskviz.affinity.sca import affinity_from_distances
from taskviz.affinity.support import mean_and_error
from taskviz.cache import Cache
from taskviz.data.tensors import to_tensors
from taskviz.networks import NetworkOptions, build_network
from taskviz.optima.distances import pairwise_distances, unit_distances
from taskviz.optima.units import draw_units
from taskviz.values import AffinityMatrix, SubsetTable, TaskCollection
from taskviz.verbs import (
    compute_affinity,
    fit_estimator,
    group_tasks,
    how_redrawn,
    measure_reliability,
    study_stability,
)
from taskviz.verbs.affinity import stored_estimator

BRIEF = {"epochs": 3, "width": 16, "inits": 3, "m": 8}
OFFERS = {
    "sca": "initial states",
    "gradient-cosine": "initial states",
    "surrogate": "seeds",
    "pooled-surrogate": "seeds",
    "combined": "seeds",
    "higher-order": "networks",
    "early": "networks",
    "hoa": "seeds",
    "etap": "stretches",
}


def brief(name: str, **more: object) -> Estimator:
    known = estimator_class(name).Options.__dataclass_fields__
    return make_estimator(name, **{k: v for k, v in {**BRIEF, **more}.items() if k in known})


def spread(measure: Callable[[np.random.Generator], Outcome], times: int = 4000) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.std([measure(rng).values for _ in range(times)], axis=0)


@pytest.mark.parametrize("count", [2, 3, 8])
def test_redrawn_means_spread_as_their_standard_error(count: int) -> None:
    draws = np.random.default_rng(count).normal(size=(count, 3, 3))
    _, error, _ = mean_and_error(draws)
    found = redraws_of_mean(draws, "initial states")
    np.testing.assert_allclose(spread(found.measure), error, rtol=0.08)
    assert found.said.startswith(f"The {count} initial states are drawn again")


def test_entries_of_one_draw_move_together() -> None:
    # What the standard errors of entries cannot tell: both entries rise in the same initial state.
    shift = np.random.default_rng(1).normal(size=6)
    draws = shift[:, None, None] * np.array([[0.0, 1.0], [2.0, 0.0]])
    measure = redraws_of_mean(draws, "initial states").measure
    rng = np.random.default_rng(0)
    values = np.stack([measure(rng).values for _ in range(50)])
    np.testing.assert_allclose(values[:, 1, 0], 2 * values[:, 0, 1])


def test_half_samples_give_the_error_that_their_deviations_tell() -> None:
    rng = np.random.default_rng(2)
    whole, away = rng.normal(size=(3, 3)), rng.normal(size=(5, 3, 3))
    halves = np.stack([whole + sign * each for each in away for sign in (1, -1)])
    found = redraws_of_halves(whole, halves)
    expected = np.sqrt((away**2).mean(axis=0))
    np.testing.assert_allclose(spread(found.measure), expected, rtol=0.08)
    assert "10 half-samples" in found.said


def test_what_is_missing_in_every_draw_stays_missing() -> None:
    draws = np.ones((3, 2, 2))
    draws[:, 0, 1] = np.nan
    outcome = redraws_of_mean(draws, "initial states").measure(np.random.default_rng(0))
    assert np.isnan(outcome.values[0, 1])
    assert outcome.support is not None
    assert outcome.support[0, 1] == 0
    AffinityMatrix(outcome.values, ("a", "b"), "m", support=outcome.support)


def test_few_are_kept_and_not_too_many() -> None:
    assert kept_draws([np.zeros((2, 2))]) == {}
    assert kept_draws(np.zeros((2, 2, 2)))["draws"].shape == (2, 2, 2)
    assert kept_draws(np.broadcast_to(0.0, (3, MOST_NUMBERS // 2, 1))) == {}


def a_table(seeds: list[int] | None, rows: int) -> SubsetTable:
    rng = np.random.default_rng(3)
    membership = rng.random((rows, 3)) < 0.6
    membership[:, 0] = True
    losses = np.where(membership, rng.random((rows, 3)), np.nan)
    given = None if seeds is None else np.array(seeds)
    return SubsetTable(("x", "y", "z"), membership, losses, np.ones(rows), given)


def mean_loss(table: SubsetTable) -> Outcome:
    value = table.losses[:, 0].mean()
    return Outcome(np.full((3, 3), value), table=table)


def test_one_network_a_seed() -> None:
    table = a_table(list(range(12)), 12)
    found = redraws_of_table(table, mean_loss, complete=False)
    assert found is not None
    assert found.said.startswith("The 12 seeds are drawn again")
    first = table.losses[:, 0]
    expected = first.std(ddof=1) / np.sqrt(12)
    assert spread(found.measure)[0, 0] == pytest.approx(expected, rel=0.08)
    drawn = found.measure(np.random.default_rng(0)).table
    assert drawn is not None
    assert drawn.seeds is not None
    # A seed drawn twice is two seeds.
    assert len(np.unique(drawn.seeds)) == len(drawn) == 11


def test_seeds_stay_whole_and_few_seeds_have_their_networks_drawn() -> None:
    table = a_table(sorted(list(range(6)) * 4), 24)
    whole = redraws_of_table(table, mean_loss, complete=False)
    assert whole is not None
    drawn = whole.measure(np.random.default_rng(1)).table
    assert drawn is not None
    known = {table.losses[table.seeds == s].tobytes() for s in range(6)}
    assert {drawn.losses[drawn.seeds == s].tobytes() for s in range(5)} <= known
    few = a_table([0, 0, 0, 0, 1, 1, 1, 1], 8)
    within = redraws_of_table(few, mean_loss, complete=False)
    assert within is not None
    assert "8 networks are drawn again, with replacement within each seed" in within.said
    drawn = within.measure(np.random.default_rng(1)).table
    assert drawn is not None
    assert drawn.seeds is not None
    assert np.bincount(drawn.seeds).tolist() == [3, 3]
    # A design that needs every network is drawn by seeds or not at all.
    by_seed = redraws_of_table(few, mean_loss, complete=True)
    assert by_seed is not None
    assert "2 seeds" in by_seed.said
    assert redraws_of_table(a_table([0] * 8, 8), mean_loss, complete=True) is None
    assert redraws_of_table(None, mean_loss, complete=False) is None


def test_fixed_networks_are_in_every_draw() -> None:
    table = a_table([0] * 10, 10)
    fixed = np.arange(10) < 4
    found = redraws_of_table(table, mean_loss, complete=False, fixed=fixed)
    assert found is not None
    drawn = found.measure(np.random.default_rng(5)).table
    assert drawn is not None
    np.testing.assert_array_equal(drawn.losses[:4], table.losses[:4])
    assert len(drawn) == 9


@pytest.mark.parametrize("name", OFFERS)
def test_an_estimator_measures_again_as_it_measures(name: str, toy: TaskCollection) -> None:
    fitted = brief(name, seeds=3 if name == "hoa" else 5 if OFFERS[name] == "seeds" else 1)
    fitted.fit(toy)
    before = fitted.affinity_.values.copy(), str(fitted.predict(["t0", "t2"]))
    found = fitted.redraws()
    assert found is not None
    assert OFFERS[name] in found.said
    rng = np.random.default_rng(0)
    others = [fitted.redrawn(found.measure(rng)) for _ in range(6)]
    assert len({other.affinity_.values.tobytes() for other in others}) > 1
    first = others[0]
    bits = first.affinity_.values.tobytes()
    second = next(o for o in others if o.affinity_.values.tobytes() != bits)
    for other in (first, second):
        assert type(other) is type(fitted)
        assert other.affinity_.tasks == fitted.affinity_.tasks
        assert list(other.predict(["t0", "t2"])) == ["t0", "t2"]
    assert str(first.predict(["t0", "t2"])) != str(second.predict(["t0", "t2"]))
    # The estimator itself is as it was.
    np.testing.assert_array_equal(fitted.affinity_.values, before[0])
    assert str(fitted.predict(["t0", "t2"])) == before[1]
    same = [found.measure(np.random.default_rng(9)).values for _ in range(2)]
    np.testing.assert_array_equal(*same)


@pytest.mark.parametrize("name", ["hoa", "exhaustive", "random", "label-correlation"])
def test_what_was_measured_once_offers_nothing(name: str, toy: TaskCollection) -> None:
    assert set(OFFERS) < set(ESTIMATORS)
    assert brief(name).fit(toy).redraws() is None


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_blocks_of_samples_add_up_to_the_distances(
    missing: float, toy_factory: Callable[..., TaskCollection]
) -> None:
    made = toy_factory(missing=missing)
    units = draw_units(to_tensors(made, dtype=torch.float64), 23, 0)
    network = build_network(made, NetworkOptions(width=8), seed=0, dtype=torch.float64).eval()
    single = unit_distances(network, units).numpy()
    whole = pairwise_distances(network, units)
    parts = pairwise_distances(network, units, blocks=5)
    np.testing.assert_allclose(parts.sums, whole.sums, rtol=1e-12)
    np.testing.assert_array_equal(parts.counts, whole.counts)
    assert parts.block_sums.shape == (5, 4, 4)
    edges = [-(-23 * b // 5) for b in range(6)]
    for b in range(5):
        own = single[edges[b] : edges[b + 1]]
        np.testing.assert_allclose(parts.block_sums[b], np.nansum(own, axis=0), rtol=1e-9)
        np.testing.assert_array_equal(parts.block_counts[b], np.isfinite(own).sum(axis=0))
    assert pairwise_distances(network, units, blocks=99).block_sums.shape == (23, 4, 4)


def test_samples_of_one_initial_state_are_drawn_in_blocks(toy: TaskCollection) -> None:
    fitted = make_estimator("sca", n=80, width=16).fit(toy)
    found = fitted.redraws()
    assert found is not None
    assert "in 20 blocks" in found.said
    # Against a bootstrap over single samples, which is slow.
    units = draw_units(to_tensors(toy, dtype=torch.float64), 80, 0)
    network = build_network(toy, fitted.options, seed=0, dtype=torch.float64).eval()
    single = unit_distances(network, units).numpy()
    np.testing.assert_allclose(
        affinity_from_distances(single.mean(axis=0)), fitted.affinity_.values, atol=1e-9
    )
    rng = np.random.default_rng(0)
    slow = np.std(
        [
            affinity_from_distances(single[rng.integers(80, size=80)].mean(axis=0))
            for _ in range(500)
        ],
        axis=0,
    )
    fast = spread(found.measure, 500)
    apart = ~np.eye(4, dtype=bool)
    assert fast[apart].mean() == pytest.approx(slow[apart].mean(), rel=0.3)


def test_a_study_says_what_it_drew(toy: TaskCollection, tmp_path: object) -> None:
    cache = Cache(str(tmp_path))
    given = {"cache": cache, "width": 16}
    by_samples = compute_affinity(toy, "sca", n=40, **given)
    by_inits = compute_affinity(toy, "gradient-cosine", inits=4, **given)
    by_networks = fit_estimator(toy, "higher-order", m=6, epochs=2, **given).affinity_
    by_repeats = measure_reliability(toy, "sca", repeats=3, n=20, **given)
    by_halves = measure_reliability(toy, "label-correlation", repeats=3, cache=cache)
    for matrix, words in (
        (by_samples, "in 20 blocks"),
        (by_inits, "4 initial states"),
        (by_networks, "6 networks are drawn again"),
        (by_repeats, "3 repeated measurements"),
        (by_halves, "6 half-samples"),
    ):
        plan = group_tasks(matrix, "lloyd", budget=2)
        found = study_stability(matrix, plan, draws=6, cache=cache)
        assert words in found.notes[0]
        assert how_redrawn(matrix, cache) == found.notes[0]
        # An assumed noise takes the place of what was measured.
        assumed = study_stability(matrix, plan, draws=2, noise=0.1, cache=cache)
        assert "standard deviation 0.1" in assumed.notes[0]
    # One that is not in the cache has its standard errors and no more, or nothing.
    assert how_redrawn(by_inits, Cache(f"{tmp_path}/other")).startswith("Each entry is drawn")
    assert how_redrawn(by_samples, Cache(f"{tmp_path}/other")) is None
    assert stored_estimator(by_samples, Cache(f"{tmp_path}/other")) is None
    changed = AffinityMatrix.from_json({**by_samples.to_json(), "values": np.eye(4).tolist()})
    assert stored_estimator(changed, cache) is None


def test_the_mean_of_repeats_keeps_them(toy: TaskCollection, tmp_path: object) -> None:
    cache = Cache(str(tmp_path))
    matrix = measure_reliability(toy, "random", repeats=4, cache=cache)
    fitted = stored_estimator(matrix, cache)
    assert isinstance(fitted, ByMatrix)
    assert fitted.draws_ is not None
    np.testing.assert_allclose(fitted.draws_.mean(axis=0), matrix.values)
    found = fitted.redraws()
    assert found is not None
    np.testing.assert_allclose(spread(found.measure), matrix.standard_error, rtol=0.1)
