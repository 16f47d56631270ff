"""What every weighting offers: from the losses of the tasks to the gradient of the network."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from taskviz.networks import MultiHeadNetwork


@dataclass(frozen=True, slots=True)
class Step:
    """One batch, seen by a weighting after the forward pass.

    Args:
        losses: ``(k,)`` loss of each task of the group, in the order of the network's heads; a
            task without a label in the batch has loss 0 and no gradient.
        present: gives ``(k,)`` bool, which tasks have a label in the batch; None where all have. A
            function, since only methods that divide by a task's gradient need to ask.
        features: ``(n, features)`` output of the trunk, from which every loss was computed.
        network: its parameters are leaves of the graph of ``losses``; their ``.grad`` is None.
    """

    losses: Tensor
    present: Callable[[], Tensor | None]
    features: Tensor
    network: MultiHeadNetwork


class Weighting(nn.Module, ABC):
    """How the tasks of a group share one update. A scheme is one file and a line in the registry.

    A scalarisation weighs the losses and calls ``backward`` on their sum; a gradient method takes
    one gradient a task with respect to ``step.network.shared_parameters()`` and combines them.
    Both fill ``.grad``; the optimizer then makes the step. What the optimizer is to learn beside
    the network (log-variances) is a parameter of this module, what must survive a resume a buffer.

    Args:
        tasks: number of tasks of the group.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    """Paper and equation."""
    version: ClassVar[int] = 1
    """Part of every cache key: raise it whenever results change."""

    def __init__(self, tasks: int) -> None:
        super().__init__()
        self.tasks = tasks

    @abstractmethod
    def backward(self, step: Step) -> None:
        """Fill ``.grad`` of the network's parameters, and of this module's where it has any."""

    def after_step(self, losses: Callable[[], Tensor]) -> None:
        """The optimizer has stepped; ``losses()`` are those of the same batch, measured anew."""

    def end_epoch(self) -> None:
        """The training split has been passed once more."""
