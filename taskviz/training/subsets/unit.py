"""The unit of work: networks of one seed that are trained in one go."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taskviz.training.subsets.request import SubsetOptions
from taskviz.values import TaskCollection


@dataclass(frozen=True, eq=False)
class Unit:
    """A picklable spec.

    Args:
        collection: before it is split anew.
        seed: of split, initial state and batch order.
        members: task numbers of each network, ascending.
        options: how to train.
        device: where.
        dtype: ``float32`` or ``float64``.
        stacked: in one stack, else one after another.
    """

    collection: TaskCollection
    seed: int
    members: tuple[tuple[int, ...], ...]
    options: SubsetOptions
    device: str = "cpu"
    dtype: str = "float32"
    stacked: bool = True


@dataclass(frozen=True, eq=False)
class Losses:
    """What a unit gives.

    Args:
        valid: ``(networks, T)`` float64 at the checkpoint; NaN outside the subset.
        test: the same on the test split.
        failed: ``(networks,)`` the first step (from 1) after which a loss was no longer finite;
            0 where all went well.
    """

    valid: NDArray[np.float64]
    test: NDArray[np.float64]
    failed: NDArray[np.int64]
