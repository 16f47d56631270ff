"""A unit of work, run here."""

import torch

from taskviz.networks import build_network
from taskviz.progress import Progress
from taskviz.training.subsets.columns import Columns
from taskviz.training.subsets.memory import rows_at_once
from taskviz.training.subsets.seed_data import SeedData
from taskviz.training.subsets.sequential import PlainTrainer
from taskviz.training.subsets.stack import Stack
from taskviz.training.subsets.stacked import StackTrainer
from taskviz.training.subsets.stacked_mlp import StackedMLP, fits
from taskviz.training.subsets.stacked_module import StackedModule
from taskviz.training.subsets.unit import Losses, Members, Unit

Trainer = StackTrainer | PlainTrainer


def run_unit(unit: Unit, progress: Progress) -> Losses:
    """Train the networks of a unit; reports after each epoch, asks for a cancel before it."""
    dtype: torch.dtype = getattr(torch, unit.dtype)
    data = SeedData.of(unit.collection, unit.seed, unit.device, dtype)
    progress.begin("", unit.options.epochs * len(unit.members))
    size = max(unit.stack, 1)
    parts = [
        make_trainer(unit, unit.members[first : first + size], data).train(progress)
        for first in range(0, len(unit.members), size)
    ]
    return Losses.join(parts)


def make_trainer(unit: Unit, members: tuple[Members, ...], data: SeedData) -> Trainer:
    """What trains some networks of a unit: in one stack, or one by the plain loop."""
    options, tensors = unit.options, data.tensors
    network = build_network(
        data.collection,
        options,
        seed=unit.seed,
        tasks=None if unit.stack else members[0],
        device=tensors.device,
        dtype=tensors.dtype,
    )
    if not unit.stack:
        return PlainTrainer(network, members[0], options, data)
    columns, rows = Columns(data.collection.tasks), rows_at_once(options)
    rates = {"learning_rate": options.learning_rate, "weight_decay": options.weight_decay}
    stack: Stack
    if fits(network):
        stack = StackedMLP(network, columns, len(members), rows, **rates)
    else:
        stack = StackedModule(network, columns, len(members), **rates)
    return StackTrainer(stack, members, options, data, rows)
