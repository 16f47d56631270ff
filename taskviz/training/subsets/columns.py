"""All heads of a network as the columns of one, with the loss of each kind in closed form.

Heads are linear, so those of T tasks are one linear layer whose columns are grouped by kind: then a
loss and its gradient cost a few operations on ``(G, n, K)`` whatever T is. The losses are those of
:mod:`taskviz.training.losses`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from taskviz.training.subsets.registers import in_registers
from taskviz.values import Task

KINDS = ("regression", "binary", "multilabel", "multiclass")


@dataclass(frozen=True, eq=False)
class Encoded:
    """Targets of some rows in columns.

    Args:
        targets: ``(n, K)``: scaled value, 0 or 1; a class code is spread over its columns.
        weights: ``(n, K)``: what a column counts in its sample's loss; 0 where missing.
        labelled: ``(n, T)``: 1 where the sample has a label of the task.
    """

    targets: Tensor
    weights: Tensor
    labelled: Tensor

    def take(self, rows: Tensor) -> "Encoded":
        """Some rows, in the order given."""
        return Encoded(self.targets[rows], self.weights[rows], self.labelled[rows])


class Columns:
    """Where each task's outputs lie among the K columns of the joint head.

    Args:
        tasks: of the collection.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.tasks = tuple(tasks)
        order = sorted(range(len(tasks)), key=lambda i: (KINDS.index(tasks[i].kind), i))
        self.places: dict[int, slice] = {}
        at = 0
        for number in order:
            self.places[number] = slice(at, at + tasks[number].outputs)
            at += tasks[number].outputs
        self.total = at
        self._regression = self._span("regression")
        self._logistic = self._span("binary", "multilabel")
        self._classes = [
            place for number, place in self.places.items() if tasks[number].kind == "multiclass"
        ]

    def _span(self, *kinds: str) -> slice:
        found = [place for i, place in self.places.items() if self.tasks[i].kind in kinds]
        return slice(found[0].start, found[-1].stop) if found else slice(0, 0)

    def owners(self, device: torch.device) -> Tensor:
        """``(K,)`` task number of each column."""
        owner = torch.zeros(self.total, dtype=torch.long)
        for number, place in self.places.items():
            owner[place] = number
        return owner.to(device)

    def encode(self, targets: Sequence[Tensor], masks: Sequence[Tensor]) -> Encoded:
        """Targets ``(n, width)`` and masks of every task in columns."""
        n, like = len(targets[0]), targets[0]
        columns = like.new_zeros(n, self.total)
        weights = like.new_zeros(n, self.total)
        labelled = torch.stack([mask.any(dim=1) for mask in masks], dim=1).to(like.dtype)
        for number, place in self.places.items():
            target, known = targets[number], masks[number].to(like.dtype)
            if self.tasks[number].kind == "multiclass":
                target = F.one_hot(target[:, 0].long(), self.tasks[number].outputs)
            columns[:, place] = target.to(like.dtype)
            weights[:, place] = known / known.sum(dim=1, keepdim=True).clamp(min=1)
        return Encoded(columns, weights, labelled)

    def gradient_(self, outputs: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Overwrite outputs ``(G, n, K)`` by the gradient of the weighted sum of their losses."""
        if self._regression.stop:
            outputs[..., self._regression].mul_(2)
        if self._logistic.stop:
            _sigmoid_(outputs[..., self._logistic])
        for place in self._classes:
            outputs[..., place] = torch.softmax(outputs[..., place], dim=-1)
        return outputs.sub_(targets).mul_(weights)

    def gradient_targets(self, targets: Tensor) -> Tensor:
        """What :meth:`gradient_` subtracts: the targets, twice those of regression."""
        doubled = targets.clone()
        doubled[:, self._regression] *= 2
        return doubled

    def losses(self, outputs: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """``(G, K)``: sums over the rows of outputs ``(G, n, K)`` of their weighted losses."""
        losses = torch.empty_like(outputs)
        part = self._regression
        losses[..., part] = (outputs[..., part] - targets[:, part]) ** 2
        part = self._logistic
        losses[..., part] = F.binary_cross_entropy_with_logits(
            outputs[..., part], targets[:, part].expand_as(outputs[..., part]), reduction="none"
        )
        for part in self._classes:
            losses[..., part] = -torch.log_softmax(outputs[..., part], dim=-1) * targets[:, part]
        # where, not a product alone: 0 · inf would turn a missing label into NaN
        return torch.where(weights > 0, losses * weights, 0.0).sum(dim=1)


def _sigmoid_(outputs: Tensor) -> None:
    if outputs.is_contiguous():
        in_registers(_sigmoid, outputs, outputs)
    else:
        # Row by row: what is at the end of a row is so in every stack.
        outputs.sigmoid_()


def _sigmoid(x: Tensor, out: Tensor) -> None:
    torch.sigmoid(x, out=out)
