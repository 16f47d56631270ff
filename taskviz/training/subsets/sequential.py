"""One network as anyone would train it: the plain way, for every trunk."""

from collections.abc import Iterator
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from taskviz.networks import MultiHeadNetwork, outputs_of
from taskviz.progress import Progress
from taskviz.training.losses import mean_loss
from taskviz.training.objective import Objective
from taskviz.training.subsets.checkpoints import Checkpoints
from taskviz.training.subsets.request import SubsetOptions
from taskviz.training.subsets.seed_data import SeedData
from taskviz.training.subsets.unit import Losses, Members
from taskviz.training.threads import threads_for
from taskviz.values import Split

CHUNK = 4096
"""Rows that are scored at once."""


Batch = TypeVar("Batch")


class PlainTrainer(Generic[Batch]):
    """Trains one network by autograd and ``torch.optim.AdamW``.

    Each step minimises the mean over the network's tasks of the masked mean loss of the batch.

    Args:
        network: in its initial state, one head a member.
        members: the network's tasks.
        options: how to train.
        data: of the network's seed.
    """

    def __init__(
        self, network: MultiHeadNetwork, members: Members, options: SubsetOptions, data: SeedData
    ) -> None:
        self._network, self._members = network, members
        self._options, self._data = options, data
        self._optimizer = torch.optim.AdamW(
            network.parameters(),
            lr=options.learning_rate,
            weight_decay=options.weight_decay,
            fused=True,
        )

    def train(self, progress: Progress) -> Losses:
        """Train and score."""
        with threads_for(self._network, self._options.batch_size, self._data.tensors.device):
            return self._train(progress)

    def _train(self, progress: Progress) -> Losses:
        options, data, network = self._options, self._data, self._network
        checkpoints = Checkpoints(
            data.membership([self._members]), data.labelled, options.checkpoint
        )
        kept: dict[str, Tensor] = {}
        done = 0
        for epoch, batches in enumerate(self.epochs()):
            progress.check()
            finite = torch.isfinite(torch.stack(list(self._steps(batches)))).cpu().numpy()
            losses = self.split_losses("valid")
            if not (finite.all() and checkpoints.finite(losses).all()):
                progress.advance(options.epochs - epoch)
                first = len(finite) if finite.all() else int(finite.argmin()) + 1
                missing = np.full_like(losses, np.nan)
                return Losses(missing, missing, np.array([done + first]))
            done += len(finite)
            better = checkpoints.offer(losses)
            if options.checkpoint == "task" and better.any():
                checkpoints.tested(self.split_losses("test"), better)
            elif better.any():
                kept = {name: value.clone() for name, value in network.state_dict().items()}
            progress.advance(1)
        if kept:
            network.load_state_dict(kept)
            tested = self.split_losses("test")
            checkpoints.tested(tested, np.ones_like(tested, dtype=bool))
        return Losses(checkpoints.valid, checkpoints.test, np.zeros(1, dtype=np.int64))

    def epochs(self) -> Iterator[Iterator[Batch]]:
        """The batches of each epoch."""
        raise NotImplementedError

    def batch_loss(self, batch: Batch) -> Tensor:
        """What a step minimises."""
        raise NotImplementedError

    def split_losses(self, split: Split) -> NDArray[np.float64]:
        """``(1, T)`` mean loss of each task; NaN for other tasks and where there is no label."""
        raise NotImplementedError

    def _steps(self, batches: Iterator[Batch]) -> Iterator[Tensor]:
        self._network.train()
        for batch in batches:
            loss = self.batch_loss(batch)
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            yield loss.detach()


class JointTrainer(PlainTrainer[Tensor]):
    """The plain way where all tasks see the same inputs."""

    def __init__(
        self, network: MultiHeadNetwork, members: Members, options: SubsetOptions, data: SeedData
    ) -> None:
        super().__init__(network, members, options, data)
        self._objective = Objective(data.tensors, members)

    def steps(self, order: Tensor) -> Iterator[Tensor]:
        """One step a batch of rows in this order; yields the loss."""
        return self._steps(iter(torch.split(order, self._options.batch_size)))

    def epochs(self) -> Iterator[Iterator[Tensor]]:
        """See :meth:`PlainTrainer.epochs`."""
        for order in self._data.orders(self._options.epochs):
            yield iter(torch.split(order, self._options.batch_size))

    def batch_loss(self, batch: Tensor) -> Tensor:
        """See :meth:`PlainTrainer.batch_loss`."""
        objective = self._objective
        features = self._network.trunk(self._data.tensors.inputs[0][batch])
        outputs = objective.outputs(self._network, features)
        return objective.losses(outputs, objective.labels.take(batch)).mean()

    @torch.no_grad()
    def split_losses(self, split: Split) -> NDArray[np.float64]:
        """See :meth:`PlainTrainer.split_losses`."""
        self._network.eval()
        tensors, rows = self._data.tensors, self._data.rows(split)
        tasks = self._data.collection.tasks
        inputs = tensors.inputs[0]
        outputs = outputs_of(self._network, inputs, rows, most=CHUNK)
        losses = np.full((1, len(tasks)), np.nan)
        for head, task in enumerate(self._members):
            mask = tensors.masks[task][rows]
            loss = mean_loss(tasks[task], outputs[head], tensors.targets[task][rows], mask)
            losses[0, task] = float(loss) if bool(mask.any()) else np.nan
        return losses
