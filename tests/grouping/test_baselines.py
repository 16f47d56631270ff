"""Random, all together, all separate."""

from collections import Counter

import numpy as np
import pytest

from taskviz.grouping import make_grouper
from taskviz.grouping.random import random_partition
from taskviz.values import TaskvizError


def all_partitions(items):
    if not items:
        yield []
        return
    head, *rest = items
    for partition in all_partitions(rest):
        yield [[head], *partition]
        for i in range(len(partition)):
            yield [*partition[:i], [head, *partition[i]], *partition[i + 1 :]]


@pytest.mark.parametrize(("size", "k", "smallest"), [(5, 3, 1), (4, 1, 1), (6, 2, 2), (7, 3, 2)])
def test_every_partition_is_equally_likely(size, k, smallest):
    wanted = {
        str(sorted(sorted(g) for g in p))
        for p in all_partitions(list(range(size)))
        if len(p) == k and min(map(len, p)) >= smallest
    }
    rng = np.random.default_rng(0)
    draws = 150 * len(wanted)
    counts = Counter(str(random_partition(size, k, rng, smallest)) for _ in range(draws))
    assert set(counts) == wanted
    # χ² of a uniform law stays below mean + 4.5 deviations but in one run of a hundred thousand.
    freedom = len(wanted) - 1
    chi2 = sum((n - 150) ** 2 / 150 for n in counts.values())
    assert chi2 <= freedom + 4.5 * np.sqrt(2 * freedom) + 1e-9


def test_random_repeats_by_seed_and_leaves_global_state_alone(planted):
    a = planted()
    np.random.seed(7)
    before = np.random.get_state()[1].copy()
    first = make_grouper("random").group(a, 3.5, seed=1)
    assert (np.random.get_state()[1] == before).all()
    assert first.groups == make_grouper("random").group(a, 3.5, seed=1).groups
    assert len(first.groups) == 3
    assert first.cost == 3 <= first.budget == 3.5
    others = {make_grouper("random").group(a, 3, seed=s).groups for s in range(20)}
    assert len(others) > 10


def test_random_without_singletons(planted):
    a = planted()
    for budget, groups in [(2, 2), (5, 3), (7, 7)]:
        g = make_grouper("random", singletons="join").group(a, budget, seed=3)
        assert len(g.groups) == groups
        assert budget == 7 or min(map(len, g.groups)) >= 2
    assert make_grouper("random", singletons="join").group(a, 5).notes


def test_random_handles_many_tasks():
    parts = random_partition(400, 150, np.random.default_rng(0))
    assert len(parts) == 150
    assert sorted(i for part in parts for i in part) == list(range(400))


def test_the_two_ends(planted):
    a = planted()
    together = make_grouper("all-together").group(a, 2.5)
    assert together.groups == (a.tasks,)
    assert together.cost == 1
    separate = make_grouper("all-separate").group(a, 2)
    assert separate.groups == tuple((task,) for task in a.tasks)
    assert separate.cost == 7
    assert "above the budget of 2" in separate.notes[0]
    assert not make_grouper("all-separate").group(a, 7).notes


@pytest.mark.parametrize("name", ["random", "all-together", "all-separate"])
@pytest.mark.parametrize("budget", [0.5, 0, -1, float("nan"), float("inf")])
def test_bad_budgets(name, budget, planted):
    with pytest.raises(TaskvizError, match="must be a number from 1 up"):
        make_grouper(name).group(planted(), budget)


def test_random_cannot_make_more_groups_than_tasks(planted):
    with pytest.raises(TaskvizError, match="choose 1 to 7"):
        make_grouper("random").group(planted(), 8)
