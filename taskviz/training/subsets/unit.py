"""The unit of work: networks of one seed that are trained in one go."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taskviz.training.subsets.request import SubsetOptions
from taskviz.values import TaskCollection

Members = tuple[int, ...]
"""Task numbers of one network, ascending."""


@dataclass(frozen=True, eq=False)
class Unit:
    """A picklable spec.

    Args:
        collection: before it is split anew.
        seed: of split, initial state and batch order.
        members: of each network.
        options: how to train.
        device: where.
        dtype: ``float32`` or ``float64``.
        stack: networks trained at once; 0: one after another by the plain loop.
    """

    collection: TaskCollection
    seed: int
    members: tuple[Members, ...]
    options: SubsetOptions
    device: str = "cpu"
    dtype: str = "float32"
    stack: int = 0


@dataclass(frozen=True, eq=False)
class Losses:
    """What a unit gives.

    Args:
        valid: ``(networks, T)`` float64 at the checkpoint; NaN outside the subset.
        test: the same on the test split.
        failed: ``(networks,)`` the first step (from 1) whose loss was no longer finite, or the
            last one before the scoring that found so; 0 where all went well.
    """

    valid: NDArray[np.float64]
    test: NDArray[np.float64]
    failed: NDArray[np.int64]

    @classmethod
    def join(cls, parts: "list[Losses]") -> "Losses":
        """Networks of several parts, in order."""
        return cls(
            np.concatenate([part.valid for part in parts]),
            np.concatenate([part.test for part in parts]),
            np.concatenate([part.failed for part in parts]),
        )
