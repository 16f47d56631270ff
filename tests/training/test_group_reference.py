"""Training of one group against a plain loop and against closed forms."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from taskviz.data.tensors import to_tensors
from taskviz.networks import build_network
from taskviz.training.group import train_group
from taskviz.training.options import TrainingOptions
from taskviz.values import Task, TaskCollection


def plain_loop(data, tasks, options, seed):
    """What anyone would write: one loss a task over the rows that have a label."""
    network = build_network(data.collection, options, seed=seed, tasks=tasks, dtype=data.dtype)
    kind = torch.optim.AdamW if options.optimizer == "adam" else torch.optim.SGD
    optimizer = kind(
        network.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
    )
    rows, generator = data.rows("train"), torch.Generator().manual_seed(seed * 1_000_003 + 5)
    for _ in range(options.epochs):
        for batch in rows[torch.randperm(len(rows), generator=generator)].split(options.batch_size):
            total = 0.0
            outputs = network(data.inputs[0][batch])
            for head, number in enumerate(tasks):
                known = data.masks[number][batch][:, 0]
                output, target = outputs[head][known], data.targets[number][batch][known]
                if not len(target):
                    continue
                if data.collection.tasks[number].kind == "regression":
                    total = total + F.mse_loss(output, target)
                elif data.collection.tasks[number].kind == "binary":
                    total = total + F.binary_cross_entropy_with_logits(output, target)
                else:
                    total = total + F.cross_entropy(output, target[:, 0].long())
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
    return network.state_dict()


@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "sgd", "learning_rate": 0.05, "weight_decay": 0.01},
        {"optimizer": "adam", "learning_rate": 0.01, "weight_decay": 0.1},
    ],
)
def test_the_weights_are_those_of_a_plain_loop(toy_factory, without_labels, changes, missing):
    data = to_tensors(toy_factory(missing=missing), dtype=torch.float64)
    # Batches of 7: the last one of an epoch is shorter. Without validation the last state is kept.
    options = TrainingOptions(width=9, epochs=4, patience=0, batch_size=7, **changes)
    data = replace(data, collection=without_labels(data.collection, "valid"))
    outcome = train_group(data, [0, 1, 2, 3], options, seed=5)
    assert outcome.network.best_step == 4
    expected = plain_loop(data, [0, 1, 2, 3], options, 5)
    assert set(outcome.network.weights) == set(expected)
    for name, tensor in expected.items():
        np.testing.assert_allclose(
            outcome.network.weights[name], tensor.numpy(), rtol=1e-12, atol=1e-12
        )


def test_constant_inputs_are_learnt_down_to_the_entropy_of_the_labels(mixed_factory):
    # A network that sees nothing can only learn base rates: its least loss is known exactly.
    collection = mixed_factory(n=80, missing=0.25)
    block = collection.samples[0]
    flat = replace(block, inputs=np.ones_like(block.inputs))
    data = to_tensors(replace(collection, samples=(flat,)), dtype=torch.float64)
    options = TrainingOptions(
        epochs=400, patience=0, batch_size=80, optimizer="sgd", learning_rate=0.3, width=4
    )
    outcome = train_group(data, range(5), options)
    rows = block.indices("train")
    last = {
        row["task"]: row["value"]
        for row in outcome.history
        if (row["step"], row["split"], row["metric"]) == (400, "train", "loss")
    }
    for task, target in zip(collection.tasks, block.targets, strict=True):
        values = target[rows]
        if task.kind == "regression":
            expected = 1.0  # the variance of a standardised target
        elif task.kind == "multilabel":
            continue  # its weights differ a sample, where a column is missing
        else:
            known = values[~np.isnan(values)]
            rates = np.unique(known, return_counts=True)[1] / len(known)
            expected = float(-(rates * np.log(rates)).sum())
        assert last[task.name] == pytest.approx(expected, rel=1e-4)


def test_a_two_valued_input_is_learnt_down_to_least_squares():
    rng = np.random.default_rng(2)
    flag = np.repeat([0.0, 1.0], 40)
    target = 3 * flag + rng.normal(size=80)
    split = np.tile(np.array([0, 0, 0, 1, 2]), 16)
    collection = TaskCollection.from_arrays(
        "steps", flag[:, None], {"y": target}, [Task("y", "regression")], split
    )
    options = TrainingOptions(
        epochs=300, patience=0, batch_size=80, optimizer="sgd", learning_rate=0.1, width=8
    )
    outcome = train_group(to_tensors(collection, dtype=torch.float64), [0], options)
    own = target[split == 0]
    within = np.concatenate(
        [own[flag[split == 0] == v] - own[flag[split == 0] == v].mean() for v in (0, 1)]
    )
    loss = [r["value"] for r in outcome.history if r["split"] == "train" and r["metric"] == "loss"]
    assert loss[-1] == pytest.approx(np.mean(within**2) / own.var(), rel=1e-9)
