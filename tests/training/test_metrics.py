"""Metrics of each kind against values worked out by hand, and against scikit-learn."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    balanced_accuracy_score,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)

from taskviz.training.metrics import (
    METRICS,
    PRIMARY,
    _keys,
    _last,
    area_under_roc,
    balanced_accuracy,
    primary_metric,
    task_metrics,
)
from taskviz.values import HIGHER_IS_BETTER, TASK_KINDS, Task

VALUE = Task("v", "regression")
YES = Task("y", "binary", ("no", "yes"))
CLASS = Task("c", "multiclass", ("a", "b", "c"))
TAGS = Task("t", "multilabel", ("p", "q"))


def column(*values):
    return np.array(values, dtype=float)[:, None]


def test_every_kind_has_metrics_that_a_result_can_hold():
    assert set(METRICS) == set(PRIMARY) == set(TASK_KINDS)
    assert {m for names in METRICS.values() for m in names} <= set(HIGHER_IS_BETTER)
    assert all(PRIMARY[kind] in METRICS[kind] for kind in TASK_KINDS)
    assert primary_metric(VALUE) == "mae"


def test_regression_is_on_the_original_scale_but_for_the_loss():
    outputs, targets = column(0, 1, -1, 99), column(1, 1, 0, 0)
    mask = np.array([True, True, True, False])[:, None]
    found = task_metrics(VALUE, outputs, targets, mask, np.array([50.0]), np.array([10.0]))
    assert found["loss"] == pytest.approx(2 / 3)
    assert found["mae"] == pytest.approx(20 / 3)
    assert found["rmse"] == pytest.approx(10 * math.sqrt(2 / 3))
    assert found["r2"] == pytest.approx(1 - 2 / (2 / 3))


def test_binary():
    outputs, targets = column(2, -1, 0.5, -3, 1), column(1, 1, 0, 0, 1)
    found = task_metrics(YES, outputs, targets, np.ones((5, 1), bool))
    assert found["error"] == pytest.approx(2 / 5)
    assert found["balanced_accuracy"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    # Of six pairs (2, −1, 1) × (0.5, −3), only (−1, 0.5) is in the wrong order.
    assert found["auroc"] == pytest.approx(5 / 6)
    crosses = [math.log1p(math.exp(-x)) for x in (2, -1, -0.5, 3, 1)]
    assert found["loss"] == pytest.approx(np.mean(crosses))


def test_multiclass_one_against_the_rest_over_the_classes_that_occur():
    logits = np.array([[2, 0, 0], [0, 2, 0], [2, 0, 0.0], [0, 3, 0]])
    found = task_metrics(CLASS, logits, column(0, 1, 1, 1), np.ones((4, 1), bool))
    assert found["error"] == pytest.approx(1 / 4)
    assert found["balanced_accuracy"] == pytest.approx((1 + 2 / 3) / 2)
    # Class a: one positive, its score equals one negative's and beats two: 5/6. Class b: three
    # positives, two beat the one negative, one is equal: 5/6. Class c does not occur.
    assert found["auroc"] == pytest.approx(5 / 6)


def test_a_predicted_class_that_does_not_occur_gives_no_warning(recwarn):
    logits = np.array([[0, 0, 5], [0, 2, 0], [2, 0, 0.0]])
    found = task_metrics(CLASS, logits, column(0, 1, 0), np.ones((3, 1), bool))
    assert found["balanced_accuracy"] == pytest.approx((1 / 2 + 1) / 2)
    assert not recwarn.list


def test_multilabel_is_the_mean_over_columns_where_defined():
    logits = np.array([[1, 1], [-1, -1], [1, -1], [-1, 1.0]])
    targets = np.array([[1, 1], [0, 1], [0, 1], [0, 1.0]])
    found = task_metrics(TAGS, logits, targets, np.ones((4, 2), bool))
    assert found["error"] == pytest.approx((1 / 4 + 2 / 4) / 2)
    assert found["balanced_accuracy"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["auroc"] == pytest.approx((2 + 0.5) / 3)


@pytest.mark.parametrize("task", [YES, CLASS, TAGS])
def test_one_class_leaves_ranking_undefined_but_not_loss_and_error(task):
    shape = (4, task.outputs)
    found = task_metrics(
        task, np.ones(shape), np.zeros((4, task.width)), np.ones((4, task.width), bool)
    )
    assert math.isnan(found["auroc"])
    assert math.isnan(found["balanced_accuracy"])
    assert math.isfinite(found["loss"])
    assert math.isfinite(found["error"])


@pytest.mark.parametrize("task", [VALUE, YES, CLASS, TAGS])
def test_no_label_gives_nothing(task):
    shape = (4, task.width)
    found = task_metrics(task, np.ones((4, task.outputs)), np.zeros(shape), np.zeros(shape, bool))
    assert set(found) == set(METRICS[task.kind])
    assert all(math.isnan(value) for value in found.values())


def test_r2_of_a_constant_target_is_undefined():
    found = task_metrics(VALUE, column(1, 2, 3), column(2, 2, 2), np.ones((3, 1), bool))
    assert math.isnan(found["r2"])
    assert found["mae"] == pytest.approx(2 / 3)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 30),
    st.integers(1, 4),
    st.integers(1, 8),
    st.integers(0, 2**32 - 1),
)
def test_area_under_roc_is_that_of_scikit_learn(n, columns, values, seed):
    rng = np.random.default_rng(seed)
    # Single precision takes another way than double; -0 and 0 are equal.
    scores = (rng.integers(-values, values, size=(n, columns)) * -0.3).astype(np.float32)
    if seed % 3 == 0:
        scores = scores.astype(np.float64)
    positive, known = rng.random((n, columns)) < 0.4, rng.random((n, columns)) < 0.8
    found = area_under_roc(scores, positive, known)
    for j in range(columns):
        truth = positive[known[:, j], j]
        alone = area_under_roc(scores[known[:, j], j : j + 1], truth[:, None], None)
        np.testing.assert_equal(found[j], alone[0])
        if len(truth) and 0 < truth.sum() < len(truth):
            expected = roc_auc_score(truth, scores[known[:, j], j])
            assert found[j] == pytest.approx(expected, abs=1e-12)
        else:
            assert math.isnan(found[j])


_EDGES = [
    0.0, 1e-45, 2.0**-64, np.nextafter(np.float32(2**-63), np.float32(0)), 2.0**-63, 1.0,
    np.nextafter(np.float32(1), np.float32(2)), np.nextafter(np.float32(2**64), np.float32(0)),
    2.0**64, 3.4e38, np.inf,
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(_EDGES), st.sampled_from([-1, 1])), min_size=2, max_size=9),
    st.integers(0, 2**32 - 1),
)
def test_area_under_roc_of_any_single_precision_number(chosen, seed):
    """Within and beyond the range whose bits leave room for the label, and at its ends."""
    rng = np.random.default_rng(seed)
    scores = np.array([value * sign for value, sign in chosen], dtype=np.float32)[:, None]
    positive, known = rng.random(scores.shape) < 0.5, rng.random(scores.shape) < 0.8
    # Double precision takes the plain way.
    for given_known in (known, None):
        found = area_under_roc(scores, positive, given_known)
        expected = area_under_roc(scores.astype(np.float64), positive, given_known)
        np.testing.assert_array_equal(found, expected)


def test_usual_scores_are_sorted_in_half_the_bits():
    rng = np.random.default_rng(0)
    scores, positive = rng.normal(size=(4, 500)).astype(np.float32), rng.random((4, 500)) < 0.4
    assert _keys(scores, positive).dtype == np.int32
    assert _keys(np.append(scores, scores * 0, axis=1), np.tile(positive, 2)).dtype == np.int64
    known = rng.random((4, 500)) < 0.8
    assert _last(scores) > scores.max()
    filled = np.where(known, scores, _last(scores))
    assert _keys(filled, positive).dtype == np.int32


def test_no_rows_have_no_area():
    empty = np.zeros((0, 2))
    assert np.isnan(area_under_roc(empty, empty > 0, empty > 0)).all()


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@settings(max_examples=60, deadline=None)
@given(st.integers(1, 25), st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_balanced_accuracy_is_that_of_scikit_learn(n, classes, seed):
    rng = np.random.default_rng(seed)
    true, predicted = rng.integers(0, classes, size=(2, n))
    found = balanced_accuracy(true, predicted)
    if len(np.unique(true)) < 2:
        assert math.isnan(found)
    else:
        assert found == pytest.approx(balanced_accuracy_score(true, predicted), abs=1e-12)


def test_regression_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    true, predicted = rng.normal(size=(2, 40, 1))
    found = task_metrics(VALUE, predicted, true, np.ones((40, 1), bool))
    assert found["mae"] == pytest.approx(mean_absolute_error(true, predicted), rel=1e-12)
    assert found["rmse"] == pytest.approx(root_mean_squared_error(true, predicted), rel=1e-12)
    assert found["r2"] == pytest.approx(r2_score(true, predicted), rel=1e-12)


def test_multiclass_ranking_is_that_of_scikit_learn():
    rng = np.random.default_rng(1)
    logits, true = rng.normal(size=(60, 3)), rng.integers(0, 3, size=60)
    found = task_metrics(CLASS, logits, true[:, None].astype(float), np.ones((60, 1), bool))
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert found["auroc"] == pytest.approx(roc_auc_score(true, chances, multi_class="ovr"))
