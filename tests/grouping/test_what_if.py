import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from taskviz.grouping import make_grouper
from taskviz.grouping.what_if import (
    align,
    broken_rules,
    edited_plan,
    evaluate,
    keep_locked,
    lock_options,
    move,
    same_groups,
)
from taskviz.values import AffinityMatrix, Grouping, SubsetTable, TaskvizError

NAMES = tuple("abcdef")
VALUES = np.arange(36, dtype=float).reshape(6, 6) / 10
MATRIX = AffinityMatrix(VALUES, NAMES, "example")


def test_a_score_is_the_mean_affinity_from_the_others() -> None:
    found = evaluate(MATRIX, [("a", "b", "c"), ("d", "e"), ("f",)])
    assert found.score("b") == pytest.approx((VALUES[0, 1] + VALUES[2, 1]) / 2)
    assert found.score("e") == pytest.approx(VALUES[3, 4])
    assert math.isnan(found.score("f"))
    assert found.unknown == ("f",)
    assert found.total is None
    whole = evaluate(MATRIX, [("a", "b", "c"), ("d", "e", "f")])
    assert whole.total == pytest.approx(sum(whole.score(t) for t in NAMES))


@pytest.mark.parametrize("method", ["gat-gmm", "selection"])
def test_an_unchanged_proposal_keeps_its_score(method: str) -> None:
    rng = np.random.default_rng(0)
    matrix = AffinityMatrix(rng.normal(size=(6, 6)), NAMES, "random")
    plan = make_grouper(method).group(matrix, 2)
    assert evaluate(matrix, plan.groups, plan).total == pytest.approx(plan.score)
    again = edited_plan(matrix, plan.groups, plan)
    assert again.score == pytest.approx(plan.score)
    assert again.gap == plan.gap
    assert Grouping.from_json(again.to_json()) == again


def test_an_edit_is_never_better_than_the_bound() -> None:
    rng = np.random.default_rng(1)
    matrix = AffinityMatrix(rng.normal(size=(6, 6)), NAMES, "random")
    plan = make_grouper("selection", overlap=False).group(matrix, 2)
    for task in NAMES:
        edit = edited_plan(matrix, move(plan.groups, task, 0), plan)
        if edit.bound is not None:
            assert edit.score is not None
            assert edit.score <= edit.bound + 1e-9


def test_a_bound_is_not_claimed_outside_the_constraints() -> None:
    plan = make_grouper("selection", overlap=False, largest=3).group(MATRIX, 2)
    groups = (NAMES[:4], NAMES[4:])
    assert broken_rules(plan, groups) == ["largest group 3"]
    assert edited_plan(MATRIX, groups, plan).gap is None
    assert broken_rules(plan, plan.groups) == []


def test_moves() -> None:
    groups = (("a", "b"), ("c",))
    assert move(groups, "c", 0) == (("a", "b", "c"),)
    assert move(groups, "a", 2) == (("b",), ("c",), ("a",))
    overlap = (("a", "b"), ("a", "c"), ("d",))
    assert move(overlap, "a", 2, source=0) == (("b",), ("a", "c"), ("d", "a"))
    assert move(overlap, "a", 1, source=0) == (("b",), ("a", "c"), ("d",))
    with pytest.raises(TaskvizError, match="not in the group"):
        move(groups, "z", 0)
    with pytest.raises(TaskvizError, match="not in the group"):
        move(groups, "a", 0, source=1)
    with pytest.raises(TaskvizError, match="There is no group 4"):
        move(groups, "a", 3)


PARTITIONS = st.lists(st.integers(0, 3), min_size=6, max_size=6).map(
    lambda labels: tuple(
        tuple(n for n, label in zip(NAMES, labels, strict=True) if label == k)
        for k in sorted(set(labels))
    )
)


@given(PARTITIONS, st.sampled_from(NAMES), st.integers(0, 3))
def test_a_move_keeps_every_task_once(
    groups: tuple[tuple[str, ...], ...], task: str, target: int
) -> None:
    target = min(target, len(groups))
    moved = move(groups, task, target)
    assert sorted(t for group in moved for t in group) == sorted(NAMES)
    assert all(moved)


@given(PARTITIONS, PARTITIONS, st.sets(st.sampled_from(NAMES)))
def test_locked_tasks_stay_together_and_apart(
    proposed: tuple[tuple[str, ...], ...],
    before: tuple[tuple[str, ...], ...],
    locked: set[str],
) -> None:
    made = keep_locked(proposed, before, locked, most=6)
    assert sorted(t for group in made for t in group) == sorted(NAMES)
    for one in locked:
        for other in locked:
            was = any({one, other} <= set(group) for group in before)
            assert any({one, other} <= set(group) for group in made) == was
    assert same_groups(align(made, before, locked), made)


def test_with_too_few_models_locked_groups_join() -> None:
    made = keep_locked([NAMES], [("a", "b"), ("c", "d"), ("e", "f")], set(NAMES), most=1)
    assert [sorted(group) for group in made] == [list(NAMES)]


def test_aligned_groups_keep_their_place() -> None:
    before = (("a", "b"), ("c", "d"), ("e", "f"))
    assert align((("e", "f", "a"), ("c", "d"), ("b",)), before) == (
        ("b",),
        ("c", "d"),
        ("e", "f", "a"),
    )
    locked = align((("e", "f", "a"), ("c", "d"), ("b",)), before, {"a"})
    assert locked[0] == ("e", "f", "a")


def test_locks_are_constraints_of_the_selection() -> None:
    before = (("a", "f"), ("b", "c", "d", "e"))
    options = lock_options({"overlap": False}, before, {"a", "f", "b"}, NAMES, most=2)
    plan = make_grouper("selection", **options).group(MATRIX, 2)
    home = next(group for group in plan.groups if "a" in group)
    assert "f" in home
    assert "b" not in home


def test_a_table_is_scored_by_its_losses() -> None:
    nan = math.nan
    table = SubsetTable(
        ("a", "b"),
        np.array([[True, True], [True, False], [False, True]]),
        np.array([[1.0, 3.0], [2.0, nan], [nan, 1.0]]),
        np.array([1.0, 0.5, 0.5]),
    )
    plan = make_grouper("selection").group(table, 1)
    apart = evaluate(table, [("a",), ("b",)], plan)
    assert apart.total == pytest.approx(3.0)
    assert apart.costs == (0.5, 0.5)
    together = evaluate(table, [("a", "b")], plan)
    assert together.gain(apart, "a") == pytest.approx(1.0)
    assert together.gain(apart, "b") == pytest.approx(-2.0)
