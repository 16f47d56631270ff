"""Compiled moves and swaps against those by sorting, and what a search finds with either."""

from dataclasses import replace

import numpy as np
import pytest

from taskviz.grouping import make_grouper
from taskviz.grouping.network_selection import Constraints, MatrixScores, blocks
from taskviz.grouping.network_selection.blocks import BlockSearch, BlockWorth
from taskviz.grouping.network_selection.worth import Terms, one_worth, swap_gains, toggled_worth
from taskviz.values import AffinityMatrix

NOTHING = lambda: None  # noqa: E731


def matrix(size, seed=0, missing=0.0):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(size, size))
    support = (rng.random((size, size)) >= missing).astype(np.int64)
    np.fill_diagonal(support, 1)
    values[support == 0] = np.nan
    names = tuple(f"t{i}" for i in range(size))
    return AffinityMatrix(values, names, "noise", support=support)


def worth_of(size, overlap, singletons, seed=0):
    scores = MatrixScores(matrix(size, seed), singletons)
    limits = Constraints(overlap=overlap, singletons=singletons != "forbid")
    return BlockWorth(scores, limits)


def terms_of(worth):
    limits = worth.constraints
    return Terms(worth.scores.alone, limits.floor, limits.overlap, worth.penalty)


@pytest.mark.parametrize("overlap", [True, False])
@pytest.mark.parametrize("singletons", ["forbid", "zero", "diagonal"])
@pytest.mark.parametrize("size", [2, 3, 9])
def test_worth_without_sorting(size, singletons, overlap):
    worth = worth_of(size, overlap, singletons, seed=size)
    codes = np.arange(1, 1 << size)
    every = np.asarray((codes[:, None] >> np.arange(size)) & 1, dtype=bool)
    given = every @ worth.inflow
    found = [one_worth(b, g, terms_of(worth)) for b, g in zip(every, given, strict=True)]
    np.testing.assert_allclose(found, worth.of(every, given), rtol=1e-12, atol=1e-12)
    assert one_worth(np.zeros(size, dtype=bool), np.zeros(size), terms_of(worth)) == 0


@pytest.mark.parametrize("overlap", [True, False])
def test_gains_of_swaps(overlap):
    """Against making each of them."""
    worth = worth_of(8, overlap, "zero", seed=3)
    labels = np.array([0, 1, 2, 0, 1, 2, 0, 0])
    search = BlockSearch(worth, labels, 3, NOTHING)
    gains = np.full((8, 8), -np.inf)
    everything = np.ones(3, dtype=bool)
    state = search.blocks, search.given, search.value, search.labels, worth.inflow
    before = search.blocks.copy()
    swap_gains(*state, everything, terms_of(worth), gains)
    np.testing.assert_array_equal(search.blocks, before)
    for u in range(8):
        for v in range(8):
            if u >= v or labels[u] == labels[v]:
                assert gains[u, v] == -np.inf
                continue
            swapped = labels.copy()
            swapped[[u, v]] = labels[[v, u]]
            made = BlockSearch(worth, swapped, 3, NOTHING)
            assert gains[u, v] == pytest.approx(made.total - search.total, abs=1e-11)
    kept = gains.copy()
    swap_gains(*state, np.array([False, True, False]), terms_of(worth), gains)
    np.testing.assert_array_equal(gains, kept)


def test_toggles():
    worth = worth_of(7, True, "forbid")
    block = np.array([1, 0, 1, 0, 0, 1, 0], dtype=bool)
    given, found = block @ worth.inflow, np.empty(7)
    toggled_worth(block, given, worth.inflow, terms_of(worth), found)
    every = block ^ np.eye(7, dtype=bool)
    np.testing.assert_allclose(found, worth.of(every, every @ worth.inflow), rtol=1e-11)


@pytest.mark.parametrize("overlap", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_a_search_goes_the_same_way(overlap, seed, monkeypatch):
    """The compiled loops on matrices where they would not be used."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(4, size=24)
    ends = []
    for least in (100, 2):
        monkeypatch.setattr(blocks, "COMPILED_FROM", least)
        worth = worth_of(24, overlap, "forbid", seed)
        assert worth.simple == (least == 2)
        search = BlockSearch(worth, labels, 4, NOTHING)
        search.descend()
        search.restart(search.labels[::-1])
        search.descend()
        ends.append(search)
    np.testing.assert_array_equal(ends[0].labels, ends[1].labels)
    assert ends[0].total == pytest.approx(ends[1].total, rel=1e-12)


@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_selections_are_the_same(missing, monkeypatch):
    found = []
    for least in (100, 2):
        monkeypatch.setattr(blocks, "COMPILED_FROM", least)
        grouper = make_grouper("selection")
        plans = grouper.frontier(matrix(18, 5, missing), [2, 5])
        found.append([(plan.groups, plan.serving, plan.cost) for plan in plans])
    assert found[0] == found[1]


def test_constraints_are_left_to_sorting(monkeypatch):
    monkeypatch.setattr(blocks, "COMPILED_FROM", 2)
    scores, free = MatrixScores(matrix(6)), Constraints(singletons=False)
    assert BlockWorth(scores, free).simple
    for limits in (
        replace(free, largest=3),
        replace(free, smallest=3),
        replace(free, together=(("t0", "t1"),)),
        replace(free, apart=(("t0", "t1"),)),
    ):
        assert not BlockWorth(scores, limits).simple
    assert BlockWorth(scores, replace(free, smallest=3, overlap=False)).simple
