"""The quick metrics of every epoch against those of a result."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from taskviz.data.tensors import to_tensors
from taskviz.networks import NetworkOptions, build_network
from taskviz.progress import Progress
from taskviz.training import curves, group, run
from taskviz.training.curves import PrimaryMetrics, split_losses
from taskviz.training.group import tell_history, train_group
from taskviz.training.metrics import PRIMARY, primary_metric, task_metrics
from taskviz.training.objective import Objective
from taskviz.training.options import TrainingOptions
from taskviz.training.trainer import GroupTrainer


def shown_by(collection, shown):
    """The collection with other metrics shown first."""
    tasks = tuple(
        replace(task, metric=shown.get(task.kind, task.metric)) for task in collection.tasks
    )
    return replace(collection, tasks=tasks)


@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "shown",
    [{}, {"regression": "r2", "binary": "error", "multiclass": "auroc", "multilabel": "error"}],
)
def test_a_point_has_the_values_of_the_final_metrics(
    mixed_factory, missing, dtype, shown, monkeypatch
):
    """Also several epochs at once, each with rows in an order of its own, in blocks of two."""
    data = to_tensors(shown_by(mixed_factory(missing=missing), shown), dtype=dtype)
    tasks = range(5)
    network = build_network(data.collection, NetworkOptions(), seed=3, dtype=dtype)
    objective = Objective(data, tasks)
    scales = [float(scale[0]) for scale in data.scaling.target_scale]
    torch.manual_seed(0)
    train = data.rows("train")
    rows = [data.rows("valid"), *(train[torch.randperm(len(train))] for _ in range(3))]
    outputs = [
        objective.outputs(network, network.trunk(data.inputs[0][own])).detach() for own in rows
    ]
    monkeypatch.setattr(curves, "BLOCK", 2 * outputs[1].numel())
    primary = PrimaryMetrics(objective, objective.labels, scales)(outputs, rows)
    assert primary.shape == (4, 5)
    for epoch, (own, at) in enumerate(zip(outputs, rows, strict=True)):
        losses = split_losses(objective, own, objective.labels.take(at))
        for i, task in enumerate(data.collection.tasks):
            expected = task_metrics(
                task,
                own[:, objective.columns[i]].double().numpy(),
                data.targets[i][at].double().numpy(),
                data.masks[i][at].numpy(),
                data.scaling.target_centre[i],
                data.scaling.target_scale[i],
            )
            near = 1e-12 if dtype == torch.float64 else 1e-5
            assert losses[i] == pytest.approx(expected["loss"], rel=near)
            assert primary_metric(task) == shown.get(task.kind, PRIMARY[task.kind])
            assert primary[epoch, i] == pytest.approx(
                expected[primary_metric(task)], rel=near, abs=near, nan_ok=True
            )


def test_what_has_no_label_is_missing(mixed):
    objective = Objective(to_tensors(mixed), range(5))
    rows = torch.arange(0)
    losses = split_losses(objective, torch.zeros(0, 8), objective.labels.take(rows))
    primary = PrimaryMetrics(objective, objective.labels, [1.0] * 5)([torch.zeros(0, 8)], [rows])
    assert np.isnan([losses, primary[0].tolist()]).all()


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_the_training_loss_of_an_epoch_is_the_mean_over_its_samples(mixed_factory, missing):
    """It is put together from the means of the batches, the last of which is smaller."""
    data = to_tensors(mixed_factory(missing=missing), dtype=torch.float64)
    options = TrainingOptions(epochs=1, width=8, batch_size=16, optimizer="sgd")
    trainer = GroupTrainer(data, range(5), options, seed=1)
    assert len(data.rows("train")) % 16
    seen = trainer.run_epoch()
    labels = trainer.objective.labels.take(seen.rows[0])
    again = split_losses(trainer.objective, seen.outputs[0], labels)
    assert seen.losses == pytest.approx(again, rel=1e-12)
    single = GroupTrainer(
        to_tensors(data.collection, dtype=torch.float32), range(5), options, seed=1
    )
    assert single.run_epoch().losses == pytest.approx(again, rel=1e-5)


class Listener(Progress):
    def __init__(self):
        self.blocks, self.points = [], []

    def record_curves(self, curves):
        self.blocks.append(len(curves.steps))
        super().record_curves(curves)

    def record(self, point):
        self.points.append(point)


def test_every_epoch_is_told_however_many_are_told_at_once(mixed, monkeypatch):
    data, options = to_tensors(mixed), TrainingOptions(epochs=7, patience=0, width=8)
    told = {}
    for name, every, held in (("each", 0, 0), ("rarely", math.inf, 1e9), ("full", 1e9, 0)):
        monkeypatch.setattr(group, "TELL_EVERY", every)
        monkeypatch.setattr(run, "HELD", held)
        listener = Listener()
        told[name] = listener, train_group(data, range(5), options, progress=listener)
    listeners = [listener for listener, _ in told.values()]
    assert [listener.blocks for listener in listeners] == [[1] * 7, [1, 6], [1] * 7]
    histories = [outcome.history for _, outcome in told.values()]
    assert histories[0] == histories[1] == histories[2]
    expected = [{"tasks": ", ".join(mixed.names), **row} for row in histories[0]]
    assert all(listener.points == expected for listener in listeners)
    again = Listener()
    tell_history(histories[0], {"tasks": ", ".join(mixed.names)}, again)
    assert (again.points, again.blocks) == (expected, [7])
