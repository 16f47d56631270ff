"""The fused losses against the plain ones."""

from dataclasses import replace

import pytest
import torch

from taskviz.data.tensors import to_tensors
from taskviz.networks import NetworkOptions, build_network
from taskviz.training.losses import mean_loss
from taskviz.training.objective import Objective

GROUPS = [[0, 1, 2, 3, 4], [4], [0], [2, 3], [1, 3, 4], [0, 2]]


@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("tasks", GROUPS)
def test_losses_and_gradients_are_those_of_each_task_alone(mixed_factory, tasks, missing):
    data = to_tensors(mixed_factory(missing=missing), dtype=torch.float64)
    network = build_network(
        data.collection, NetworkOptions(width=7), seed=1, tasks=tasks, dtype=torch.float64
    )
    rows = data.rows("train")[5:33]
    objective = Objective(data, tasks)
    assert (objective.labels.masks is None) == (missing == 0)
    inputs = data.inputs[0][rows]
    fused = objective.losses(
        objective.outputs(network, network.trunk(inputs)), objective.labels.take(rows)
    )
    plain = torch.stack(
        [
            mean_loss(data.collection.tasks[t], output, data.targets[t][rows], data.masks[t][rows])
            for t, output in zip(tasks, network(inputs), strict=True)
        ]
    )
    torch.testing.assert_close(fused, plain, rtol=1e-13, atol=1e-14)
    weights = torch.linspace(0.5, 2, len(tasks), dtype=torch.float64)
    parameters = list(network.parameters())
    ours = torch.autograd.grad((fused * weights).sum(), parameters)
    theirs = torch.autograd.grad((plain * weights).sum(), parameters)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-14)


def test_a_head_that_is_no_linear_layer_is_called_as_it_is(mixed):
    data = to_tensors(mixed, dtype=torch.float64)
    network = build_network(mixed, NetworkOptions(), seed=0, dtype=torch.float64)
    features = network.trunk(data.inputs[0])
    objective = Objective(data, range(5))
    before = objective.outputs(network, features)
    network.heads[3] = torch.nn.Sequential(network.heads[3], torch.nn.Tanh())
    after = objective.outputs(network, features)
    own = objective.columns[3]
    torch.testing.assert_close(after[:, own], before[:, own].tanh())
    others = [i for i in range(after.shape[1]) if i != own.start]
    torch.testing.assert_close(after[:, others], before[:, others])


def test_present_names_the_tasks_with_a_label_among_the_rows(mixed):
    data = to_tensors(mixed)
    masks = list(data.masks)
    masks[1] = masks[1].clone()
    masks[1][:10] = False
    objective = Objective(replace(data, masks=tuple(masks)), range(5))
    found = objective.present(objective.labels.take(torch.arange(10)))
    assert found.tolist() == [True, False, True, True, True]
    losses = objective.losses(torch.ones(10, 8), objective.labels.take(torch.arange(10)))
    assert losses[1] == 0


def test_a_batch_without_a_label_gives_a_task_no_gradient(mixed):
    data = to_tensors(mixed, dtype=torch.float64)
    masks = list(data.masks)
    masks[3] = torch.zeros_like(masks[3])
    objective = Objective(replace(data, masks=tuple(masks)), [3, 4])
    network = build_network(mixed, NetworkOptions(), seed=0, tasks=[3, 4], dtype=torch.float64)
    rows = torch.arange(20)
    outputs = objective.outputs(network, network.trunk(data.inputs[0][rows]))
    objective.losses(outputs, objective.labels.take(rows))[0].backward()
    assert all(p.grad is None or bool((p.grad == 0).all()) for p in network.parameters())
