"""One network over separate data sets: each step takes a batch of every member."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from taskviz.networks import outputs_of
from taskviz.training.losses import mean_loss
from taskviz.training.separate_batches import separate_batches
from taskviz.training.subsets.sequential import CHUNK, PlainTrainer
from taskviz.values import Split

Rows = tuple[Tensor, ...]


class SeparateTrainer(PlainTrainer[Rows]):
    """The plain way where every task has inputs of its own.

    Each step minimises the mean over the network's tasks of the mean loss of a batch of the task's
    own data set (:func:`taskviz.training.separate_batches.separate_batches`).
    """

    def epochs(self) -> Iterator[Iterator[Rows]]:
        """See :meth:`PlainTrainer.epochs`."""
        options, data = self._options, self._data
        for epoch in range(options.epochs):
            yield separate_batches(
                data.tensors, self._members, options.batch_size, seed=data.seed, epoch=epoch
            )

    def batch_loss(self, batch: Rows) -> Tensor:
        """See :meth:`PlainTrainer.batch_loss`."""
        tensors, tasks = self._data.tensors, self._data.collection.tasks
        losses = []
        for head, (task, rows) in enumerate(zip(self._members, batch, strict=True)):
            output = self._network(tensors.inputs[task][rows], [head])[0]
            target, mask = tensors.targets[task][rows], tensors.masks[task][rows]
            losses.append(mean_loss(tasks[task], output, target, mask))
        return torch.stack(losses).mean()

    @torch.no_grad()
    def split_losses(self, split: Split) -> NDArray[np.float64]:
        """See :meth:`PlainTrainer.split_losses`."""
        self._network.eval()
        tensors, tasks = self._data.tensors, self._data.collection.tasks
        losses = np.full((1, len(tasks)), np.nan)
        for head, task in enumerate(self._members):
            inputs, rows = tensors.inputs[task], tensors.rows(split, task)
            mask = tensors.masks[task][rows]
            if bool(mask.any()):
                (output,) = outputs_of(self._network, inputs, rows, [head], most=CHUNK)
                target = tensors.targets[task][rows]
                losses[0, task] = float(mean_loss(tasks[task], output, target, mask))
        return losses
