"""Stacked networks against a slow, obvious loop that trains each alone."""

from typing import Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from taskviz.data.splits import resplit
from taskviz.data.tensors import to_tensors
from taskviz.engines import RunContext
from taskviz.networks import build_network
from taskviz.progress import SILENT
from taskviz.training.losses import mean_loss
from taskviz.training.subsets import Subset, SubsetOptions, all_subsets, train_subsets
from taskviz.training.subsets.run import run_unit
from taskviz.training.subsets.seed_data import SeedData
from taskviz.training.subsets.sequential import JointTrainer
from taskviz.training.subsets.unit import Unit
from taskviz.values import Task, TaskCollection


def mixed(n: int = 110, seed: int = 0) -> TaskCollection:
    """All four kinds, not grouped by kind, with missing labels."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(n, 5))
    scores = inputs @ rng.normal(size=(5, 8)) + 0.3 * rng.normal(size=(n, 8))
    tasks = [
        Task("colour", "multiclass", ("r", "g", "b")),
        Task("age", "regression"),
        Task("tags", "multilabel", ("x", "y", "z")),
        Task("smokes", "binary", ("no", "yes")),
        Task("height", "regression"),
    ]
    targets = {
        "colour": np.digitize(scores[:, 0], [-1.0, 1.0]).astype(float),
        "age": 40 + 9 * scores[:, 1],
        "tags": (scores[:, 2:5] > 0).astype(float),
        "smokes": (scores[:, 5] > 0).astype(float),
        "height": scores[:, 6] ** 2,
    }
    for column in targets.values():
        column[rng.random(column.shape) < 0.25] = np.nan
    return TaskCollection.from_arrays("mixed", inputs, targets, tasks, np.zeros(n, dtype=np.int8))


def plain_loss(task: Task, output: torch.Tensor, target: NDArray[np.float64]) -> torch.Tensor:
    """Mean over the labelled samples, one sample and label at a time; 0 where there is none."""
    losses = []
    for row, values in zip(output, target, strict=True):
        known = [j for j, value in enumerate(values) if not np.isnan(value)]
        if not known:
            continue
        value = torch.tensor(values, dtype=output.dtype)
        if task.kind == "multiclass":
            losses.append(-torch.log_softmax(row, 0)[int(values[0])])
        elif task.kind == "regression":
            losses.append((row[0] - value[0]) ** 2)
        else:
            parts = [F.binary_cross_entropy_with_logits(row[j], value[j]) for j in known]
            losses.append(torch.stack(parts).mean())
    return torch.stack(losses).mean() if losses else output.sum() * 0


def reference(
    collection: TaskCollection, subset: Subset, options: SubsetOptions
) -> tuple[dict[str, float], dict[str, float]]:
    """Validation and test losses of one network in float64, trained alone."""
    data = resplit(collection, subset.seed)
    tensors = to_tensors(data, dtype=torch.float64)
    scaled = {
        task.name: (data.target_of(i) - tensors.scaling.target_centre[i])
        / tensors.scaling.target_scale[i]
        for i, task in enumerate(data.tasks)
    }
    numbers = [data.index(name) for name in data.names if name in subset.tasks]
    network = build_network(data, options, seed=subset.seed, tasks=numbers, dtype=torch.float64)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
    )

    def losses(rows: NDArray[np.int64]) -> list[torch.Tensor]:
        outputs = network(tensors.inputs[0][torch.from_numpy(rows)])
        return [
            plain_loss(data.tasks[t], output, scaled[data.names[t]][rows])
            for t, output in zip(numbers, outputs, strict=True)
        ]

    best: dict[str, float] = {}
    valid: dict[str, float] = {}
    test: dict[str, float] = {}
    shared = SeedData.of(collection, subset.seed, "cpu", torch.float64)
    for order in shared.orders(options.epochs):
        for first in range(0, len(order), options.batch_size):
            rows = order[first : first + options.batch_size].numpy()
            optimizer.zero_grad()
            (sum(losses(rows)) / len(numbers)).backward()
            optimizer.step()
        with torch.no_grad():
            now = [float(x) for x in losses(data.samples[0].indices("valid"))]
            later = [float(x) for x in losses(data.samples[0].indices("test"))]
        for place, t in enumerate(numbers):
            score = float(np.mean(now)) if options.checkpoint == "network" else now[place]
            if score < best.get(data.names[t], np.inf):
                best[data.names[t]] = score
                valid[data.names[t]], test[data.names[t]] = now[place], later[place]
    return valid, test


SUBSETS = [
    Subset(("colour",), 0),
    Subset(("age", "height"), 0),
    Subset(("tags", "smokes", "colour"), 0),
    Subset(("colour", "age", "tags", "smokes", "height"), 0),
    Subset(("tags",), 3),
    Subset(("height", "smokes"), 3),
]


@pytest.mark.parametrize(
    ("checkpoint", "activation", "weight_decay"),
    [("network", "relu", 0.0), ("task", "tanh", 0.02), ("network", "gelu", 0.02)],
)
def test_losses_are_those_of_networks_trained_alone(
    checkpoint: str, activation: str, weight_decay: float
) -> None:
    collection = mixed()
    options = SubsetOptions(
        width=7,
        depth=2,
        epochs=3,
        batch_size=30,  # 66 training rows: the last batch is smaller
        learning_rate=0.02,
        activation=activation,
        checkpoint=checkpoint,
        weight_decay=weight_decay,
    )
    runs = {
        dtype: train_subsets(collection, SUBSETS, options, RunContext(), dtype=dtype)
        for dtype in (torch.float64, torch.float32)
    }
    for row, subset in enumerate(SUBSETS):
        expected = reference(collection, subset, options)
        for dtype, tolerance in ((torch.float64, 1e-9), (torch.float32, 1e-3)):
            for table, losses in zip((runs[dtype].valid, runs[dtype].test), expected, strict=True):
                assert table.subset(row) == tuple(
                    name for name in collection.names if name in subset.tasks
                )
                for i, name in enumerate(collection.names):
                    if name in losses:
                        assert table.losses[row, i] == pytest.approx(losses[name], rel=tolerance)
                    else:
                        assert np.isnan(table.losses[row, i])


def test_the_reference_tells_checkpoints_apart() -> None:
    """The two checkpoints give different losses here, so the test above can fail."""
    collection, subset = mixed(), SUBSETS[3]
    found = [
        reference(
            collection, subset, SubsetOptions(width=7, epochs=6, learning_rate=0.1, checkpoint=c)
        )
        for c in ("network", "task")
    ]
    assert found[0] != found[1]


@pytest.mark.parametrize("stack", [1, 2, 5, 31])
def test_plain_loop_and_every_stack_agree(stack: int) -> None:
    collection = mixed()
    members = tuple(
        tuple(collection.index(t) for t in subset) for subset in all_subsets(collection.names)
    )
    options = SubsetOptions(width=6, epochs=2, batch_size=32, weight_decay=0.01)
    plain = run_unit(Unit(collection, 1, members, options, dtype="float64", stack=0), SILENT)
    found = run_unit(Unit(collection, 1, members, options, dtype="float64", stack=stack), SILENT)
    np.testing.assert_allclose(found.valid, plain.valid, rtol=1e-9)
    np.testing.assert_allclose(found.test, plain.test, rtol=1e-9)


def test_long_training_does_not_drift() -> None:
    """Beyond the steps after which tiny moments are flushed, with units that die."""
    collection = mixed()
    members = ((0,), (1, 4), (0, 1, 2, 3, 4))
    options = SubsetOptions(width=6, epochs=120, batch_size=30, learning_rate=0.05)
    plain = run_unit(Unit(collection, 1, members, options, dtype="float64", stack=0), SILENT)
    found = run_unit(Unit(collection, 1, members, options, dtype="float64", stack=3), SILENT)
    np.testing.assert_allclose(found.test, plain.test, rtol=1e-9)


def yes_no(n: int = 203, tasks: int = 4) -> TaskCollection:
    """Binary tasks alone: the last batch does not fill whole registers."""
    rng = np.random.default_rng(3)
    inputs = rng.normal(size=(n, 5))
    scores = inputs @ rng.normal(size=(5, tasks)) + 0.3 * rng.normal(size=(n, tasks))
    return TaskCollection.from_arrays(
        "yes-no",
        inputs,
        {f"t{i}": (scores[:, i] > 0).astype(float) for i in range(tasks)},
        [Task(f"t{i}", "binary", ("no", "yes")) for i in range(tasks)],
        np.zeros(n, dtype=np.int8),
    )


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
def test_the_size_of_a_stack_changes_no_bit(activation: Literal["relu", "tanh", "gelu"]) -> None:
    """Where the matrices of all networks lie alike in memory, which ``width`` and four tasks see
    to: elements at the end of a stack are computed like all others."""
    collection = yes_no()
    members = tuple(
        tuple(collection.index(t) for t in subset) for subset in all_subsets(collection.names)
    )
    options = SubsetOptions(width=16, epochs=3, activation=activation)
    alone = run_unit(Unit(collection, 0, members, options, stack=1), SILENT)
    for stack in (2, 3, 4, 7, 15):
        found = run_unit(Unit(collection, 0, members, options, stack=stack), SILENT)
        np.testing.assert_array_equal(found.valid, alone.valid)
        np.testing.assert_array_equal(found.test, alone.test)


@pytest.mark.parametrize("width", [16, 33])
def test_company_in_the_stack_changes_no_bit(width: int) -> None:
    """On one CPU thread a network's losses do not depend on those it is stacked with."""
    collection = mixed(200)
    members = tuple(
        tuple(collection.index(t) for t in subset) for subset in all_subsets(collection.names)
    )
    options = SubsetOptions(width=width, epochs=2)
    together = run_unit(Unit(collection, 0, members, options, stack=31), SILENT)
    for stack in (1, 4):
        apart = run_unit(Unit(collection, 0, members[::-1], options, stack=stack), SILENT)
        np.testing.assert_array_equal(apart.valid[::-1], together.valid)
        np.testing.assert_array_equal(apart.test[::-1], together.test)


def test_runs_on_the_device(device: torch.device) -> None:
    run = train_subsets(
        mixed(), SUBSETS[:4], SubsetOptions(width=5, epochs=1), RunContext(device=device)
    )
    assert (np.isfinite(run.valid.losses) == run.valid.membership).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_plain_step_minimises_the_mean_over_the_heads(
    device: torch.device, dtype: torch.dtype
) -> None:
    data = SeedData.of(mixed(), 0, device, dtype)
    tasks, members = data.collection.tasks, (0, 1, 3, 4)
    network = build_network(
        data.collection, SubsetOptions(), seed=3, tasks=members, device=device, dtype=dtype
    )
    trainer = JointTrainer(network, members, SubsetOptions(), data)
    batch = data.rows("train")[5:37]
    outputs = network(data.tensors.inputs[0][batch])
    losses = [
        mean_loss(tasks[t], output, data.tensors.targets[t][batch], data.tensors.masks[t][batch])
        for t, output in zip(members, outputs, strict=True)
    ]
    plain, ours = torch.stack(losses).mean(), trainer.batch_loss(batch)
    within = 1e-6 if dtype == torch.float32 else 1e-13
    torch.testing.assert_close(ours, plain, rtol=within, atol=within)
    parameters = list(network.parameters())
    gradients = [torch.autograd.grad(loss, parameters) for loss in (ours, plain)]
    torch.testing.assert_close(*gradients, rtol=within, atol=within)
