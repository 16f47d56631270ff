"""Label correlation against numpy and by hand."""

from collections.abc import Callable

import numpy as np
import pytest

from taskviz.affinity import make_estimator
from taskviz.affinity.label_correlation import column_correlation
from taskviz.values import Samples, Task, TaskCollection, TaskvizError


def collection(targets: dict[str, np.ndarray], tasks: list[Task]) -> TaskCollection:
    n = len(next(iter(targets.values())))
    split = np.zeros(n, dtype=np.int8)
    split[-4:] = [1, 1, 2, 2]
    return TaskCollection.from_arrays("labels", np.zeros((n, 1)), targets, tasks, split)


def test_single_columns_give_absolute_pearson_on_common_training_rows() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=60)
    b = -a + rng.normal(size=60)
    a[:5], b[3:9] = np.nan, np.nan
    matrix = (
        make_estimator("label-correlation")
        .fit(collection({"a": a, "b": b}, [Task("a", "regression"), Task("b", "regression")]))
        .affinity_
    )
    rows = slice(9, 56)
    assert matrix.values[0, 1] == pytest.approx(abs(np.corrcoef(a[rows], b[rows])[0, 1]))
    assert matrix.support is not None
    assert matrix.support[0, 1] == 47


def test_error_is_near_the_textbook_one() -> None:
    errors = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        a = rng.normal(size=204)
        b = 0.7 * a + rng.normal(size=204)
        tasks = [Task("a", "regression"), Task("b", "regression")]
        matrix = make_estimator("label-correlation").fit(collection({"a": a, "b": b}, tasks))
        assert matrix.affinity_.standard_error is not None
        errors.append(matrix.affinity_.standard_error[0, 1])
    # Gaussian data: the error of Pearson's r is (1 − r²)/√n
    assert np.mean(errors) == pytest.approx((1 - 0.49 / 1.49) / 200**0.5, rel=0.1)


def test_classes_do_not_depend_on_their_order() -> None:
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 3, 50)
    value = rng.normal(size=(50, 1)) + codes[:, None]
    hot, turned = np.eye(3)[codes], np.eye(3)[(codes + 1) % 3]
    first = column_correlation(hot, value)
    assert 0 < first < 1
    assert column_correlation(turned, value) == pytest.approx(first)
    assert column_correlation(hot, turned) == pytest.approx(1)


def test_constant_labels_are_missing_and_said_so() -> None:
    rng = np.random.default_rng(2)
    targets = {"a": rng.normal(size=40), "b": np.ones(40), "c": rng.normal(size=40)}
    tasks = [Task(name, "regression") for name in targets]
    matrix = make_estimator("label-correlation").fit(collection(targets, tasks)).affinity_
    assert np.isnan(matrix.values[1]).all()
    assert np.isfinite(matrix.values[0, 2])
    assert any("4 of 6 pairs" in note for note in matrix.notes)


def test_mixed_kinds_with_missing_labels(toy_factory: Callable[..., TaskCollection]) -> None:
    matrix = make_estimator("label-correlation").fit(toy_factory(missing=0.3)).affinity_
    off = matrix.values[~np.eye(4, dtype=bool)]
    assert np.allclose(np.diag(matrix.values), 1)
    assert matrix.values[0, 3] == off.max()
    assert np.array_equal(matrix.values, matrix.values.T)


def test_separate_collection_is_refused() -> None:
    block = Samples(np.zeros((4, 1)), (np.zeros((4, 1)),), np.array([0, 0, 1, 2], dtype=np.int8))
    tasks = (Task("a", "regression"), Task("b", "regression"))
    apart = TaskCollection("two", tasks, (block, block), layout="separate")
    with pytest.raises(TaskvizError, match="joint"):
        make_estimator("label-correlation").fit(apart)
