"""Wherever many rows pass at once, those that do not fit pass in halves, to the same result."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from networks.modalities import make_collection
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

from taskviz.affinity import linearisation_error as expansion
from taskviz.affinity.expansion import movable
from taskviz.affinity.gradient_cosine import task_gradients
from taskviz.affinity.joint_training import JointOptions, JointTraining
from taskviz.affinity.linearisation import Projection, projected_gradients
from taskviz.data.tensors import CollectionTensors, to_tensors
from taskviz.engines import RunContext
from taskviz.networks import MultiHeadNetwork, NetworkOptions, build_network
from taskviz.optima import cloud, draw_units
from taskviz.optima.all_pairs import all_pair_distances, shared_optimum_distances
from taskviz.optima.step_losses import step_losses
from taskviz.training import TrainingOptions, load_result, train_grouping
from taskviz.training.choose_trainer import make_trainer
from taskviz.training.subsets.request import SubsetOptions
from taskviz.training.subsets.seed_data import SeedData
from taskviz.training.subsets.separate import SeparateTrainer
from taskviz.values import Grouping, TaskCollection

FULL = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
FITS = 6
"""Rows: two samples of three tasks, which a first look at a trunk takes."""
Work = Callable[[], Any]


@pytest.fixture
def joint(toy_factory: Callable[..., TaskCollection]) -> TaskCollection:
    return toy_factory(missing=0.2)


@pytest.fixture
def separate() -> TaskCollection:
    return make_collection("table", "separate", n=60, sizes=(0, 1, 2), missing=0.1)


def double(device: torch.device) -> torch.dtype:
    return torch.float32 if device.type == "mps" else torch.float64


def started(
    collection: TaskCollection, device: torch.device, heads: str = "own"
) -> tuple[MultiHeadNetwork, CollectionTensors]:
    data = to_tensors(collection, device, double(device))
    network = build_network(
        collection,
        NetworkOptions(width=8),
        seed=0,
        heads=heads,  # type: ignore[arg-type]
        device=device,
        dtype=data.dtype,
    )
    return network.eval(), data


def group_scores(collection: TaskCollection, device: torch.device) -> Work:
    data = to_tensors(collection, device, double(device))
    trainer = make_trainer(data, range(len(collection.tasks)), TrainingOptions(width=8))
    return lambda: [outputs for outputs, _ in trainer.evaluated("train")]


def subset_losses(collection: TaskCollection, device: torch.device) -> Work:
    data, options = SeedData.of(collection, 0, device, double(device)), SubsetOptions(width=8)
    network = build_network(data.collection, options, seed=0, device=device, dtype=double(device))
    trainer = SeparateTrainer(network, tuple(range(len(collection.tasks))), options, data)
    return lambda: trainer.split_losses("train")


def joint_loss(collection: TaskCollection, device: torch.device) -> Work:
    context = RunContext(device=device)
    run = JointTraining(collection, JointOptions(width=8), context, double(device))
    return lambda: run.mean_loss("train")


def predictions(collection: TaskCollection, tmp_path: Any) -> Work:
    names = collection.names
    grouping = Grouping.of([names], budget=1, serving=dict.fromkeys(names, 0))
    train_grouping(collection, grouping, TrainingOptions(width=8, epochs=1)).save(
        tmp_path / "result"
    )
    result = load_result(tmp_path / "result")
    blocks = [block.inputs for block in collection.samples]
    given = blocks[0] if len(blocks) == 1 else dict(zip(names, blocks, strict=True))
    result.predict(given)
    return lambda: list(result.predict(given).values())


def cosines(collection: TaskCollection, device: torch.device) -> Work:
    network, data = started(collection, device, "tied")
    rows = [data.rows("train", task) for task in range(len(collection.tasks))]
    return lambda: [g for own in task_gradients(network, data, rows) for g in own]


def distances(collection: TaskCollection, device: torch.device) -> Work:
    network, data = started(collection, device)
    units = draw_units(data, 12, 0)
    return lambda: all_pair_distances(network, units, method="exact").distances


def shared_distances(collection: TaskCollection, device: torch.device) -> Work:
    network, data = started(collection, device)
    units = draw_units(data, 12, 0)
    return lambda: shared_optimum_distances(network, units)[0]


def optimum_losses(collection: TaskCollection, device: torch.device) -> Work:
    network, data = started(collection, device)
    units = draw_units(data, 12, 0)
    return lambda: step_losses(network, units, step=0.1).joint


def projected(collection: TaskCollection, device: torch.device) -> Work:
    network, data = started(collection, device)
    place = {n: p.detach() for n, p in network.named_parameters() if n.startswith("trunk.")}
    projection = Projection.of(place, 10, seed=0)
    heads = range(len(collection.tasks))
    return lambda: projected_gradients(network, place, data.inputs[0], heads, projection)


def residuals(collection: TaskCollection, device: torch.device) -> Work:
    context = RunContext(device=device)
    run = JointTraining(collection, JointOptions(width=8), context, double(device))
    start = movable(run, "trunk")
    moved = {name: value + 0.01 for name, value in start.items()}
    members = range(len(collection.tasks))
    return lambda: expansion._residuals(run, start, moved, members, [0.05, 0.1], 1000)


CASES: dict[str, tuple[Callable[..., Work], str]] = {
    "scores of a group, joint": (group_scores, "joint"),
    "scores of a group, separate": (group_scores, "separate"),
    "losses of a subset network, separate": (subset_losses, "separate"),
    "loss of joint training": (joint_loss, "joint"),
    "loss of joint training, separate": (joint_loss, "separate"),
    "predictions": (predictions, "joint"),
    "predictions, separate": (predictions, "separate"),
    "gradient cosine": (cosines, "joint"),
    "gradient cosine, separate": (cosines, "separate"),
    "distances of all optima": (distances, "joint"),
    "distances of all optima, separate": (distances, "separate"),
    "distances of shared optima": (shared_distances, "joint"),
    "losses at the optima": (optimum_losses, "joint"),
    "projected gradients": (projected, "joint"),
    "residuals of the expansion": (residuals, "joint"),
    "residuals of the expansion, separate": (residuals, "separate"),
}


@pytest.mark.parametrize("case", CASES)
def test_rows_that_do_not_fit_pass_in_halves(
    case: str, request: pytest.FixtureRequest, device: torch.device, tmp_path: Any
) -> None:
    make, layout = CASES[case]
    collection = request.getfixturevalue(layout)
    work = make(collection, tmp_path if make is predictions else device)
    expected, rows = work(), []

    def refuse(module: nn.Module, given: tuple[Any, ...]) -> None:
        if isinstance(module, nn.Linear):
            rows.append(len(given[0]))
            if rows[-1] > FITS:
                raise FULL

    handle = register_module_forward_pre_hook(refuse)
    try:
        found = work()
    finally:
        handle.remove()
    assert max(rows) > FITS >= rows[-1]
    rtol = 1e-4 if make is predictions or device.type == "mps" else 1e-9
    check_alike(found, expected, rtol)


def check_alike(found: Any, expected: Any, rtol: float) -> None:
    if isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            check_alike(one, other, rtol)
        return
    one, other = (
        v.detach().cpu().numpy() if isinstance(v, torch.Tensor) else np.asarray(v)
        for v in (found, expected)
    )
    scale = float(np.nanmax(np.abs(other)))
    assert scale > 0
    np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol * scale)


def test_gradients_that_were_added_before_memory_ended_count_once(
    joint: TaskCollection, device: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A piece may fail after some of its tasks."""
    from taskviz.affinity import gradient_cosine

    work, real, sizes = cosines(joint, device), gradient_cosine.shared_gradient, []
    expected = work()

    def refuse(output: torch.Tensor, *rest: Any) -> list[torch.Tensor]:
        sizes.append(len(output))
        if len(output) > 10 and len(sizes) % 3 == 0:
            raise FULL
        return real(output, *rest)

    monkeypatch.setattr(gradient_cosine, "shared_gradient", refuse)
    check_alike(work(), expected, 1e-9)
    assert max(sizes) > 10 >= sizes[-1]


@pytest.mark.parametrize("layout", ["joint", "separate"])
def test_distances_with_memory_for_few_columns_and_tasks(
    layout: str,
    request: pytest.FixtureRequest,
    device: torch.device,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of a trunk whose gradients are formed."""
    network, data = started(request.getfixturevalue(layout), device)
    network.trunk = nn.Sequential(network.trunk, nn.LayerNorm(8, device=device, dtype=data.dtype))
    units, told = draw_units(data, 6, 0), Told()
    expected = all_pair_distances(network, units, method="exact")
    assert expected.way == "gradients"
    pairwise, gradients = cloud.pairwise_l1, cloud.task_gradients
    widths, tasks = [], []

    def few_columns(rows: torch.Tensor) -> torch.Tensor:
        widths.append(rows.shape[1])
        if widths[-1] > 30:
            raise FULL
        return pairwise(rows)

    def few_tasks(features: Any, cotangents: torch.Tensor, group: Any) -> Any:
        tasks.append(len(cotangents))
        if tasks[-1] > 1:
            raise FULL
        return gradients(features, cotangents, group)

    monkeypatch.setattr(cloud, "pairwise_l1", few_columns)
    monkeypatch.setattr(cloud, "task_gradients", few_tasks)
    found = all_pair_distances(network, units, method="exact", progress=told)
    assert max(widths) > 30 >= widths[-1]
    assert max(tasks) > 1
    np.testing.assert_allclose(found.distances, expected.distances, rtol=1e-9)
    assert told.done == pytest.approx(told.units), "nothing is told of twice"


class Told(cloud.Progress):
    """How far it was said to be."""

    done = units = 0.0

    def begin(self, title: str, units: float) -> None:
        self.done, self.units = 0.0, units

    def advance(self, units: float = 1.0, message: str = "") -> None:
        self.done += units
