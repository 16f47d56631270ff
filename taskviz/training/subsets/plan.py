"""Which networks are trained together, and whether stacked."""

from collections.abc import Mapping, Sequence

import torch

from taskviz.training.subsets.request import SubsetOptions
from taskviz.training.subsets.store import Members
from taskviz.training.subsets.unit import Unit
from taskviz.values import TaskCollection


def plan_units(
    collection: TaskCollection,
    missing: Mapping[int, Sequence[Members]],
    options: SubsetOptions,
    device: torch.device,
    dtype: torch.dtype,
) -> list[Unit]:
    """Units of work for the networks that are missing, by seed."""
    size = 8
    return [
        Unit(
            collection,
            seed,
            tuple(rows[first : first + size]),
            options,
            str(device),
            str(dtype).removeprefix("torch."),
            stacked=False,
        )
        for seed, rows in missing.items()
        for first in range(0, len(rows), size)
    ]
