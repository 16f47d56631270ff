"""What the heads send back into the trunk."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from taskviz.networks import MultiHeadNetwork
from taskviz.optima.units import Units
from taskviz.training.losses import sample_losses
from taskviz.values import Task, TaskvizError


@dataclass(frozen=True)
class _LinearHeads:
    """Heads of B tasks that go through one product and one loss.

    Args:
        tasks: their numbers.
        task: one of them; the loss asks for its kind alone.
        weights: ``(B, outputs, features)``.
        biases: ``(B, 1, outputs)`` or None.
        targets: ``(B, n, width)``.
        masks: ``(B, n, width)``.
    """

    tasks: list[int]
    task: Task
    weights: Tensor
    biases: Tensor | None
    targets: Tensor
    masks: Tensor


class Heads:
    """The heads of a network with the labels of some units.

    Args:
        network: T heads on a trunk.
        units: all units that will be asked for.
    """

    def __init__(self, network: MultiHeadNetwork, units: Units) -> None:
        self._network, self._units = network, units
        alike: dict[object, list[int]] = {}
        for t, task in enumerate(units.tasks):
            head = network.heads[t]
            key: object = t
            if units.losses is sample_losses and type(head) is nn.Linear:
                key = (task.kind, task.outputs, task.width, head.bias is None)
            alike.setdefault(key, []).append(t)
        groups = list(alike.values())
        self._together = [self._stack(tasks) for tasks in groups if len(tasks) > 1]
        self._alone = [tasks[0] for tasks in groups if len(tasks) == 1]

    def gradients(self, features: Sequence[Tensor], start: int, stop: int) -> Tensor:
        """``(T, n, *features)``: gradient of each unit's task loss by the trunk's output.

        All that a task's gradient of the shared parameters knows of the task is in here: it is the
        trunk's vector-Jacobian product with this.

        Args:
            features: the trunk's output on the units: one for all tasks, or one a task.
            start: the first unit.
            stop: the unit after the last.

        Raises:
            TaskvizError: a loss whose gradient is not finite.
        """
        seen = [feature.detach() for feature in features]
        with torch.enable_grad():
            if len(self._together) == 1 and not self._alone and seen[0].dim() == 2:
                found = self._linear(self._together[0], seen, start, stop)
            else:
                found = self._mixed(seen, start, stop)
        if not bool(torch.isfinite(found.sum())):
            self._complain(found)
        return found

    def _stack(self, tasks: list[int]) -> _LinearHeads:
        heads: list[nn.Module] = [self._network.heads[t] for t in tasks]
        weights, biases = [], []
        for head in heads:
            assert isinstance(head, nn.Linear)
            weights.append(head.weight.detach())
            if head.bias is not None:
                biases.append(head.bias.detach()[None])
        return _LinearHeads(
            tasks,
            self._units.tasks[tasks[0]],
            torch.stack(weights),
            torch.stack(biases) if biases else None,
            torch.stack([self._units.targets[t] for t in tasks]),
            torch.stack([self._units.masks[t] for t in tasks]),
        )

    def _mixed(self, features: list[Tensor], start: int, stop: int) -> Tensor:
        found = features[0].new_empty(len(self._units.tasks), *features[0].shape)
        alone = list(self._alone)
        for heads in self._together:
            if features[0].dim() == 2:
                found[heads.tasks] = self._linear(heads, features, start, stop)
            else:
                alone += heads.tasks
        part = self._units.part(start, stop) if alone else self._units
        for t in alone:
            leaf = features[0 if part.joint else t].clone().requires_grad_(True)
            loss = part.loss(t, self._network.heads[t](leaf)).sum()
            (found[t],) = torch.autograd.grad(loss, leaf)
        return found

    def _linear(self, heads: _LinearHeads, features: list[Tensor], start: int, stop: int) -> Tensor:
        """B tasks as one task with B times as many samples."""
        if self._units.joint:
            outputs = features[0] @ heads.weights.mT
        else:
            outputs = torch.stack([features[t] for t in heads.tasks]) @ heads.weights.mT
        if heads.biases is not None:
            outputs = outputs + heads.biases
        leaf = outputs.flatten(0, 1).requires_grad_(True)
        targets = heads.targets[:, start:stop].flatten(0, 1)
        masks = heads.masks[:, start:stop].flatten(0, 1)
        losses = self._units.losses(heads.task, leaf, targets, masks)
        (found,) = torch.autograd.grad(losses.sum(), leaf)
        return found.view_as(outputs) @ heads.weights

    def _complain(self, found: Tensor) -> None:
        finite = torch.isfinite(found.flatten(1)).all(dim=1)
        if bool(finite.all()):
            return
        name = self._units.tasks[int(torch.nonzero(~finite)[0, 0])].name
        raise TaskvizError(
            f"The loss of task {name!r} has no finite gradient in this state of the network: check "
            "the inputs and labels of this task for extreme values."
        )
