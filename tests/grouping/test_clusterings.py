"""What every clustering must do: find planted groups, and not mind the order of the tasks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskviz.grouping import make_grouper
from taskviz.values import AffinityMatrix

CLUSTERINGS = ["gat-gmm"]
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
