"""A unit of work, run here."""

import torch

from taskviz.engines.memory import halving
from taskviz.networks import MultiHeadNetwork, build_network
from taskviz.progress import Progress
from taskviz.training.subsets.columns import Columns
from taskviz.training.subsets.memory import rows_at_once
from taskviz.training.subsets.seed_data import SeedData
from taskviz.training.subsets.separate import SeparateTrainer
from taskviz.training.subsets.sequential import JointTrainer
from taskviz.training.subsets.stack import Stack
from taskviz.training.subsets.stacked import StackTrainer
from taskviz.training.subsets.stacked_mlp import StackedMLP, fits
from taskviz.training.subsets.stacked_module import StackedModule
from taskviz.training.subsets.unit import Losses, Members, Unit

Trainer = StackTrainer | JointTrainer


def run_unit(unit: Unit, progress: Progress) -> Losses:
    """Train the networks of a unit; reports after each epoch, asks for a cancel before it."""
    dtype: torch.dtype = getattr(torch, unit.dtype)
    data = SeedData.of(unit.collection, unit.seed, unit.device, dtype)
    progress.begin("", len(unit.members))

    def train(first: int, last: int) -> Losses:
        members = unit.members[first:last]
        part = progress.part(len(members))
        part.begin("", unit.options.epochs * len(members))
        trainer: Trainer | SeparateTrainer
        if unit.collection.layout == "separate":
            trainer = SeparateTrainer(_network(unit, members, data), members[0], unit.options, data)
        else:
            trainer = make_trainer(unit, members, data)
        return trainer.train(part)

    return Losses.join(list(halving(len(unit.members), max(unit.stack, 1), train)))


def make_trainer(unit: Unit, members: tuple[Members, ...], data: SeedData) -> Trainer:
    """What trains some networks of a unit: in one stack, or one by the plain loop; joint."""
    options = unit.options
    network = _network(unit, members, data)
    if not unit.stack:
        return JointTrainer(network, members[0], options, data)
    columns, rows = Columns(data.collection.tasks), rows_at_once(options)
    rates = {"learning_rate": options.learning_rate, "weight_decay": options.weight_decay}
    stack: Stack
    if fits(network):
        stack = StackedMLP(network, columns, len(members), rows, **rates)
    else:
        stack = StackedModule(network, columns, len(members), **rates)
    return StackTrainer(stack, members, options, data, rows)


def _network(unit: Unit, members: tuple[Members, ...], data: SeedData) -> MultiHeadNetwork:
    return build_network(
        data.collection,
        unit.options,
        seed=unit.seed,
        tasks=None if unit.stack else members[0],
        device=data.tensors.device,
        dtype=data.tensors.dtype,
    )
