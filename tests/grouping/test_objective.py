"""Objectives against brute-force loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskviz.grouping.objective import density, group_scores, pair_affinity, selection_score, serve
from taskviz.values import AffinityMatrix, SubsetTable, TaskvizError

NAMES = ("a", "b", "c", "d")


def matrix(values, support=None):
    values = np.array(values, dtype=float)
    if support is None:
        support = (~np.isnan(values)).astype(np.int64)
    return AffinityMatrix(values, NAMES[: len(values)], "given", support=support)


def table():
    return SubsetTable(
        ("a", "b", "c"),
        np.array([[1, 1, 0], [1, 1, 0], [1, 0, 0], [1, 0, 0], [0, 1, 1], [0, 0, 1]], dtype=bool),
        np.array(
            [
                [1.0, 2.0, np.nan],
                [3.0, 2.0, np.nan],
                [1.5, np.nan, np.nan],
                [9.0, np.nan, np.nan],
                [np.nan, 1.0, 4.0],
                [np.nan, np.nan, 3.0],
            ]
        ),
        np.array([1.0, 1.0, 1.0, 0.5, 1.0, 1.0]),
    )


@given(st.integers(0, 10_000), st.integers(2, 6), st.booleans())
def test_density_equals_the_double_loop(seed, size, keep):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(size, size))
    names = tuple(f"t{i}" for i in range(size))
    affinity = AffinityMatrix(values, names, "random")
    groups = [list(rng.choice(size, rng.integers(1, size + 1), replace=False)) for _ in range(3)]
    expected = 0.0
    for group in groups:
        inside = 0.0
        for s in group:
            for t in group:
                if s != t or keep:
                    inside += (values[s, t] + values[t, s]) / 2
        expected += inside / len(group)
    named = [[names[i] for i in group] for group in groups]
    got = density(affinity, named, "keep" if keep else "leave-out")
    assert got == pytest.approx(expected, abs=1e-12)


def test_a_diagonal_shifts_density_by_a_constant_at_one_number_of_groups():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(4, 4))
    np.fill_diagonal(values, 3.0)
    a = matrix(values)
    for groups in ([["a", "b"], ["c", "d"]], [["a"], ["b", "c", "d"]]):
        assert density(a, groups, "keep") == pytest.approx(density(a, groups) + 2 * 3.0)


def test_pairs_without_data_get_the_mean_of_the_others_and_a_note():
    nan = np.nan
    a = matrix([[0, 1, nan], [3, 0, 4], [nan, nan, 0]])
    filled, notes = pair_affinity(a)
    # a-b is (1 + 3)/2, b-c is known in one direction only, a-c in none.
    np.testing.assert_allclose(filled, [[0, 2, 3], [2, 0, 4], [3, 4, 0]])
    assert "1 pairs" in notes[0]


def test_a_matrix_without_any_pair_is_refused():
    with pytest.raises(TaskvizError, match="no pair of tasks has been measured"):
        pair_affinity(matrix(np.full((3, 3), np.nan)))


def test_scores_of_a_matrix_are_means_over_the_sources():
    a = matrix([[9, 1, 2, 3], [4, 9, 5, 6], [7, 8, 9, -1], [0, -2, -3, 9]])
    found = group_scores(a, [["a", "b", "c"], ["c", "d"], ["d"]])
    nan = np.nan
    expected = [[(4 + 7) / 2, (1 + 8) / 2, (2 + 5) / 2, nan], [nan, nan, -3, -1], [nan] * 4]
    np.testing.assert_allclose(found, expected)
    assert group_scores(a, [["d"]], "diagonal")[0, 3] == 9
    assert group_scores(a, [["d"]], "zero")[0, 3] == 0


def test_selection_score_takes_the_best_group_of_each_task():
    a = matrix([[9, 1, 2, 3], [4, 9, 5, 6], [7, 8, 9, -1], [0, -2, -3, 9]])
    groups = [["a", "b", "c"], ["c", "d"]]
    assert selection_score(a, groups) == pytest.approx(5.5 + 4.5 + 3.5 - 1)
    assert serve(a, groups) == {"a": 0, "b": 0, "c": 0, "d": 1}


def test_a_table_averages_repeats_and_is_lower_is_better():
    found = group_scores(table(), [["a", "b"], ["a"], ["b", "c"]])
    np.testing.assert_allclose(found, [[2, 2, np.nan], [1.5, np.nan, np.nan], [np.nan, 1, 4]])
    assert selection_score(table(), [["a", "b"], ["a"], ["b", "c"]]) == 1.5 + 1 + 4
    assert serve(table(), [["a", "b"], ["a"], ["b", "c"]]) == {"a": 1, "b": 2, "c": 2}


def test_a_table_tells_half_size_networks_from_full_ones():
    groups = [["a"], ["b", "c"]]
    assert selection_score(table(), groups, costs=[0.5, 1]) == 9 + 1 + 4
    assert selection_score(table(), groups) == 1.5 + 1 + 4


def test_ties_go_to_the_first_group_and_unscored_groups_come_last():
    a = matrix(np.ones((3, 3)))
    assert serve(a, [["a", "b"], ["a", "c"], ["b"]]) == {"a": 0, "b": 0, "c": 1}
    assert serve(a, [["b"], ["b", "c"], ["a"]]) == {"a": 2, "b": 1, "c": 1}


def test_a_task_without_a_score_is_named():
    with pytest.raises(TaskvizError, match="Task 'c' has a predicted score in none"):
        selection_score(matrix(np.ones((3, 3))), [["a", "b"], ["c"]])
    with pytest.raises(TaskvizError, match="names task 'z'"):
        density(matrix(np.ones((3, 3))), [["a", "z"]])
