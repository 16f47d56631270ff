"""torchjd's scalarizations: one number of all losses, then an ordinary backward pass."""

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from taskviz.training.weighting.base import Step, Weighting

TINY = 1e-8
"""A loss counts as at least this much, since some methods take its logarithm or divide by it."""


class Scalarization(Weighting):
    """One of ``torchjd.scalarization``, under its published settings.

    A task without a label in the batch counts with its loss of the last batch where it had one,
    from which no gradient comes: a 0 would be taken for a task that is solved.
    """

    make: ClassVar[Callable[[int], Any]]
    """Number of tasks → the library's object."""
    last: Tensor

    def __init__(self, tasks: int) -> None:
        super().__init__(tasks)
        self.method = type(self).make(tasks)
        self.register_buffer("last", torch.ones(tasks))
        self._present: Tensor | None = None

    def backward(self, step: Step) -> None:
        """See :meth:`Weighting.backward`."""
        self._present = step.present()
        total = self.method(self._filled(step.losses))
        if self._present is not None:
            self.last = torch.where(self._present, step.losses.detach(), self.last)
        step.scaled(total).backward()  # type: ignore[no-untyped-call]

    def after_step(self, losses: Callable[[], Tensor]) -> None:
        """See :meth:`Weighting.after_step`."""
        if hasattr(self.method, "update"):
            self.method.update(self._filled(losses()))

    def end_epoch(self) -> None:
        """See :meth:`Weighting.end_epoch`."""
        if hasattr(self.method, "step"):
            self.method.step()

    def learned(self) -> list[nn.Parameter]:
        """What the method does not update by itself."""
        return [] if hasattr(self.method, "update") else list(self.parameters())

    def _filled(self, losses: Tensor) -> Tensor:
        if self._present is not None:
            losses = torch.where(self._present, losses, self.last)
        return losses.clamp(min=TINY)
