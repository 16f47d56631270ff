"""Networks of one seed trained in one stack."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from taskviz.progress import Progress
from taskviz.training.subsets.checkpoints import Checkpoints
from taskviz.training.subsets.columns import Columns, Encoded
from taskviz.training.subsets.request import SubsetOptions
from taskviz.training.subsets.seed_data import SeedData
from taskviz.training.subsets.stack import Stack
from taskviz.training.subsets.unit import Losses, Members
from taskviz.training.threads import quickest_threads
from taskviz.values import Split


class StackTrainer:
    """Drives a stack through the epochs of its seed's data.

    Args:
        stack: its networks in their initial state.
        members: of each network.
        options: how to train.
        data: of the networks' seed.
        chunk: rows that are scored at once.
    """

    def __init__(
        self,
        stack: Stack,
        members: tuple[Members, ...],
        options: SubsetOptions,
        data: SeedData,
        chunk: int,
    ) -> None:
        self._stack, self._options, self._data, self._chunk = stack, options, data, chunk
        tensors = data.tensors
        self._inputs = tensors.inputs[0]
        self._columns = Columns(data.collection.tasks)
        self._encoded = self._columns.encode(tensors.targets, tensors.masks)
        self._slopes = self._columns.gradient_targets(self._encoded.targets)
        self._owners = self._columns.owners(tensors.device)
        self._membership = data.membership(members)
        inside = torch.from_numpy(self._membership).to(tensors.dtype).to(tensors.device)
        # The loss is the mean over the network's tasks: each weighs 1/|S|, the others nothing.
        self._share = (inside / inside.sum(dim=1, keepdim=True))[:, None, self._owners]
        # 0 · inf is NaN: a label that is not finite must not reach networks without its task.
        finite = bool(torch.isfinite(self._encoded.targets).all())
        self._outside = None if finite else self._share == 0

    def train(self, progress: Progress) -> Losses:
        """Train and score; a network whose loss does not stay finite gets NaN."""
        options, stack = self._options, self._stack
        checkpoints = Checkpoints(self._membership, self._data.labelled, options.checkpoint)
        failed = np.zeros(stack.count, dtype=np.int64)
        done = 0
        for order in self._data.orders(options.epochs):
            progress.check()
            with self.turn():
                finite = torch.isfinite(torch.stack(list(self.steps(order)))).cpu().numpy()
                losses = self.split_losses("valid")
            whole = np.all(finite, axis=0)
            first = np.where(whole, len(finite), np.argmin(finite, axis=0) + 1)
            lost = ~(whole & checkpoints.finite(losses)) & (failed == 0)
            failed[lost] = done + first[lost]
            done += len(finite)
            better = checkpoints.offer(losses)
            if options.checkpoint == "task" and better.any():
                checkpoints.tested(self.split_losses("test"), better)
            elif better.any():
                stack.keep(torch.from_numpy(better[:, 0]).to(self._owners.device))
            progress.advance(stack.count)
        if options.checkpoint == "network":
            stack.restore()
            tested = self.split_losses("test")
            checkpoints.tested(tested, np.ones_like(tested, dtype=bool))
        valid, test = checkpoints.valid.copy(), checkpoints.test.copy()
        valid[failed > 0] = test[failed > 0] = np.nan
        return Losses(valid, test, failed)

    def turn(self) -> AbstractContextManager[None]:
        """What an epoch runs in: as many threads as are fastest just now."""
        if self._inputs.device.type != "cpu":
            return nullcontext()
        own = [getattr(self._options, field.name) for field in fields(SubsetOptions)]
        work = self._stack.count, self._share.shape[-1], self._inputs.shape
        return quickest_threads(torch.get_num_threads(), *work, *own).turn()

    def steps(self, order: Tensor) -> Iterator[Tensor]:
        """One step a batch; yields ``(G,)`` numbers that are finite where the losses are."""
        stack, size = self._stack, self._options.batch_size
        targets, weights = (
            self._slopes[order],
            batch_weights(self._encoded.take(order), size, self._owners),
        )
        for first in range(0, len(order), size):
            batch = slice(first, first + size)
            outputs = stack.forward(self._inputs[order[batch]])
            slopes = self._columns.gradient_(outputs, targets[batch], weights[batch])
            slopes.mul_(self._share)
            if self._outside is not None:
                slopes.masked_fill_(self._outside, 0)
            flag = stack.backward(slopes).sum(dim=(1, 2))
            stack.update()
            yield flag

    @torch.no_grad()
    def split_losses(self, split: Split) -> NDArray[np.float64]:
        """``(G, T)`` mean loss of every task; NaN where a task has no label in the split."""
        rows = self._data.rows(split)
        encoded = self._encoded.take(rows)
        weights = batch_weights(encoded, max(len(rows), 1), self._owners)
        total = encoded.targets.new_zeros(self._stack.count, self._columns.total)
        for first in range(0, len(rows), self._chunk):
            chunk = slice(first, first + self._chunk)
            outputs = self._stack.score(self._inputs[rows[chunk]])
            total += self._columns.losses(outputs, encoded.targets[chunk], weights[chunk])
        losses = total.new_zeros(self._stack.count, len(self._columns.tasks))
        losses.index_add_(1, self._owners, total)
        labelled = torch.any(encoded.labelled, dim=0)
        return np.asarray(torch.where(labelled, losses, torch.nan).cpu().double().numpy())


def batch_weights(encoded: Encoded, size: int, owners: Tensor) -> Tensor:
    """``(n, K)``: what each output counts in the mean loss of its batch of ``size`` rows."""
    number = torch.arange(len(encoded.labelled), device=owners.device) // size
    batches = -(-len(encoded.labelled) // size)
    counts = encoded.labelled.new_zeros(batches, encoded.labelled.shape[1])
    counts.index_add_(0, number, encoded.labelled)
    return encoded.weights / counts.clamp(min=1)[number][:, owners]
