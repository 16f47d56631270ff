"""The losses of a group's tasks, all heads in one product and all losses of a kind at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from taskviz.data.tensors import CollectionTensors
from taskviz.networks import MultiHeadNetwork
from taskviz.training.losses import mean_loss
from taskviz.values import Task


@dataclass(frozen=True, slots=True)
class Labels:
    """Targets of a group's tasks, side by side in the order of :class:`Objective`.

    Args:
        targets: ``(n, columns)`` scaled value or class code.
        masks: ``(n, columns)`` bool, False where missing; None where nothing is.
    """

    targets: Tensor
    masks: Tensor | None

    def take(self, rows: Tensor) -> "Labels":
        """Some rows."""
        masks = None if self.masks is None else self.masks.index_select(0, rows)
        return Labels(self.targets.index_select(0, rows), masks)

    def columns(self, span: slice) -> "Labels":
        """Some columns."""
        masks = None if self.masks is None else self.masks[:, span]
        return Labels(self.targets[:, span], masks)

    def cpu(self) -> "Labels":
        """The same on the host."""
        return Labels(self.targets.cpu(), None if self.masks is None else self.masks.cpu())


class Objective:
    """The losses of :mod:`taskviz.training.losses` for the tasks of one group.

    Columns of outputs and labels stand in the order regression, binary, the rest: so the losses of
    the first two kinds are one operation each, whatever the number of tasks, and all linear heads
    are one matrix product. Everything handed out is in the order of the heads again.

    Args:
        data: a joint collection, or a separate one and a single task.
        tasks: numbers of the group's tasks, in the order of the network's heads.
    """

    def __init__(self, data: CollectionTensors, tasks: Sequence[int]) -> None:
        self.tasks: tuple[Task, ...] = tuple(data.collection.tasks[number] for number in tasks)
        kinds = [task.kind for task in self.tasks]
        rank = {"regression": 0, "binary": 1}
        order = sorted(range(len(kinds)), key=lambda i: rank.get(kinds[i], 2))
        self._order = order
        self._back = _unless_identity(order, data.device)
        self.binaries = [i for i in order if kinds[i] == "binary"]
        """Heads of the binary tasks, in the order of their columns."""
        self._regressions = kinds.count("regression")
        self.binary_columns = slice(self._regressions, self._regressions + len(self.binaries))
        """Of outputs and of labels: the binary tasks stand side by side in both."""
        self.columns = self._ranges([self.tasks[i].outputs for i in order])
        """Columns of a task's output, by head."""
        self.label_columns = self._ranges([self.tasks[i].width for i in order])
        """Columns of a task's labels, by head."""
        masks = torch.cat([data.masks[tasks[i]] for i in order], dim=1)
        self.labels = Labels(
            torch.cat([data.targets[tasks[i]] for i in order], dim=1),
            None if bool(masks.all()) else masks,
        )
        """Of every row of the collection."""

    def _ranges(self, widths: list[int]) -> tuple[slice, ...]:
        ends = torch.tensor(widths).cumsum(0).tolist()
        found = {i: slice(e - w, e) for i, w, e in zip(self._order, widths, ends, strict=True)}
        return tuple(found[i] for i in range(len(widths)))

    def outputs(self, network: MultiHeadNetwork, features: Tensor) -> Tensor:
        """``(n, outputs)`` of all heads on the trunk's ``(n, features)``."""
        found = list(network.heads)
        heads = [found[i] for i in self._order]
        linear = [head for head in heads if type(head) is nn.Linear]
        if len(heads) == 1 or len(linear) < len(heads):
            return torch.cat([head(features) for head in heads], dim=1)
        weight = torch.cat([head.weight for head in linear])
        return F.linear(features, weight, torch.cat([head.bias for head in linear]))

    def losses(self, outputs: Tensor, labels: Labels) -> Tensor:
        """``(k,)`` mean loss of each task over the rows with a label; 0 where none has one."""
        targets, masks = labels.targets, labels.masks
        first, plain = self._regressions, self.binary_columns.stop
        pieces = []
        if first:
            squares = (outputs[:, :first] - targets[:, :first]) ** 2
            pieces.append(_column_means(squares, masks, 0))
        if self.binaries:
            crosses = F.binary_cross_entropy_with_logits(
                outputs[:, first:plain], targets[:, first:plain], reduction="none"
            )
            pieces.append(_column_means(crosses, masks, first))
        for i in self._order[plain:]:
            own, span = outputs[:, self.columns[i]], self.label_columns[i]
            mask = torch.ones_like(targets[:, span], dtype=torch.bool)
            mask = mask if masks is None else masks[:, span]
            pieces.append(mean_loss(self.tasks[i], own, targets[:, span], mask)[None])
        losses = pieces[0] if len(pieces) == 1 else torch.cat(pieces)
        if self._back is None:
            return losses
        return losses.index_select(0, self._back.to(losses.device))

    def present(self, labels: Labels) -> Tensor | None:
        """``(k,)`` bool: which tasks have a label among these rows; None where all have."""
        if labels.masks is None:
            return None
        known = labels.masks.any(dim=0)
        return torch.stack([known[span].any() for span in self.label_columns])

    def known(self, labels: Labels) -> Tensor | None:
        """``(n, k)``: 1 where a row has a label of a task, else 0; None where all have all."""
        if labels.masks is None:
            return None
        known = [labels.masks[:, span].any(dim=1) for span in self.label_columns]
        return torch.stack(known, dim=1).to(torch.float32)


def _column_means(losses: Tensor, masks: Tensor | None, start: int) -> Tensor:
    if masks is None:
        return losses.mean(dim=0)
    mask = masks[:, start : start + losses.shape[1]]
    # where, not a product: 0 · inf would turn a masked sample into NaN
    kept = torch.where(mask, losses, torch.zeros_like(losses))
    return kept.sum(dim=0) / mask.sum(dim=0).clamp(min=1)


def _unless_identity(order: list[int], device: torch.device) -> Tensor | None:
    if order == sorted(order):
        return None
    return torch.tensor(order).argsort().to(device)
