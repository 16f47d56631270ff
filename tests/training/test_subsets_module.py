"""Stacks of networks with any trunk."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from taskviz.engines import RunContext
from taskviz.networks import MultiHeadNetwork, NetworkOptions
from taskviz.progress import SILENT
from taskviz.training.subsets import (
    Subset,
    SubsetOptions,
    all_subsets,
    memory,
    plan,
    run,
    speed,
    train_subsets,
)
from taskviz.training.subsets.columns import Columns
from taskviz.training.subsets.stacked_module import can_stack
from taskviz.training.subsets.unit import Unit
from taskviz.values import TaskCollection

OPTIONS = SubsetOptions(width=3, epochs=2, batch_size=32, weight_decay=0.01, learning_rate=0.01)


class Convolutions(nn.Module):
    """Two small convolutions with running statistics between them."""

    out_features = 12

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            # a bias here has no gradient but rounding, which Adam would blow up to whole steps
            nn.Conv2d(1, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, 3, 3),
            nn.Tanh(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
        )

    def forward(self, inputs: Tensor) -> Tensor:
        features: Tensor = self.layers(inputs[:, None])
        return features


class Recurrent(nn.Module):
    """A GRU, which vmap has no rule for."""

    out_features = 5

    def __init__(self, _: int) -> None:
        super().__init__()
        self.layer = nn.GRU(6, 5, batch_first=True)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.layer(inputs)[0][:, -1]


class Forgetful(Convolutions):
    """Draws random numbers in training."""

    def forward(self, inputs: Tensor) -> Tensor:
        return nn.functional.dropout(super().forward(inputs), 0.5, self.training)


def builder(trunk: type[nn.Module]) -> Callable[..., MultiHeadNetwork]:
    def build(
        collection: TaskCollection,
        options: NetworkOptions,
        *,
        seed: int,
        tasks: Any = None,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> MultiHeadNetwork:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            made = trunk(options.width)
            heads = []
            for number in range(len(collection.tasks)) if tasks is None else tasks:
                torch.manual_seed(seed * 100 + number)
                heads.append(nn.Linear(made.out_features, collection.tasks[number].outputs))
        return MultiHeadNetwork(made, heads).to(device=device, dtype=dtype)

    return build


@pytest.fixture
def images(toy_factory: Callable[..., TaskCollection]) -> TaskCollection:
    toy = toy_factory(n=100, features=36, missing=0.1)
    block = toy.samples[0]
    pictures = replace(block, inputs=block.inputs.reshape(-1, 6, 6))
    return replace(toy, samples=(pictures,), modality="image")


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[type[nn.Module]], None]:
    def install(trunk: type[nn.Module]) -> None:
        for module in (run, plan, memory):
            monkeypatch.setattr(module, "build_network", builder(trunk))

    return install


def members_of(collection: TaskCollection) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(collection.index(t) for t in s) for s in all_subsets(collection.names))


@pytest.mark.parametrize("checkpoint", ["network", "task"])
def test_stacked_convolutions_equal_the_plain_loop(
    images: TaskCollection, use: Callable[[type[nn.Module]], None], checkpoint: str
) -> None:
    use(Convolutions)
    options = replace(OPTIONS, checkpoint=checkpoint)
    plain, stacked = (
        run.run_unit(Unit(images, 2, members_of(images), options, dtype="float64", stack=s), SILENT)
        for s in (0, 8)
    )
    np.testing.assert_allclose(stacked.valid, plain.valid, rtol=1e-9)
    np.testing.assert_allclose(stacked.test, plain.test, rtol=1e-9)


@pytest.mark.parametrize(
    ("trunk", "expected"), [(Convolutions, True), (Recurrent, False), (Forgetful, False)]
)
def test_what_can_be_stacked(
    images: TaskCollection, trunk: type[nn.Module], expected: bool
) -> None:
    network = builder(trunk)(images, OPTIONS, seed=0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert can_stack(network, Columns(images.tasks), torch.randn(3, 6, 6)) is expected
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])


def test_heads_that_are_not_linear_are_not_stacked(images: TaskCollection) -> None:
    network = builder(Convolutions)(images, OPTIONS, seed=0)
    heads = [nn.Sequential(head, nn.Tanh()) for head in network.heads]
    other = MultiHeadNetwork(network.trunk, heads)
    assert not can_stack(other, Columns(images.tasks), torch.randn(3, 6, 6))


@pytest.mark.parametrize("trunk", [Recurrent, Convolutions])
def test_any_trunk_trains_whatever_the_mode(
    images: TaskCollection, use: Callable[[type[nn.Module]], None], trunk: type[nn.Module]
) -> None:
    use(trunk)
    wanted = [Subset(s, 1) for s in all_subsets(images.names)]
    found = [
        train_subsets(images, wanted, replace(OPTIONS, mode=mode), RunContext()).valid
        for mode in ("auto", "stacked", "sequential")
    ]
    for table in found:
        assert (np.isfinite(table.losses) == table.membership).all()
        np.testing.assert_allclose(table.losses, found[0].losses, rtol=1e-3)


@pytest.mark.parametrize("fastest", [0, 4, 15])
def test_the_faster_of_plain_loop_and_stack_is_taken(
    images: TaskCollection,
    use: Callable[[type[nn.Module]], None],
    monkeypatch: pytest.MonkeyPatch,
    fastest: int,
) -> None:
    use(Convolutions)
    monkeypatch.setattr(
        plan, "seconds_a_step", lambda unit, sizes: {s: 1e-3 + (s != fastest) for s in sizes}
    )
    made = plan.plan_units(
        images,
        {0: members_of(images)},
        replace(OPTIONS, epochs=4000),
        torch.device("cpu"),
        torch.float32,
    )
    assert {unit.stack for unit in made} == {fastest}


def test_the_trial_measures_the_plain_loop_too(
    images: TaskCollection, use: Callable[[type[nn.Module]], None]
) -> None:
    use(Convolutions)
    speed.forget()
    figures = speed.seconds_a_step(Unit(images, 0, members_of(images), OPTIONS), (0, 8))
    assert all(0 < seconds < 5 for seconds in figures.values())
    speed.forget()
