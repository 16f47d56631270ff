"""The loss of each kind of task, a sample at a time."""

import torch
from torch import Tensor
from torch.nn import functional as F

from taskviz.values import Task


def sample_losses(task: Task, output: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Loss of every sample; 0 where the label is missing.

    Regression: squared error of the scaled target. Binary: cross-entropy of one logit. Multiclass:
    cross-entropy. Multilabel: mean binary cross-entropy over the known columns.

    Args:
        output: ``(n, task.outputs)`` raw head output.
        target: ``(n, task.width)`` scaled value or class code.
        mask: ``(n, task.width)`` bool, False where missing.

    Returns:
        ``(n,)``.
    """
    if task.kind == "multiclass":
        losses = F.cross_entropy(output, target[:, 0].long(), reduction="none")[:, None]
    elif task.kind == "regression":
        losses = (output - target) ** 2
    else:
        losses = F.binary_cross_entropy_with_logits(output, target, reduction="none")
    known = mask.to(losses.dtype)
    # where, not a product: 0 · inf would turn a masked sample into NaN
    kept = torch.where(mask, losses, torch.zeros_like(losses))
    return kept.sum(dim=1) / known.sum(dim=1).clamp(min=1)


def mean_loss(task: Task, output: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Mean of :func:`sample_losses` over the samples that have a label; 0 where none has."""
    labelled = mask.any(dim=1).sum().clamp(min=1)
    return sample_losses(task, output, target, mask).sum() / labelled
