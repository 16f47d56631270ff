"""Groups of separate data sets, Reptile among them, against references of a few lines."""

import copy

import numpy as np
import pytest
import torch
from networks.modalities import EVERY, make_collection
from torch.nn import functional as F

from taskviz.cache import Cache
from taskviz.data.tensors import CollectionTensors, to_tensors
from taskviz.engines import RunContext
from taskviz.networks import MultiHeadNetwork, build_network
from taskviz.training import TrainingOptions, load_result, train_grouping
from taskviz.training.choose_trainer import make_trainer
from taskviz.training.group import train_group
from taskviz.training.separate_batches import separate_batches
from taskviz.values import Grouping, Task, TaskCollection, TaskvizError

OPTIONS = {"width": 6, "depth": 1, "batch_size": 8, "learning_rate": 0.05, "epochs": 2}


def two_sets(missing: float = 0.1) -> CollectionTensors:
    """A regression and a binary task whose inputs differ in width, with missing labels."""
    whole = make_collection("table", "separate", n=40, sizes=(0, 1, 2), missing=missing)
    return to_tensors(whole.select(["value", "sign"]), dtype=torch.float64)


def loss_of(
    network: MultiHeadNetwork, data: CollectionTensors, task: int, rows: torch.Tensor
) -> torch.Tensor:
    known = rows[data.masks[task][rows, 0]]
    output = network(data.inputs[task][known], [task])[0]
    loss = F.mse_loss if task == 0 else F.binary_cross_entropy_with_logits
    return loss(output, data.targets[task][known])


def check_equal(network: MultiHeadNetwork, reference: MultiHeadNetwork) -> None:
    for (name, one), other in zip(network.named_parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12, msg=name)


@pytest.mark.parametrize(("inner", "rate"), [(2, 0.5), (3, 1.0)])
def test_reptile_is_its_definition(inner: int, rate: float) -> None:
    data = two_sets()
    options = TrainingOptions(
        separate="reptile", optimizer="sgd", inner_steps=inner, meta_rate=rate, **OPTIONS
    )
    trainer = make_trainer(data, [0, 1], options, seed=3)
    network = build_network(data.collection, options, seed=3, dtype=torch.float64)
    for epoch in range(2):
        trainer.run_epoch()
        batches = list(separate_batches(data, [0, 1], 8, seed=3, epoch=epoch))
        for start in range(0, len(batches), inner):
            theta = copy.deepcopy(network.trunk.state_dict())
            moved = []
            for task in (0, 1):
                network.trunk.load_state_dict(theta)
                own = [*network.trunk.parameters(), *network.own_parameters(task)]
                optimizer = torch.optim.SGD(own, lr=0.05)
                for rows in batches[start : start + inner]:
                    optimizer.zero_grad()
                    loss_of(network, data, task, rows[task]).backward()
                    optimizer.step()
                moved.append(copy.deepcopy(network.trunk.state_dict()))
            network.trunk.load_state_dict(
                {
                    name: start_value
                    + rate * (sum(m[name] - start_value for m in moved) / len(moved))
                    for name, start_value in theta.items()
                }
            )
    check_equal(trainer.network, network)


@pytest.mark.parametrize("scheme", ["together", "alternating"])
def test_batches_together_and_in_turn(scheme: str) -> None:
    data = two_sets()
    options = TrainingOptions(separate=scheme, optimizer="sgd", **OPTIONS)
    trainer = make_trainer(data, [0, 1], options, seed=1)
    network = build_network(data.collection, options, seed=1, dtype=torch.float64)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05)
    point = trainer.run_epoch()
    seen: list[list[tuple[float, int]]] = [[], []]
    for rows in separate_batches(data, [0, 1], 8, seed=1, epoch=0):
        for tasks in [(0, 1)] if scheme == "together" else [(0,), (1,)]:
            losses = [loss_of(network, data, task, rows[task]) for task in tasks]
            for task, loss in zip(tasks, losses, strict=True):
                count = int(data.masks[task][rows[task]].sum())
                seen[task].append((loss.item(), count))
            optimizer.zero_grad()
            torch.stack(losses).sum().backward()
            optimizer.step()
    check_equal(trainer.network, network)
    for task in (0, 1):
        total = sum(loss * count for loss, count in seen[task])
        expected = total / sum(count for _, count in seen[task])
        assert point.losses[task] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("scheme", ["together", "alternating", "reptile"])
def test_training_goes_on_from_its_state(scheme: str) -> None:
    data = two_sets()
    options = TrainingOptions(separate=scheme, schedule="cosine", **OPTIONS)
    whole = make_trainer(data, [0, 1], options, seed=0)
    half = make_trainer(data, [0, 1], options, seed=0)
    for _ in range(3):
        whole.run_epoch()
    half.run_epoch()
    state = copy.deepcopy(half.state())
    again = make_trainer(data, [0, 1], options, seed=0)
    again.load_state(state)
    for _ in range(2):
        again.run_epoch()
    for one, other in zip(again.network.parameters(), whole.network.parameters(), strict=True):
        assert torch.equal(one, other)


def test_one_task_alone_is_the_same_in_every_way_of_batching() -> None:
    data = two_sets()
    found = []
    for scheme in ("together", "alternating"):
        options = TrainingOptions(separate=scheme, **OPTIONS)
        trainer = make_trainer(data, [1], options, seed=0)
        trainer.run_epoch()
        found.append(trainer)
    check_equal(found[0].network, found[1].network)


def test_reptile_learns_what_data_sets_share() -> None:
    """Validation loss falls far below that of the initial state, on each of three data sets."""
    rng = np.random.default_rng(0)
    direction = rng.normal(size=6)
    sets = []
    for number in range(3):
        inputs = rng.normal(size=(200, 6))
        target = np.tanh(inputs @ direction) + 0.05 * rng.normal(size=200)
        split = np.arange(200).astype(np.int8) % 3
        sets.append((Task(f"t{number}", "regression"), inputs, target, split))
    collection = TaskCollection.from_data_sets("three", sets)
    options = TrainingOptions(
        separate="reptile", width=16, epochs=40, learning_rate=0.01, batch_size=16
    )
    outcome = train_group(to_tensors(collection), [0, 1, 2], options)
    losses = [r["value"] for r in outcome.metrics if (r["split"], r["metric"]) == ("valid", "loss")]
    assert len(losses) == 3
    assert max(losses) < 0.25


@pytest.mark.parametrize(("kind", "layout"), EVERY)
def test_every_modality_trains_predicts_and_comes_back(kind: str, layout: str, tmp_path) -> None:
    collection = make_collection(kind, layout, n=36, sizes=(0, 1, 2), missing=0.1)
    grouping = Grouping((("value", "sign"), ("third",)), {"value": 0, "sign": 0, "third": 1}, 2, 2)
    options = TrainingOptions(width=8, depth=1, epochs=1, batch_size=8)
    context = RunContext(cache=Cache(tmp_path / "cache"))
    result = train_grouping(collection, grouping, options, context=context)
    assert set(result.served("test")["task"]) == set(collection.names)
    blocks = collection.samples
    inputs = (
        blocks[0].inputs[:5]
        if layout == "joint"
        else {name: block.inputs[:5] for name, block in zip(collection.names, blocks, strict=True)}
    )
    found = result.predict(inputs)
    assert {name: values.shape for name, values in found.items()} == {
        "value": (5,),
        "sign": (5,),
        "third": (5, 3),
    }
    result.save(tmp_path / "result")
    again = load_result(tmp_path / "result").predict(inputs)
    for name, values in found.items():
        assert np.isfinite(values).all()
        np.testing.assert_array_equal(values, again[name])
    # What predict says is what the metrics were measured on.
    number = collection.index("value")
    block = collection.samples_of(number)
    test = block.indices("test")
    asked = block.inputs[test]
    values = result.predict(asked if layout == "joint" else {"value": asked})["value"]
    errors = np.abs(values - collection.target_of(number)[test, 0])
    row = result.served("test").query("task == 'value' and metric == 'mae'")
    assert float(row["value"].iloc[0]) == pytest.approx(np.nanmean(errors), rel=1e-5)
    cached = train_grouping(collection, grouping, options, context=context)
    assert cached.networks[0].seconds == result.networks[0].seconds


def test_what_does_not_go_together_is_told() -> None:
    data = two_sets()
    options = TrainingOptions(separate="reptile", **OPTIONS)
    with pytest.raises(TaskvizError, match="takes one task at a time"):
        make_trainer(data, [0, 1], options, weighting="uw")
    make_trainer(data, [0], options, weighting="uw")
    grouping = Grouping((("value", "sign"),), {"value": 0, "sign": 0}, 1, 1)
    result = train_grouping(data.collection, grouping, TrainingOptions(**OPTIONS))
    with pytest.raises(TaskvizError, match="dictionary from task to inputs"):
        result.predict(data.collection.samples[0].inputs)
    with pytest.raises(TaskvizError, match="were trained on the shape"):
        result.predict({"value": np.zeros((3, 9))})
    graphs = make_collection("graph")
    with pytest.raises(TaskvizError, match="are Graphs: the networks were trained on ndarray"):
        result.predict({"value": graphs.samples[0].inputs})
