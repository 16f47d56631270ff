"""What all networks of one seed share: split, tensors and batch order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from taskviz.data.splits import resplit
from taskviz.data.tensors import CollectionTensors, to_tensors
from taskviz.values import Split, TaskCollection


@dataclass(frozen=True, eq=False)
class SeedData:
    """A collection under the split of one seed, on a device.

    Args:
        collection: under the split of ``seed``.
        tensors: scaled on that training split.
        seed: of split, initial state and batch order.
    """

    collection: TaskCollection
    tensors: CollectionTensors
    seed: int

    @classmethod
    def of(
        cls,
        collection: TaskCollection,
        seed: int,
        device: torch.device | str,
        dtype: torch.dtype = torch.float32,
    ) -> "SeedData":
        """Split anew by ``seed``, scale and move."""
        collection = resplit(collection, seed)
        return cls(collection, to_tensors(collection, device, dtype), seed)

    def rows(self, split: Split) -> Tensor:
        """Row numbers of a split of a joint collection, ascending."""
        return self.tensors.rows(split)

    def orders(self, epochs: int) -> Iterator[Tensor]:
        """For each epoch the training rows in the order of its batches."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + 5)
        rows = self.rows("train")
        for _ in range(epochs):
            yield rows[torch.randperm(len(rows), generator=generator).to(rows.device)]

    @cached_property
    def labelled(self) -> NDArray[np.bool_]:
        """``(T,)``: the task has a label in the validation split."""
        return np.array(
            [
                bool(mask[self.tensors.rows("valid", task)].any())
                for task, mask in enumerate(self.tensors.masks)
            ]
        )

    def membership(self, members: Sequence[tuple[int, ...]]) -> NDArray[np.bool_]:
        """``(G, T)`` from the task numbers of each network."""
        inside = np.zeros((len(members), len(self.collection.tasks)), dtype=bool)
        for row, tasks in enumerate(members):
            inside[row, list(tasks)] = True
        return inside
