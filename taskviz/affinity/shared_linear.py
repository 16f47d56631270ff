"""Linear models of many tasks' outputs that rest on the same features, all tasks at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from taskviz.affinity.pooled_fits import TaskSamples

NUMBERS = 1 << 24
"""Outputs of all tasks and subsets that are held at once."""


@dataclass(frozen=True)
class SharedLinear:
    """``offset + head · (features · w)`` of T tasks with one output each, on N samples.

    What :class:`taskviz.affinity.pooled_fits.TaskSamples` gives task by task, in a few products for
    all: the features meet the weights once, whatever T is.

    Args:
        features: ``(f, N, d)``.
        heads: ``(T, f)``; 0 for a task without samples.
        offsets: ``(T, N)``.
        targets: ``(T, N)``.
        share: ``(T, N)`` weight of each label in its task's mean loss; 0 where there is none.
        logistic: ``(T,)`` bool; the others have squared losses.
    """

    features: Tensor
    heads: Tensor
    offsets: Tensor
    targets: Tensor
    share: Tensor
    logistic: Tensor
    all_logistic: bool = False
    even: Tensor | None = None
    """``(T,)`` share of every label of a task, where none is missing."""

    @classmethod
    def of(cls, samples: "Sequence[TaskSamples | None]") -> "SharedLinear | None":
        """None where tasks do not share features, or one has several outputs."""
        known = [sample for sample in samples if sample is not None]
        if not known or any(
            s.head is None or len(s.head) != 1 or s.kind not in ("binary", "regression")
            for s in known
        ):
            return None
        features = known[0].features
        n, size = features.shape[1], len(samples)
        heads = features.new_zeros(size, len(features))
        offsets, targets, share = (features.new_zeros(size, n) for _ in range(3))
        for task, sample in enumerate(samples):
            if sample is None or sample.head is None:
                continue
            rows = slice(None) if sample.rows is None else sample.rows
            heads[task] = sample.head[0]
            offsets[task, rows] = sample.offset[:, 0]
            targets[task, rows] = sample.target[:, 0]
            share[task, rows] = 1 / len(sample.target)
        logistic = torch.tensor([s is not None and s.kind == "binary" for s in samples])
        whole = all(s is not None and s.rows is None for s in samples)
        return cls(
            features,
            heads,
            offsets,
            targets,
            share,
            logistic.to(features.device),
            bool(logistic.all()),
            share[:, 0].clone() if whole else None,
        )

    def gradient(self, weights: Tensor, share: Tensor) -> Tensor:
        """``(m, d)``: each row the gradient of ``Σ_t share[·, t] L_t`` at its weights.

        Args:
            weights: ``(m, d)``.
            share: ``(m, T)``.
        """
        total = torch.zeros_like(weights)
        for rows, outputs in self._outputs(weights):
            targets = self.targets[:, rows, None]
            # In place: what this costs is passes over memory.
            if self.all_logistic:
                signal = outputs.sigmoid_().sub_(targets)
            else:
                signal = torch.where(
                    self.logistic[:, None, None],
                    outputs.sigmoid() - targets,
                    2 * (outputs - targets),
                )
            if self.even is None:
                signal.mul_(self.share[:, rows, None]).mul_(share.T[:, None])
            else:
                signal.mul_((share * self.even).T[:, None])
            back = self.heads.T @ signal.flatten(1)
            flat = back.reshape(-1, len(weights))
            total += flat.T @ self.features[:, rows].flatten(0, 1)
        return total

    def losses(self, weights: Tensor) -> Tensor:
        """``(m, T)`` mean loss of every task at each of ``(m, d)`` weights."""
        total = weights.new_zeros(len(self.heads), len(weights))
        for rows, outputs in self._outputs(weights):
            targets = self.targets[:, rows, None]
            losses = torch.where(
                self.logistic[:, None, None],
                F.softplus(outputs) - targets * outputs,
                (outputs - targets) ** 2,
            )
            total += (losses * self.share[:, rows, None]).sum(dim=1)
        return total.T

    def _outputs(self, weights: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Samples, and ``(T, rows, m)`` outputs on them."""
        n, m = self.features.shape[1], len(weights)
        step = max(1, NUMBERS // max(1, len(self.heads) * m))
        for first in range(0, n, step):
            rows = slice(first, min(first + step, n))
            inner = self.features[:, rows] @ weights.T
            outputs = (self.heads @ inner.flatten(1)).reshape(len(self.heads), -1, m)
            yield rows, outputs.add_(self.offsets[:, rows, None])
