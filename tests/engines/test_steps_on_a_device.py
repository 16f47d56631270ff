"""Steps on the ``meta`` device, which has shapes and no numbers.

Whatever copies from the device to the host there fails, so these show that no step of a training
waits for its device, and that all tensors of a step are on one device: the one asked for.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
import torch
from networks.modalities import make_collection
from torch import Tensor, nn

from taskviz.affinity.joint_training import JointOptions, JointTraining
from taskviz.data.tensors import CollectionTensors, to_tensors
from taskviz.engines import RunContext
from taskviz.networks import build_network
from taskviz.training import TrainingOptions
from taskviz.training.choose_trainer import make_trainer
from taskviz.training.objective import Labels, Objective
from taskviz.training.subsets import SubsetOptions, run
from taskviz.training.subsets.seed_data import SeedData
from taskviz.training.subsets.separate import SeparateTrainer
from taskviz.training.subsets.stack import Stack
from taskviz.training.subsets.unit import Unit
from taskviz.training.trainer import GroupTrainer, make_optimizer
from taskviz.values import TaskCollection

META = torch.device("meta")


@pytest.fixture(autouse=True)
def plain_optimizers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fused optimizers know no meta device; the others keep their counts on the host."""
    for name in ("Adam", "AdamW"):
        real = getattr(torch.optim, name)

        def plain(*given: Any, real: Any = real, fused: bool = False, **more: Any) -> Any:
            return real(*given, **more)

        monkeypatch.setattr(torch.optim, name, plain)
    monkeypatch.setattr(Stack, "update", lambda stack: None)


def there(labels: Labels) -> Labels:
    return Labels(labels.targets.to(META), None if labels.masks is None else labels.masks.to(META))


def move(objective: Objective) -> None:
    objective.labels = there(objective.labels)
    if objective._back is not None:
        objective._back = objective._back.to(META)


def moved(data: CollectionTensors) -> CollectionTensors:
    return replace(
        data,
        inputs=tuple(rows.to(META) for rows in data.inputs),  # type: ignore[union-attr]
        targets=tuple(target.to(META) for target in data.targets),
        masks=tuple(mask.to(META) for mask in data.masks),
    )


def on_meta(collection: TaskCollection, weighting: str = "equal", **options: Any) -> GroupTrainer:
    """A trainer that was made on the host, where it looks at its labels, and moved then."""
    data = to_tensors(collection)
    given = TrainingOptions(width=8, batch_size=16, **options)
    tasks = range(len(collection.tasks))
    trainer = make_trainer(data, tasks, given, weighting=weighting)
    trainer.data = moved(data)
    trainer.network.to(META)
    trainer.weighting.to(META)
    trainer.trunk = trainer.network.trunk
    trainer.optimizer = make_optimizer(trainer.network, trainer.weighting.learned(), given, META)
    if hasattr(trainer, "inner"):
        own = [
            nn.ModuleList([trainer.network.trunk, *trainer.network.own_modules(place)])
            for place in tasks
        ]
        trainer.inner = [make_optimizer(part, [], given, META) for part in own]
    if collection.layout == "joint":
        move(trainer.objective)
        trainer._inputs = trainer._inputs.to(META)  # type: ignore[union-attr]
        trainer._train_rows = trainer._train_rows.to(META)
    else:
        for objective in trainer.objectives:  # type: ignore[attr-defined]
            move(objective)
    return trainer


class EndOfEpoch(Exception):
    """Here what an epoch has seen goes to the host."""


def end(*given: Any) -> None:
    raise EndOfEpoch


def all_on_meta(tensors: Iterable[Tensor | None]) -> bool:
    return {tensor.device for tensor in tensors if tensor is not None} == {META}


@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("weighting", ["equal", "uw"])
def test_steps_of_a_group(
    weighting: str,
    missing: float,
    toy_factory: Callable[..., TaskCollection],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trainer = on_meta(toy_factory(missing=missing), weighting, schedule="cosine", clip=1.0)
    steps = []
    real = trainer._optimize
    monkeypatch.setattr(trainer, "_optimize", lambda: steps.append(real()))
    monkeypatch.setattr(trainer, "_seen_of", end)
    # Of the order, after the last step.
    monkeypatch.setattr(Tensor, "cpu", lambda tensor: tensor)
    with pytest.raises(EndOfEpoch):
        trainer.run_epoch()
    assert len(steps) == 6
    assert all_on_meta(p.grad for p in trainer.network.parameters())


@pytest.mark.parametrize("way", ["together", "alternating", "reptile"])
def test_steps_over_separate_data_sets(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    collection = make_collection("table", "separate", n=60, sizes=(0, 1, 2), missing=0.1)
    trainer = on_meta(collection, separate=way)
    # Whether all labels of a batch are there is asked by weightings that need to know only.
    monkeypatch.setattr(trainer.weighting, "end_epoch", end)
    with pytest.raises(EndOfEpoch):
        trainer.run_epoch()
    assert all_on_meta(p.grad for p in trainer.network.parameters())


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("stack", [0, 3])
@pytest.mark.parametrize("norm", [False, True])
def test_steps_of_subset_networks(
    stack: int, depth: int, norm: bool, toy: TaskCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = SubsetOptions(width=8, depth=depth, batch_size=16)
    here, data = SeedData.of(toy, 0, "cpu"), SeedData.of(toy, 0, META)
    members = ((0, 1), (1, 2, 3), (0, 3))[: max(stack, 1)]
    unit = Unit(toy, 0, members, options, "meta", stack=stack)
    if norm and stack:
        monkeypatch.setattr(run, "fits", lambda network: False)
    with monkeypatch.context() as making:
        # Whether all labels are there, as finite numbers, is asked once, when a trainer is made.
        making.setattr(torch.Tensor, "__bool__", lambda tensor: True)
        trainer = run.make_trainer(unit, members, data)
    order = next(iter(here.orders(1))).to(META)
    flags = list(trainer.steps(order))  # type: ignore[union-attr]
    assert len(flags) == 6
    assert all_on_meta(flags)


def test_steps_of_subset_networks_over_separate_data_sets() -> None:
    collection = make_collection("table", "separate", n=60, sizes=(0, 1, 2), missing=0.1)
    options = SubsetOptions(width=8, batch_size=16, epochs=1)
    data = SeedData.of(collection, 0, META)
    network = build_network(data.collection, options, seed=0, device=META)
    trainer = SeparateTrainer(network, (0, 1, 2), options, data)
    losses = [loss for batches in trainer.epochs() for loss in trainer._steps(batches)]
    assert len(losses) > 1
    assert all_on_meta(losses)


@pytest.mark.parametrize("layout", ["joint", "separate"])
def test_steps_of_joint_training(
    layout: str, toy: TaskCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    collection = toy
    if layout == "separate":
        collection = make_collection("table", "separate", n=60, sizes=(0, 1, 2))
    context = RunContext(device=META)
    made = JointTraining(collection, JointOptions(width=8, epochs=1), RunContext())
    real = made.data
    monkeypatch.setattr(
        "taskviz.affinity.joint_training.Objective",
        lambda data, tasks: [o := Objective(real, tasks), move(o)][0],
    )
    training = JointTraining(collection, JointOptions(width=8, epochs=1), context)
    monkeypatch.setattr(training, "_check_finite", end)
    taken: list[object] = []
    with pytest.raises(EndOfEpoch):
        taken.extend(training.steps(context))
    assert len(taken) == training.steps_an_epoch
    assert all_on_meta(p.grad for p in training.network.parameters())
