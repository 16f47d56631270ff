"""A unit of work, run here."""

import torch

from taskviz.progress import Progress
from taskviz.training.subsets.seed_data import SeedData
from taskviz.training.subsets.sequential import train_sequential
from taskviz.training.subsets.unit import Losses, Unit


def run_unit(unit: Unit, progress: Progress) -> Losses:
    """Train the networks of a unit; reports after each epoch, asks for a cancel before it."""
    dtype: torch.dtype = getattr(torch, unit.dtype)
    data = SeedData.of(unit.collection, unit.seed, unit.device, dtype)
    progress.begin("", unit.options.epochs * len(unit.members))
    return train_sequential(unit, data, progress)
