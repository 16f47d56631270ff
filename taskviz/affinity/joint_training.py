"""One network trained on all tasks, step by step, so that an estimator can look in between."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from taskviz.data.batch_inputs import rows_at_once
from taskviz.data.tensors import to_tensors
from taskviz.engines import RunContext
from taskviz.engines.memory import halving
from taskviz.networks import NetworkOptions, build_network, outputs_of
from taskviz.training.losses import mean_loss
from taskviz.training.objective import Objective
from taskviz.training.threads import is_small, one_thread
from taskviz.values import Split, TaskCollection, TaskvizError, option

CHUNK = 4096
"""Samples that are scored at once."""


@dataclass(frozen=True)
class JointOptions(NetworkOptions):
    """Options of estimators that watch one joint training."""

    epochs: int = option(60, "Passes over the training split.", minimum=1, maximum=100_000)
    batch_size: int = option(64, "Samples in a step.", minimum=2, maximum=1_000_000, advanced=True)
    learning_rate: float = option(
        1e-3, "Step size of the optimizer.", minimum=1e-8, maximum=1000, advanced=True
    )
    optimizer: Literal["adam", "sgd", "momentum"] = option(
        "adam",
        "Adam, plain gradient descent, or gradient descent with momentum 0.9.",
        advanced=True,
    )


@dataclass(frozen=True)
class JointStep:
    """A step that is about to be taken.

    Args:
        number: from 1.
        epoch: from 0.
        rows: rows of the batch, one tensor a task; all the same in a joint collection.
    """

    number: int
    epoch: int
    rows: tuple[Tensor, ...]


class JointTraining:
    """Joint training with equal weights: each step lowers the mean of the tasks' losses.

    A joint collection shares its batches; of separate ones each step takes a batch of every data
    set, and smaller sets are gone through more often.

    Args:
        collection: trained on its own training split.
        seed: of initial state and batch order.

    Attributes:
        data: the collection on the device.
        network: in training mode while :meth:`steps` runs.
        optimizer: its parameters are all of the network's.
    """

    def __init__(
        self,
        collection: TaskCollection,
        options: JointOptions,
        context: RunContext,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.options, self.seed = options, context.seed
        self.tasks = collection.tasks
        self.data = to_tensors(collection, context.device, dtype)
        self.network = build_network(
            collection, options, seed=context.seed, device=context.device, dtype=dtype
        )
        self._objective: Objective | None = None
        if collection.layout == "joint":
            self._objective = Objective(self.data, range(len(self.tasks)))
        self._small = is_small(self.network, options.batch_size, self.data.device)
        parameters = self.network.parameters()
        self.optimizer: torch.optim.Optimizer
        if options.optimizer == "adam":
            # Fused: hundreds of heads are hundreds of small tensors.
            self.optimizer = torch.optim.Adam(parameters, lr=options.learning_rate, fused=True)
        else:
            momentum = 0.9 if options.optimizer == "momentum" else 0.0
            self.optimizer = torch.optim.SGD(
                parameters, lr=options.learning_rate, momentum=momentum
            )

    @property
    def steps_an_epoch(self) -> int:
        """Batches that cover the largest training split once."""
        longest = max(len(self.data.rows("train", task)) for task in range(len(self.tasks)))
        # A batch of one sample has no batch statistics: it is left out.
        return max(1, (longest - 1 + self.options.batch_size - 1) // self.options.batch_size)

    @property
    def total_steps(self) -> int:
        """Of the whole training."""
        return self.options.epochs * self.steps_an_epoch

    def threads(self) -> AbstractContextManager[None]:
        """As many threads as a step is worth; see :mod:`taskviz.training.threads`."""
        return one_thread(self._small)

    def losses(self, rows: Sequence[Tensor]) -> Tensor:
        """``(T,)`` masked mean loss of each task; 0 where no row has a label."""
        if self._objective is not None:
            features = self.network.trunk(self.data.inputs[0][rows[0]])
            outputs = self._objective.outputs(self.network, features)
            return self._objective.losses(outputs, self._objective.labels.take(rows[0]))
        losses = []
        for i, (task, own) in enumerate(zip(self.tasks, rows, strict=True)):
            output = self.network(self.data.inputs[i][own], [i])[0]
            losses.append(
                mean_loss(task, output, self.data.targets[i][own], self.data.masks[i][own])
            )
        return torch.stack(losses)

    def labelled(self, rows: Sequence[Tensor]) -> list[bool]:
        """Which tasks have a label among the rows."""
        return [bool(mask[own].any()) for mask, own in zip(self.data.masks, rows, strict=True)]

    def steps(self, context: RunContext, *, keep_best: bool = False) -> Iterator[JointStep]:
        """Yield each step before it is taken; the step itself follows on the next request.

        Args:
            keep_best: leave the network in the state after the epoch with the best mean
                validation loss over the tasks that have validation labels; else in the last state.

        Raises:
            TaskvizError: the loss is no longer finite.
        """
        best, kept = np.inf, None
        number = 0
        losses: list[Tensor] = []
        self.network.train()
        for epoch in range(self.options.epochs):
            for rows in self._batches(epoch):
                context.progress.check()
                number += 1
                yield JointStep(number, epoch, rows)
                losses.append(self._take(rows))
                context.progress.advance(1)
            self._check_finite(losses, number)
            losses.clear()
            if keep_best:
                with self.threads():
                    score = self.mean_loss("valid")
                # Without validation labels the last state stays.
                if score < best:
                    best = score
                    kept = {n: v.detach().clone() for n, v in self.network.state_dict().items()}
        if kept is not None:
            self.network.load_state_dict(kept)
        self.network.eval()

    @torch.no_grad()
    def mean_loss(self, split: Split) -> float:
        """Mean over the tasks with labels there of their mean loss on a split."""
        self.network.eval()
        if self._objective is not None:
            found = self._joint_mean_loss(self._objective, self.data.rows(split))
            self.network.train()
            return found
        losses = []
        for i, task in enumerate(self.tasks):
            rows, inputs = self.data.rows(split, i), self.data.inputs_of(i)
            mask = self.data.masks[i][rows]
            if bool(mask.any()):
                (output,) = outputs_of(self.network, inputs, rows, [i], most=CHUNK)
                target = self.data.targets[i][rows]
                losses.append(float(mean_loss(task, output, target, mask)))
        self.network.train()
        return float(np.mean(losses)) if losses else float("nan")

    def _joint_mean_loss(self, objective: Objective, rows: Tensor) -> float:
        # The trunk once for all tasks: with hundreds of them it would else be most of the work.
        inputs, labels = self.data.inputs[0], objective.labels.take(rows)
        present = objective.present(labels)
        if not len(rows) or (present is not None and not bool(present.any())):
            return float("nan")

        def score(first: int, last: int) -> Tensor:
            features = self.network.trunk(inputs[rows[first:last]])
            return objective.outputs(self.network, features)

        outputs = torch.cat(list(halving(len(rows), rows_at_once(inputs, CHUNK), score)))
        losses = objective.losses(outputs, labels).double()
        return float((losses if present is None else losses[present]).mean())

    def _batches(self, epoch: int) -> Iterator[tuple[Tensor, ...]]:
        size, steps = self.options.batch_size, self.steps_an_epoch
        joint = self.data.collection.layout == "joint"
        orders = []
        for block in range(1 if joint else len(self.tasks)):
            rng = np.random.default_rng([self.seed, 0x7A11, epoch, block])
            rows = self.data.rows("train", block)
            rounds = 1 if joint else -(-steps * size // len(rows))
            order = np.concatenate([rng.permutation(len(rows)) for _ in range(rounds)])
            orders.append(rows[torch.from_numpy(order).to(rows.device)])
        for step in range(steps):
            part = slice(step * size, (step + 1) * size)
            if joint:
                yield (orders[0][part],) * len(self.tasks)
            else:
                yield tuple(order[part] for order in orders)

    def _take(self, rows: tuple[Tensor, ...]) -> Tensor:
        with self.threads():
            loss = self.losses(rows).mean()
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
        return loss.detach()

    def _check_finite(self, losses: list[Tensor], number: int) -> None:
        """Once an epoch: to ask at every step would make a GPU wait for it."""
        finite = torch.isfinite(torch.stack(losses)).cpu()
        if not bool(finite.all()):
            first = number - len(losses) + 1 + int(finite.int().argmin())
            raise TaskvizError(
                f"The joint training of {self.data.collection.name!r} has no finite loss at step "
                f"{first}: lower the learning rate (now {self.options.learning_rate:g})."
            )
