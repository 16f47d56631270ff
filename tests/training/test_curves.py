"""The quick metrics of every epoch against those of a result."""

import math

import pytest
import torch

from taskviz.data.tensors import to_tensors
from taskviz.networks import NetworkOptions, build_network
from taskviz.training.curves import curve_point
from taskviz.training.metrics import primary_metric, task_metrics
from taskviz.training.objective import Objective


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
