"""What every weighting offers: from the losses of the tasks to the gradient of the network."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from taskviz.networks import MultiHeadNetwork
from taskviz.training.packing import OWN, load_module_state, module_state


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
        scale: of half-precision gradients, which are to be left in ``.grad`` times this factor;
            None is 1.
        another: the step of another batch, drawn independently from the training rows; None where
            the caller has none to give.
        vmap: False where a batched backward pass is not to be tried (compiled trunks).
    """

    losses: Tensor
    present: Callable[[], Tensor | None]
    features: Tensor
    network: MultiHeadNetwork
    scale: Tensor | None = None
    another: "Callable[[], Step] | None" = None
    vmap: bool = True

    def scaled(self, loss: Tensor) -> Tensor:
        """What to differentiate in place of ``loss``."""
        return loss if self.scale is None else loss * self.scale


class Weighting(nn.Module, ABC):
    """How the tasks of a group share one update. A scheme is one file and a line in the registry.

    A scalarisation weighs the losses and calls ``backward`` on their sum; a gradient method takes
    one gradient a task with respect to ``step.network.shared_parameters()`` and combines them.
    Both fill ``.grad``; the optimizer then makes the step. What the optimizer is to learn beside
    the network (log-variances) is a parameter of this module (:meth:`learned`); whatever plain
    attribute, buffer, parameter or optimizer it holds survives a resume (:meth:`state`).

    Args:
        tasks: number of tasks of the group.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    """Paper and equation."""
    gradients: ClassVar[bool] = False
    """True of a gradient method: it costs a backward pass through the trunk for each task."""
    version: ClassVar[int | str] = 1
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

    def learned(self) -> list[nn.Parameter]:
        """Parameters that the network's optimizer is to learn too."""
        return list(self.parameters())

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Weighting":
        """Parameters and buffers follow ``.to`` anyway; so do tensors that are plain attributes."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for part in self.modules():
            for name, value in vars(part).items():
                if name not in OWN and isinstance(value, Tensor):
                    part.__dict__[name] = fn(value)
        return self

    def notes(self) -> list[str]:
        """Sentences a reader of the result must see."""
        return []

    def state(self) -> dict[str, Any]:
        """All that the next step depends on, to be packed by :mod:`taskviz.training.packing`."""
        return module_state(self)

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from what :meth:`state` gave."""
        load_module_state(self, state)
