"""A network over separate data sets in training."""

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial

import torch
from torch import Tensor

from taskviz.networks import outputs_of
from taskviz.training.curves import PrimaryMetrics, Seen, split_losses
from taskviz.training.objective import Labels, Objective
from taskviz.training.separate_batches import separate_batches
from taskviz.training.trainer import CHECK_EVERY, CHUNK, GroupTrainer
from taskviz.training.weighting import Step
from taskviz.values import Split

Rows = tuple[Tensor, ...]


class SeparateTrainer(GroupTrainer):
    """Each step takes a batch of every task's own data set, and the weighting combines them.

    Arguments as of :class:`GroupTrainer`; ``data`` is a separate collection. The order of a task's
    batches is that of :func:`separate_batches`.
    """

    def _prepare(self) -> None:
        self.objectives = [Objective(self.data, [number]) for number in self.tasks]
        self._labels = [objective.labels.cpu() for objective in self.objectives]
        self._primaries = [
            PrimaryMetrics(objective, labels, [scale])
            for objective, labels, scale in zip(
                self.objectives, self._labels, self.scales, strict=True
            )
        ]
        self._seen: list[list[tuple[Tensor, Tensor]]] = []

    def run_epoch(self, check: Callable[[], None] = lambda: None) -> Seen:
        """See :meth:`GroupTrainer.run_epoch`; an epoch passes the largest data set once."""
        self.network.train()
        self._seen = [[] for _ in self.tasks]
        batches = list(
            separate_batches(
                self.data,
                self.tasks,
                self.options.batch_size,
                seed=self.seed,
                epoch=self.passed,
            )
        )
        self._pass(batches, _now_and_then(check))
        self.weighting.end_epoch()
        self.passed += 1
        whole = [zip(*parts, strict=True) for parts in self._seen]
        # To the host once an epoch: a copy at each step would wait for the device.
        return self._joined([tuple(torch.cat(own).cpu() for own in parts) for parts in whole])

    def _pass(self, batches: Sequence[Rows], check: Callable[[], None]) -> None:
        for number, rows in enumerate(batches):
            if self._varies:
                self._set_rate(self.passed + number / len(batches))
            step = self._step(rows)
            self.optimizer.zero_grad()
            self.weighting.backward(step)
            self._optimize()
            self.weighting.after_step(partial(self._losses_of, rows))
            check()

    def _step(self, rows: Rows) -> Step:
        features = torch.cat([self._features(place, own) for place, own in enumerate(rows)])
        parts = torch.split(features, [len(own) for own in rows])
        losses = []
        for place, (own, part) in enumerate(zip(rows, parts, strict=True)):
            output = self._output(place, part)
            self._seen[place].append((output.detach(), own))
            losses.append(self._loss(place, output, own))
        scale = self.half.scale if self.half else None
        present = partial(self._present, rows)
        vmap = not self.options.compile
        return Step(
            torch.stack(losses), present, features, self.network, scale, self._another, vmap
        )

    def _features(self, place: int, rows: Tensor) -> Tensor:
        inputs = self.data.inputs_of(self.tasks[place]).index_select(0, rows)
        with self.half.autocast() if self.half else nullcontext():
            return self.trunk(self.network.adapt(inputs, place))

    def _output(self, place: int, features: Tensor) -> Tensor:
        with self.half.autocast() if self.half else nullcontext():
            output: Tensor = self.network.heads[place](features)
        return output.to(self.data.dtype)

    def _loss(self, place: int, output: Tensor, rows: Tensor) -> Tensor:
        objective = self.objectives[place]
        return objective.losses(output, objective.labels.take(rows))[0]

    def _present(self, rows: Rows) -> Tensor | None:
        masks = [
            self.data.masks[task][own].any() for task, own in zip(self.tasks, rows, strict=True)
        ]
        return None if all(bool(mask) for mask in masks) else torch.stack(masks)

    def _another(self) -> Step:
        """Independent batches, from the global stream: the order of the others stays as it is."""
        drawn = []
        for task in self.tasks:
            rows = self.data.rows("train", task)
            picked = torch.randperm(len(rows))[: self.options.batch_size]
            drawn.append(rows[picked.to(rows.device)])
        seen, self._seen = self._seen, [[] for _ in self.tasks]
        step = self._step(tuple(drawn))
        self._seen = seen
        return step

    @torch.no_grad()
    def _losses_of(self, rows: Rows) -> Tensor:
        return torch.stack(
            [
                self._loss(place, self._output(place, self._features(place, own)), own)
                for place, own in enumerate(rows)
            ]
        )

    def score(self, split: Split) -> Seen:
        """See :meth:`GroupTrainer.score`."""
        return self._joined([self._scored(place, split) for place in range(len(self.tasks))])

    def evaluated(self, split: Split) -> list[tuple[Tensor, Labels]]:
        """See :meth:`GroupTrainer.evaluated`."""
        found = []
        for place, labels in enumerate(self._labels):
            outputs, rows = self._scored(place, split)
            found.append((outputs, labels.take(rows)))
        return found

    def _scored(self, place: int, split: Split) -> tuple[Tensor, Tensor]:
        self.network.eval()
        task = self.tasks[place]
        inputs, rows = self.data.inputs_of(task), self.data.rows(split, task)
        if not len(rows):
            return torch.zeros(0, self.task_values[place].outputs), rows.cpu()
        (outputs,) = outputs_of(self.network, inputs, rows, [place], most=CHUNK)
        return outputs.cpu(), rows.cpu()

    def _joined(self, parts: Sequence[Rows]) -> Seen:
        """Outputs and row numbers of each task."""
        losses = [
            split_losses(self.objectives[place], outputs, self._labels[place].take(rows))[0]
            for place, (outputs, rows) in enumerate(parts)
        ]
        outputs, rows = zip(*parts, strict=True)
        return Seen(losses, outputs, rows)


class AlternatingTrainer(SeparateTrainer):
    """Each step takes a batch of one data set, in turn."""

    def _pass(self, batches: Sequence[Rows], check: Callable[[], None]) -> None:
        for number, rows in enumerate(batches):
            if self._varies:
                self._set_rate(self.passed + number / len(batches))
            for place, own in enumerate(rows):
                self.network.zero_grad()
                self._descend(place, own)
                self._optimize()
                check()

    def _descend(self, place: int, rows: Tensor) -> None:
        """Gradients of one task's loss on a batch."""
        output = self._output(place, self._features(place, rows))
        self._seen[place].append((output.detach(), rows))
        loss = self._loss(place, output, rows)
        (self.half.scale * loss if self.half and self.half.scale is not None else loss).backward()  # type: ignore[no-untyped-call]


def _now_and_then(check: Callable[[], None]) -> Callable[[], None]:
    asked = time.monotonic()

    def ask() -> None:
        nonlocal asked
        if time.monotonic() - asked > CHECK_EVERY:
            check()
            asked = time.monotonic()

    return ask
