"""Units of comparison: one sample for all tasks, or one sample of each data set."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from taskviz.data.tensors import CollectionTensors
from taskviz.engines.memory import halving
from taskviz.networks import MultiHeadNetwork
from taskviz.training.losses import sample_losses
from taskviz.values import Task, TaskCollection

Losses = Callable[[Task, Tensor, Tensor, Tensor], Tensor]
"""``(task, output, target, mask)`` → ``(n,)``, 0 where the label is missing."""


@dataclass(frozen=True)
class Units:
    """n units, each of which gives every task one gradient (SCA paper, 4.1).

    Args:
        tasks: T of them.
        inputs: ``(n, *shape)``: one shared by all tasks (joint), or one a task (separate).
        targets: ``(n, width)`` one a task.
        masks: ``(n, width)`` bool one a task, False where the label is missing.
        losses: loss of every sample of a task.
    """

    tasks: tuple[Task, ...]
    inputs: tuple[Tensor, ...]
    targets: tuple[Tensor, ...]
    masks: tuple[Tensor, ...]
    losses: Losses = sample_losses

    def __len__(self) -> int:
        return len(self.inputs[0])

    @property
    def joint(self) -> bool:
        """Whether all tasks see the same input."""
        return len(self.inputs) == 1

    @property
    def known(self) -> Tensor:
        """``(n, T)`` bool: whether the unit has any label of the task."""
        return torch.stack([mask.any(dim=1) for mask in self.masks], dim=1)

    def inputs_of(self, task: int) -> Tensor:
        """``(n, *shape)`` inputs of task number ``task``."""
        return self.inputs[0 if self.joint else task]

    def part(self, start: int, stop: int) -> "Units":
        """Units ``start`` to ``stop``, as views."""
        return self._each(lambda array: array[start:stop])

    def take(self, units: Tensor) -> "Units":
        """Some units, by number."""
        return self._each(lambda array: array[units.to(array.device)])

    def _each(self, pick: Callable[[Tensor], Tensor]) -> "Units":
        def all_of(arrays: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            return tuple(pick(array) for array in arrays)

        return replace(
            self,
            inputs=all_of(self.inputs),
            targets=all_of(self.targets),
            masks=all_of(self.masks),
        )

    def loss(self, task: int, output: Tensor) -> Tensor:
        """``(n,)`` losses of task number ``task`` for its head's ``output`` on these units."""
        return self.losses(self.tasks[task], output, self.targets[task], self.masks[task])


def draw_units(tensors: CollectionTensors, n: int, seed: int) -> Units:
    """``n`` units drawn without replacement from the training split; all of them if it has fewer.

    The first units of a larger draw are the smaller draw. Separate data sets draw independently;
    the smallest one limits their number.
    """
    collection = tensors.collection
    blocks = range(len(tensors.inputs))
    drawn = drawn_rows(collection, n, seed)
    picked = [torch.from_numpy(rows).to(tensors.device) for rows in drawn]
    inputs = tuple(tensors.inputs[block][picked[block]] for block in blocks)
    rows_of = [
        picked[0 if collection.layout == "joint" else t] for t in range(len(tensors.targets))
    ]
    return Units(
        collection.tasks,
        inputs,
        tuple(target[rows] for target, rows in zip(tensors.targets, rows_of, strict=True)),
        tuple(mask[rows] for mask, rows in zip(tensors.masks, rows_of, strict=True)),
    )


def adapted(network: MultiHeadNetwork, units: Units) -> Units:
    """Units as the trunk takes them: each task's inputs through its adapter, where there are any.

    An adapter is the task's own, so no gradient of it is asked for, and one pass serves all.
    """
    if not network.adapters:
        return units

    @torch.no_grad()
    def passed(t: int) -> Tensor:
        own = units.inputs_of(t)
        parts = halving(len(own), len(own), lambda i, j: network.adapt(own[i:j], t))
        return torch.cat(list(parts))

    return replace(units, inputs=tuple(passed(t) for t in range(len(units.tasks))))


def drawn_rows(collection: TaskCollection, n: int, seed: int) -> list[NDArray[np.int64]]:
    """Rows of the units that :func:`draw_units` draws, one array a sample block."""
    drawn = []
    for block, samples in enumerate(collection.samples):
        rows = samples.indices("train")
        drawn.append(np.random.default_rng([seed, block]).permutation(rows)[:n])
    fewest = min(len(rows) for rows in drawn)
    return [rows[:fewest] for rows in drawn]


def shared_parameters(trunk: nn.Module) -> list[nn.Parameter]:
    """Parameters of the trunk that learn; each once."""
    return [parameter for parameter in trunk.parameters() if parameter.requires_grad]
