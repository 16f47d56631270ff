"""Splits: sizes, coverage, balance, repeatability."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskviz.data.builtin import load_built_in
from taskviz.data.splits import make_split, resplit, split_sizes
from taskviz.values import Samples, Task, TaskCollection, TaskvizError

FRACTIONS = (0.6, 0.2, 0.2)


@st.composite
def problems(draw):
    n = draw(st.integers(3, 120))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    tasks, targets = [], []
    for i in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(["regression", "binary", "multiclass", "multilabel"]))
        width = 1
        if kind == "regression":
            task, values = Task(f"t{i}", kind), rng.normal(size=(n, 1)).round(1)
        elif kind == "multilabel":
            width = 3
            task = Task(f"t{i}", kind, ("a", "b", "c"))
            values = (rng.random((n, width)) < 0.1).astype(float)
        else:
            classes = ("a", "b") if kind == "binary" else ("a", "b", "c", "d")
            odds = rng.dirichlet(np.full(len(classes), 0.3))
            task = Task(f"t{i}", kind, classes)
            values = rng.choice(len(classes), size=(n, 1), p=odds).astype(float)
        values[rng.random((n, width)) < draw(st.sampled_from([0.0, 0.3, 0.95]))] = np.nan
        tasks.append(task)
        targets.append(values)
    return targets, tasks, draw(st.integers(0, 99))


@settings(max_examples=150, deadline=None)
@given(problems())
def test_sizes_and_coverage_hold_for_any_targets(problem):
    targets, tasks, seed = problem
    split = make_split(targets, tasks, seed)
    n = len(targets[0])
    sizes = np.bincount(split, minlength=3)
    assert split.dtype == np.int8
    assert len(split) == n
    assert (sizes >= 1).all()
    if n >= 5:
        assert (np.abs(sizes - np.array(FRACTIONS) * n) < 1).all()
    classes = [
        (target[:, column], code)
        for target, task in zip(targets, tasks, strict=True)
        if task.kind != "regression"
        for column in range(target.shape[1])
        for code in np.unique(target[~np.isnan(target[:, column]), column])
    ]
    known = [(~np.isnan(t[:, 0]), True) for t in targets if not np.isnan(t[:, 0]).all()]
    # Room for one row a class is enough for all of them.
    if len(classes) + len(known) <= sizes[0]:
        for column, code in classes + known:
            assert (column[split == 0] == code).any()
    assert np.array_equal(split, make_split(targets, tasks, seed))


@given(st.integers(3, 10_000))
def test_sizes_are_roundings(n):
    sizes = split_sizes(n)
    assert sizes.sum() == n
    assert (sizes >= 1).all()
    if n >= 5:
        assert (np.abs(sizes - np.array(FRACTIONS) * n) < 1).all()


def test_sizes_by_hand():
    assert split_sizes(5).tolist() == [3, 1, 1]
    assert split_sizes(3).tolist() == [1, 1, 1]
    assert split_sizes(20).tolist() == [12, 4, 4]
    assert split_sizes(2417).tolist() == [1450, 484, 483]
    assert split_sizes(10, (0.8, 0.1, 0.1)).tolist() == [8, 1, 1]


def _imbalance(collection, split):
    worst = []
    for i in range(len(collection.tasks)):
        y = collection.target_of(i)[:, 0]
        worst += [abs(y[split == j].mean() - y.mean()) for j in range(3)]
    return max(worst)


def test_yeast_is_far_better_balanced_than_at_random():
    collection = load_built_in("yeast")
    ours = _imbalance(collection, collection.samples[0].split)
    rng = np.random.default_rng(0)
    chance = [_imbalance(collection, rng.permutation(collection.samples[0].split)) for _ in "12345"]
    assert ours < min(chance) / 2
    assert ours < 0.01


def test_single_task_is_stratified_to_a_row():
    rng = np.random.default_rng(1)
    target = rng.choice(3, size=500, p=[0.9, 0.08, 0.02]).astype(float)
    split = make_split([target], [Task("t", "multiclass", ("a", "b", "c"))], 3)
    for code in range(3):
        share = np.array([((target == code) & (split == j)).sum() for j in range(3)])
        assert (np.abs(share - np.array(FRACTIONS) * (target == code).sum()) < 2).all()


def test_a_class_of_one_row_goes_to_training():
    target = np.zeros(100)
    target[37] = 1
    for seed in range(20):
        assert make_split([target], [Task("t", "binary", ("a", "b"))], seed)[37] == 0


def test_regression_quantiles_reach_every_split():
    target = np.random.default_rng(0).exponential(size=60)
    low, high = np.quantile(target, [0.25, 0.75])
    for seed in range(10):
        split = make_split([target], [Task("t", "regression")], seed)
        for j in range(3):
            assert (target[split == j] <= low).any()
            assert (target[split == j] >= high).any()


def test_missing_labels_are_shared_out():
    target = np.where(np.arange(100) < 40, np.nan, np.arange(100) % 2)
    split = make_split([target], [Task("t", "binary", ("a", "b"))], 0)
    assert [int(np.isnan(target[split == j]).sum()) for j in range(3)] == [24, 8, 8]


def test_seeds_differ_and_global_state_is_untouched():
    target = np.arange(100) % 2.0
    tasks = [Task("t", "binary", ("a", "b"))]
    before = np.random.get_state()[1].copy()
    first, second = make_split([target], tasks, 0), make_split([target], tasks, 1)
    assert not np.array_equal(first, second)
    assert np.array_equal(before, np.random.get_state()[1])


def test_resplit_keeps_the_test_rows():
    before = load_built_in("digits", 0)
    after = [resplit(before, seed).samples[0].split for seed in (5, 5, 6)]
    old = before.samples[0].split
    assert np.array_equal(after[0], after[1])
    assert (after[0] != after[2]).any()
    for split in after:
        assert np.array_equal(split == 2, old == 2)
        assert np.array_equal(np.bincount(split), np.bincount(old))
        assert (split != old).mean() > 0.2
        for i in range(len(before.tasks)):
            share = before.target_of(i)[split == 0].mean()
            assert abs(share - before.target_of(i)[old != 2].mean()) < 0.01


def _separate():
    rng = np.random.default_rng(0)
    tasks = (Task("a", "regression"), Task("b", "binary", ("n", "y")), Task("c", "regression"))
    blocks = []
    for n, task in zip((30, 50, 70), tasks, strict=True):
        y = rng.normal(size=(n, 1))
        y = (y > 0).astype(float) if task.kind == "binary" else y
        blocks.append(Samples(rng.normal(size=(n, 4)), (y,), make_split([y], [task], 0)))
    return TaskCollection("several", tasks, tuple(blocks), "separate")


def test_resplit_separate_is_a_matter_of_each_task_alone():
    collection = resplit(_separate(), 3)
    alone = resplit(_separate().select(["c"]), 3)
    assert np.array_equal(collection.samples[2].split, alone.samples[0].split)
    assert [int((s.split == 0).sum()) for s in collection.samples] == [18, 30, 42]
    assert collection.fingerprint != resplit(_separate(), 4).fingerprint


@pytest.mark.parametrize(
    ("n", "seed", "fractions", "words"),
    [
        (2, 0, FRACTIONS, "at least 3"),
        (1, 0, FRACTIONS, "1 row "),
        (10, -1, FRACTIONS, "seed is -1"),
        (10, 0, (0.5, 0.5, 0.5), "sum 1"),
        (10, 0, (1.0, 0.0, 0.0), "positive"),
    ],
)
def test_bad_input_is_said(n, seed, fractions, words):
    with pytest.raises(TaskvizError, match=words):
        make_split([np.zeros(n)], [Task("t", "regression")], seed, fractions)


def test_targets_of_different_length_are_said():
    with pytest.raises(TaskvizError, match="number of rows"):
        make_split([np.zeros(5), np.zeros(6)], [Task("t", "regression")] * 2, 0)
    with pytest.raises(TaskvizError, match="no target"):
        make_split([], [], 0)
