"""Covariance cosine against the plain formula and a linear network's gradient."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from taskviz.affinity import make_estimator
from taskviz.affinity.covariance_cosine import covariance_cosines
from taskviz.data.tensors import to_tensors
from taskviz.values import Task, TaskCollection, TaskvizError


def table(targets: dict[str, np.ndarray], inputs: np.ndarray) -> TaskCollection:
    split = np.zeros(len(inputs), dtype=np.int8)
    split[-6:] = [1, 1, 1, 2, 2, 2]
    tasks = [Task(name, "regression") for name in targets]
    return TaskCollection.from_arrays("linear", inputs, targets, tasks, split)


def test_equals_the_gradient_of_a_linear_network_with_tied_heads() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(80, 5)) * [1, 2, 3, 4, 5]
    targets = {name: inputs @ rng.normal(size=5) + rng.normal(size=80) for name in "abc"}
    made = table(targets, inputs)
    matrix = make_estimator("covariance-cosine").fit(made).affinity_
    data = to_tensors(made, dtype=torch.float64)
    rows = data.rows("train")
    x = data.inputs[0][rows]
    trunk = torch.zeros(4, 5, dtype=torch.float64, requires_grad=True)
    head = torch.from_numpy(rng.normal(size=4))
    gradients = []
    for target in data.targets:
        y = target[rows][:, 0]
        loss = ((x @ trunk.T @ head - (y - y.mean())) ** 2).mean()
        gradients.append(torch.autograd.grad(loss, trunk)[0].flatten())
    stacked = torch.nn.functional.normalize(torch.stack(gradients))
    assert np.allclose(matrix.values, (stacked @ stacked.T).numpy(), atol=1e-6)


def test_identical_tasks_get_one_whatever_their_columns() -> None:
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(60, 4))
    labels = np.eye(3)[rng.integers(0, 3, 60)]
    values, error = covariance_cosines(
        inputs,
        np.concatenate([labels, labels, inputs[:, :1]], axis=1),
        np.array([0] * 3 + [1] * 3 + [2]),
    )
    assert values[0, 1] == pytest.approx(1)
    assert values[1, 0] == pytest.approx(1)
    assert values[0, 2] < 1
    assert error[0, 1] == pytest.approx(0, abs=1e-12)
    assert error[0, 2] > 0


def test_missing_labels_leave_their_column_only() -> None:
    rng = np.random.default_rng(2)
    inputs = rng.normal(size=(50, 3))
    y = rng.normal(size=(50, 2))
    y[:20, 1] = np.nan
    values, _ = covariance_cosines(inputs, y, np.array([0, 1]))
    first = inputs.T @ (y[:, 0] - y[:, 0].mean())
    part = y[20:, 1]
    second = inputs[20:].T @ (part - part.mean())
    expected = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    assert values[0, 1] == pytest.approx(expected)


def test_constant_target_is_missing() -> None:
    rng = np.random.default_rng(3)
    inputs = rng.normal(size=(40, 3))
    made = table({"a": inputs[:, 0], "b": np.ones(40), "c": inputs[:, 0] * 2}, inputs)
    matrix = make_estimator("covariance-cosine").fit(made).affinity_
    assert np.isnan(matrix.values[1]).all()
    assert matrix.values[0, 2] == pytest.approx(1)
    assert any("4 of 6" in note for note in matrix.notes)


def test_error_is_near_the_spread_over_fresh_samples() -> None:
    errors, values = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        inputs = rng.normal(size=(150, 4))
        y = np.stack([inputs @ [1, 1, 0, 0], inputs @ [1, 0, 1, 0]], axis=1)
        found, error = covariance_cosines(inputs, y + rng.normal(size=y.shape), np.array([0, 1]))
        values.append(found[0, 1])
        errors.append(error[0, 1])
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.3)


def test_mixed_kinds(toy_factory: Callable[..., TaskCollection]) -> None:
    matrix = make_estimator("covariance-cosine").fit(toy_factory(missing=0.2)).affinity_
    assert np.isfinite(matrix.values).all()
    assert matrix.values[0, 3] > 0.7


def test_graphs_are_refused(toy: TaskCollection) -> None:
    with pytest.raises(TaskvizError, match="plain vectors"):
        make_estimator("covariance-cosine").fit(replace(toy, modality="graph"))
