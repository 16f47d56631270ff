"""All disjoint plans, their codes and scores."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskviz.evidence.plans import (
    best_plan,
    code_of,
    codes_of,
    members_of,
    membership_of,
    partitions,
    plan_scores,
)
from taskviz.values import TaskvizError

# Stirling numbers of the second kind, by T and number of groups.
STIRLING = {(4, 2): 7, (6, 3): 90, (8, 2): 127, (8, 3): 966, (8, 4): 1701, (5, 5): 1, (5, 1): 1}


@pytest.mark.parametrize(("size", "count"), STIRLING.items())
def test_there_are_as_many_partitions_as_stirling_says(size: tuple[int, int], count: int) -> None:
    found = partitions(*size)
    assert found.shape == (count, size[1])
    assert len({tuple(sorted(row)) for row in found.tolist()}) == count
    # Disjoint and complete: the codes of a partition add up to that of all tasks, without overlap.
    assert (found.sum(axis=1) == 2 ** size[0] - 1).all()
    assert (np.bitwise_or.reduce(found, axis=1) == 2 ** size[0] - 1).all()


def test_codes_are_undone_by_members() -> None:
    assert members_of(code_of([0, 3, 4])) == (0, 3, 4)
    inside = np.array([[True, False, True], [False, True, True]])
    assert codes_of(inside).tolist() == [5, 6]
    assert (membership_of(codes_of(inside), 3) == inside).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 5), st.integers(1, 5), st.integers(0, 10**6))
def test_the_best_plan_is_that_of_brute_force(size: int, budget: int, seed: int) -> None:
    budget = min(budget, size)
    sums = np.random.default_rng(seed).normal(size=2**size)
    best = np.inf
    for labels in product(range(budget), repeat=size):
        groups = [code_of([t for t in range(size) if labels[t] == g]) for g in set(labels)]
        best = min(best, float(sum(sums[code] for code in groups)))
    plan = best_plan(sums, budget)
    assert sum(sums[code] for code in plan) == pytest.approx(best, abs=1e-12)
    assert sum(plan) == 2**size - 1


def test_scores_of_plans_are_sums_over_their_groups() -> None:
    sums = np.arange(8.0)
    assert plan_scores(sums, np.array([[1, 6], [2, 5]])).tolist() == [7.0, 7.0]
    assert plan_scores(np.stack([sums, 2 * sums]), np.array([[3, 4]])).tolist() == [[7.0], [14.0]]


def test_unknown_groups_are_never_chosen() -> None:
    sums = np.full(8, np.nan)
    sums[[1, 6]] = 1.0
    assert best_plan(sums, 2) == (1, 6)
    with pytest.raises(TaskvizError, match="No plan of 1 groups"):
        best_plan(sums, 1)


@pytest.mark.parametrize(("size", "groups"), [(3, 0), (3, 4), (13, 2)])
def test_what_cannot_be_listed_is_refused(size: int, groups: int) -> None:
    with pytest.raises(TaskvizError, match="tasks"):
        partitions(size, groups)
