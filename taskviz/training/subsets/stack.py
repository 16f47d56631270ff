"""A stack of networks that start alike and differ in the tasks they are trained on."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor
from torch.optim.adamw import adamw

# Where a unit has died its moments halve for ever, and arithmetic on subnormal numbers is slow: up
# to a quarter of a long training. Below these bounds they move no weight (eps is 1e-8).
FLUSH_EVERY = 100
TINY_FIRST, TINY_SECOND = 1e-30, 1e-36


class Stack(ABC):
    """G networks whose parameters lie in ``(G, …)`` tensors.

    AdamW works on each number alone, so one update of the stacked parameters is that of G
    optimizers; with losses summed over the networks no gradient meets another.

    Args:
        count: G.
        learning_rate: of AdamW.
        weight_decay: of AdamW; a head that is not trained decays too, and is never used.
    """

    parameters: list[Tensor]
    """What the optimizer updates."""
    gradients: list[Tensor]

    def __init__(self, count: int, learning_rate: float, weight_decay: float) -> None:
        self.count = count
        self._learning_rate, self._weight_decay = learning_rate, weight_decay
        self._first: list[Tensor] = []
        self._second: list[Tensor] = []
        self._steps: list[Tensor] = []
        self._updates = 0

    @abstractmethod
    def forward(self, inputs: Tensor) -> Tensor:
        """``(G, n, K)`` outputs in training; a buffer that the caller may overwrite."""

    @abstractmethod
    def backward(self, gradient: Tensor) -> Tensor:
        """Fill ``gradients`` from the ``(G, n, K)`` gradient of the last outputs.

        Returns:
            ``(G, 1, K)`` gradient of the heads' biases: not finite where a loss is not.
        """

    @abstractmethod
    def score(self, inputs: Tensor) -> Tensor:
        """``(G, n, K)`` outputs in evaluation, no gradient."""

    @abstractmethod
    def keep(self, which: Tensor) -> None:
        """Remember the present state of the networks in ``(G,)`` bool ``which``."""

    @abstractmethod
    def restore(self) -> None:
        """Go back to the states remembered."""

    @torch.no_grad()
    def update(self) -> None:
        """One step of AdamW on every network."""
        if not self._first:
            self._first = [torch.zeros_like(p) for p in self.parameters]
            self._second = [torch.zeros_like(p) for p in self.parameters]
            self._steps = [torch.zeros((), device=p.device) for p in self.parameters]
        adamw(
            self.parameters,
            self.gradients,
            self._first,
            self._second,
            [],
            self._steps,
            fused=True,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            eps=1e-8,
            maximize=False,
            lr=self._learning_rate,
            weight_decay=self._weight_decay,
        )
        self._updates += 1
        if self._updates % FLUSH_EVERY == 0:
            for first, second in zip(self._first, self._second, strict=True):
                first.copy_(torch.hardshrink(first, TINY_FIRST))
                second.copy_(torch.hardshrink(second, TINY_SECOND))
