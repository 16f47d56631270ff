"""What every clustering must do: find planted groups, and not mind the order of the tasks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskviz.grouping import make_grouper
from taskviz.grouping.objective import density
from taskviz.values import AffinityMatrix, SubsetTable, TaskvizError

CLUSTERINGS = ["gat-gmm", "spectral", "lloyd", "sdp"]
QUICK = {"gat-gmm": {"epochs": 10, "restarts": 1}}


def sets(grouping):
    return {frozenset(group) for group in grouping.groups}


@pytest.mark.parametrize("name", CLUSTERINGS)
@pytest.mark.parametrize("offset", [0.0, -5.0])
@pytest.mark.parametrize("seed", range(3))
def test_two_planted_blocks_are_found(name, offset, seed, planted):
    # With an offset of −5 every affinity is negative.
    a = planted((4, 3), noise=0.15, seed=seed, offset=offset)
    expected = {frozenset(t for t in a.tasks if t[0] == letter) for letter in "ab"}
    assert sets(make_grouper(name).group(a, 2, seed=seed)) == expected


@pytest.mark.parametrize("name", CLUSTERINGS)
@given(seed=st.integers(0, 10_000))
@settings(max_examples=6, deadline=None)
def test_permuting_the_tasks_permutes_the_groups(name, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(6, 6))
    names = tuple(f"t{i}" for i in range(6))
    order = rng.permutation(6)
    a = AffinityMatrix(values, names, "random")
    b = AffinityMatrix(values[np.ix_(order, order)], tuple(names[i] for i in order), "random")
    method = make_grouper(name, **QUICK.get(name, {}))
    pairs = zip(method.frontier(a, [2, 4], seed=1), method.frontier(b, [2, 4], seed=1), strict=True)
    for first, second in pairs:
        assert sets(first) == sets(second)
        assert first.score == pytest.approx(second.score, abs=1e-12)
        for task in names:
            served = [set(g.groups[g.serving[task]]) for g in (first, second)]
            assert served[0] == served[1]


@pytest.mark.parametrize("name", CLUSTERINGS)
def test_the_method_finds_the_number_of_groups(name, planted):
    a = planted((4, 4, 4), noise=0.1, seed=1)
    found = make_grouper(name, number="auto").group(a, 8)
    assert {frozenset(t[0] for t in group) for group in found.groups} == {
        frozenset(letter) for letter in "abc"
    }
    assert found.budget == 8
    assert found.cost == 3
    assert any("chose 3 groups out of 1 to 8" in note for note in found.notes)
    # A budget below that number is a limit all the same.
    assert len(make_grouper(name, number="auto").group(a, 2).groups) <= 2


@pytest.mark.parametrize("name", CLUSTERINGS)
def test_every_budget_covers_every_task(name, planted):
    a = planted((3, 3), noise=0.5, seed=3)
    rule = {"singletons": "join"}
    for options in ({}, rule):
        frontier = make_grouper(name, **QUICK.get(name, {}), **options).frontier(a, range(1, 7))
        assert len(frontier[0].groups) == 1
        assert len(frontier[5].groups) == 6
        for budget, grouping in enumerate(frontier, start=1):
            assert set(grouping.tasks) == set(a.tasks)
            assert len(grouping.groups) <= budget
            assert grouping.score == pytest.approx(density(a, grouping.groups))
            if options == rule and budget < 6:
                assert min(map(len, grouping.groups)) > 1


@pytest.mark.parametrize("name", ["spectral", "lloyd", "sdp"])
def test_bad_input(name, planted):
    table = SubsetTable(("a", "b"), np.ones((1, 2), bool), np.ones((1, 2)), np.ones(1))
    with pytest.raises(TaskvizError, match="'selection' takes one"):
        make_grouper(name).group(table, 1)
    for budget, words in [(0, "from 1 up"), (8, "choose 1 to 7"), (2.5, "whole number")]:
        with pytest.raises(TaskvizError, match=words):
            make_grouper(name).group(planted(), budget)


@pytest.mark.parametrize("name", CLUSTERINGS)
def test_equal_affinities_are_no_trouble(name):
    for value in (0.0, 1.0, -1.0):
        a = AffinityMatrix(np.full((5, 5), value), tuple("abcde"), "flat")
        grouping = make_grouper(name, **QUICK.get(name, {})).group(a, 3)
        assert set(grouping.tasks) == set("abcde")


def test_clipping_cuts_the_edges_of_harm():
    # Two pairs help each other; all else harms, most of all within what shifting would join.
    values = np.array([[0, 1, -9, -2], [1, 0, -2, -9], [-9, -2, 0, 1], [-2, -9, 1, 0.0]])
    a = AffinityMatrix(values, tuple("abcd"), "harm")
    found = make_grouper("spectral", negative="clip").group(a, 2)
    assert sets(found) == {frozenset("ab"), frozenset("cd")}
    none = AffinityMatrix(-np.ones((3, 3)), tuple("abc"), "harm")
    assert "without edges" in make_grouper("spectral", negative="clip").group(none, 2).notes[0]


@pytest.mark.parametrize("seed", range(4))
def test_sdp_lies_between_exhaustive_search_and_its_bound(seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(6, 6)) * rng.choice([0.01, 1, 100]) - rng.choice([0, 2])
    a = AffinityMatrix(values, tuple("abcdef"), "random")
    for number in (2, 3, 4):
        best = max(
            density(a, partition)
            for partition in partitions(list("abcdef"))
            if len(partition) == number
        )
        found = make_grouper("sdp").group(a, number)
        assert found.bound >= best - 1e-9 * abs(best)
        assert found.score <= best + 1e-9 * abs(best)
        # Rounding and single moves find the optimum on tasks this few.
        assert found.score == pytest.approx(best, abs=0.05 * np.abs(values).max())
        assert found.gap == pytest.approx((found.bound - found.score) / abs(found.score))


def test_sdp_proves_a_planted_partition(planted):
    found = make_grouper("sdp").group(planted((5, 4, 3), noise=0.05), 3)
    assert found.gap < 1e-4


def test_a_higher_penalty_gives_fewer_groups(planted):
    a = planted((3, 3, 3), noise=0.1)
    low, high = (make_grouper("sdp", number="auto", penalty=p).group(a, 9) for p in (-1.0, 3.0))
    assert len(low.groups) > len(high.groups)


def test_sdp_with_the_first_order_solver(monkeypatch, planted):
    monkeypatch.setattr("taskviz.grouping.sdp.EXACT_TASKS", 3)
    found = make_grouper("sdp").group(planted((4, 3), noise=0.1), 2)
    assert {frozenset(t[0] for t in group) for group in found.groups} == {
        frozenset("a"),
        frozenset("b"),
    }
    assert found.bound is None


def partitions(items):
    if not items:
        yield []
        return
    head, *rest = items
    for partition in partitions(rest):
        yield [[head], *partition]
        for i in range(len(partition)):
            yield [*partition[:i], [head, *partition[i]], *partition[i + 1 :]]
