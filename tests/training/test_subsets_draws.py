"""Which subsets are drawn."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskviz.training.subsets import all_subsets, draw_subsets
from taskviz.values import TaskvizError

NAMES = [f"t{i}" for i in range(20)]


def test_all_subsets_lists_each_once_small_ones_first() -> None:
    found = all_subsets(("a", "b", "c"))
    assert found == [("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", "c"), ("a", "b", "c")]
    assert len(set(all_subsets(NAMES[:8]))) == 255
    assert all_subsets(("a", "b", "c"), max_size=2) == found[:6]


@settings(max_examples=60, deadline=None)
@given(
    total=st.integers(1, 16),
    count=st.integers(0, 60),
    seed=st.integers(0, 1000),
    size=st.none() | st.integers(1, 16),
)
def test_draws_are_distinct_non_empty_and_repeat(
    total: int, count: int, seed: int, size: int | None
) -> None:
    names = NAMES[:total]
    size = None if size is None else min(size, total)
    drawn = draw_subsets(names, count, seed, size=size)
    available = 2**total - 1 if size is None else comb(total, size)
    assert len(drawn) == len(set(drawn)) == min(count, available)
    assert drawn == draw_subsets(names, count, seed, size=size)
    for subset in drawn:
        assert subset
        assert list(subset) == [name for name in names if name in subset]
        assert size is None or len(subset) == size


@pytest.mark.parametrize("total", [6, 14])
def test_each_task_is_in_with_the_probability(total: int) -> None:
    names = NAMES[:total]
    counts = np.zeros(total)
    for seed in range(400):
        for subset in draw_subsets(names, 10, seed, probability=0.3, distinct=False):
            counts += [name in subset for name in names]
    expected = 0.3 / (1 - 0.7**total)  # an empty draw is drawn again
    assert np.abs(counts / 4000 - expected).max() < 4 * np.sqrt(0.25 / 4000)


def test_listed_draw_has_the_law_of_drawing_again() -> None:
    """First subset of a distinct draw: weight p^k (1 − p)^(T − k), renormalised."""
    names, p = NAMES[:3], 0.3
    found = [draw_subsets(names, 2, seed, probability=p)[0] for seed in range(4000)]
    for size in (1, 2, 3):
        for subset in combinations(names, size):
            expected = p**size * (1 - p) ** (3 - size) / (1 - (1 - p) ** 3)
            assert found.count(subset) / 4000 == pytest.approx(expected, abs=0.035)


def test_seeds_draw_afresh() -> None:
    draws = {tuple(draw_subsets(NAMES[:8], 16, seed)) for seed in range(5)}
    assert len(draws) == 5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([], 3, 0), "no tasks"),
        ((["a"], -1, 0), "-1 subsets"),
        ((["a"], 1, -1), "seed -1"),
    ],
)
def test_bad_draws_are_told(arguments: tuple[list[str], int, int], words: str) -> None:
    with pytest.raises(TaskvizError, match=words):
        draw_subsets(*arguments)


def test_bad_size_and_probability_are_told() -> None:
    with pytest.raises(TaskvizError, match="from 1 to 2"):
        draw_subsets(["a", "b"], 1, 0, size=3)
    with pytest.raises(TaskvizError, match="between 0 and 1"):
        draw_subsets(["a", "b"], 1, 0, probability=1.0)
    with pytest.raises(TaskvizError, match="nearer to"):
        draw_subsets(NAMES, 500, 0, probability=1e-9)
