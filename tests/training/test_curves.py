"""The quick metrics of every epoch against scikit-learn."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from taskviz.data.tensors import to_tensors
from taskviz.networks import NetworkOptions, build_network
from taskviz.training.curves import area_under_roc, curve_point
from taskviz.training.metrics import primary_metric, task_metrics
from taskviz.training.objective import Objective


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 30),
    st.integers(1, 4),
    st.integers(1, 8),
    st.integers(0, 2**32 - 1),
)
def test_area_under_roc_is_that_of_scikit_learn(n, columns, values, seed):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, values, size=(n, columns)).astype(np.float32)
    positive, known = rng.random((n, columns)) < 0.4, rng.random((n, columns)) < 0.8
    found = area_under_roc(scores, positive, known)
    for j in range(columns):
        truth = positive[known[:, j], j]
        if len(truth) and 0 < truth.sum() < len(truth):
            expected = roc_auc_score(truth, scores[known[:, j], j])
            assert found[j] == pytest.approx(expected, abs=1e-12)
        else:
            assert math.isnan(found[j])


def test_no_rows_have_no_area():
    empty = np.zeros((0, 2))
    assert np.isnan(area_under_roc(empty, empty > 0, empty > 0)).all()


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_a_curve_point_has_the_values_of_the_final_metrics(mixed_factory, missing):
    data = to_tensors(mixed_factory(missing=missing), dtype=torch.float64)
    tasks = range(5)
    network = build_network(data.collection, NetworkOptions(), seed=3, dtype=torch.float64)
    objective = Objective(data, tasks)
    rows = data.rows("valid")
    outputs = objective.outputs(network, network.trunk(data.inputs[0][rows])).detach()
    labels = objective.labels.take(rows)
    scales = [float(scale[0]) for scale in data.scaling.target_scale]
    point = curve_point(objective, outputs, labels, scales)
    for i, task in enumerate(data.collection.tasks):
        expected = task_metrics(
            task,
            outputs[:, objective.columns[i]].numpy(),
            data.targets[i][rows].numpy(),
            data.masks[i][rows].numpy(),
            data.scaling.target_centre[i],
            data.scaling.target_scale[i],
        )
        assert point.losses[i] == pytest.approx(expected["loss"], rel=1e-12)
        assert point.primary[i] == pytest.approx(expected[primary_metric(task)], rel=1e-12)


def test_what_has_no_label_is_missing(mixed):
    objective = Objective(to_tensors(mixed), range(5))
    labels = objective.labels.take(torch.arange(0))
    point = curve_point(objective, torch.zeros(0, 8), labels, [1.0] * 5)
    assert all(math.isnan(value) for value in (*point.losses, *point.primary))
