"""Multiply-accumulates of one forward pass, counted by hooks while it runs."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.utils._python_dispatch import TorchDispatchMode

COUNTED = (nn.Linear, _ConvNd)
"""Layers whose multiply-accumulates are counted; convolutions of any dimension, transposed too."""


@dataclass(frozen=True)
class MacCount:
    """What one forward pass computed.

    Args:
        layers: qualified name of a layer → its multiply-accumulates, over all of its calls.
        not_counted: everything else that computed: ``ReLU ×2`` (a layer), ``mm in Attention`` (an
            operation of a module's own); what only renames or reshapes a tensor is left out.
    """

    layers: dict[str, int]
    not_counted: tuple[str, ...]

    @property
    def total(self) -> int:
        """All that was counted."""
        return sum(self.layers.values())

    def below(self, prefix: str) -> int:
        """The part of one module, named as in ``named_modules``."""
        inside = (n for n in self.layers if n == prefix or n.startswith(f"{prefix}."))
        return sum(self.layers[name] for name in inside)


def count_macs(network: nn.Module, inputs: Tensor) -> MacCount:
    """Run ``network(inputs)`` once, without gradients and in evaluation mode, and count.

    A linear layer takes in·out multiply-accumulates a position, a convolution
    (in/groups)·out·|kernel| an output position (transposed: an input position). Adding a bias is
    no multiplication. What any other layer or operation does is named, not counted.
    """
    tally = _Tally()
    was_training = network.training
    network.eval()
    try:
        with torch.no_grad(), _hooked(network, tally), tally:
            network(inputs)
    finally:
        network.train(was_training)
    others = [name if n == 1 else f"{name} ×{n}" for name, n in sorted(tally.others.items())]
    return MacCount(dict(tally.layers), tuple(others))


class _Tally(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operation, and knows from the hooks which module it runs in."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.layers: Counter[str] = Counter()
        self.others: Counter[str] = Counter()
        self.inside: list[nn.Module] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        module = self.inside[-1] if self.inside else None
        if not (func.is_view or isinstance(module, COUNTED) or self._named(module)):
            name = func.overloadpacket.__name__
            self.others[f"{name} in {type(module).__name__}" if module is not None else name] += 1
        return func(*args, **(kwargs or {}))

    @staticmethod
    def _named(module: nn.Module | None) -> bool:
        """True for a layer without layers inside: its own name, noted by its call, says it all."""
        return module is not None and next(module.children(), None) is None

    def enter(self, module: nn.Module) -> None:
        self.inside.append(module)

    def leave(self, name: str, module: nn.Module, inputs: Tensor, output: Any) -> None:
        self.inside.pop()
        if isinstance(module, nn.Linear):
            self.layers[name] += output.numel() * module.in_features
        elif isinstance(module, _ConvNd):
            kernel = prod(module.kernel_size)
            if isinstance(module, _ConvTransposeNd):
                positions, channels = inputs.numel(), module.out_channels
            else:
                positions, channels = output.numel(), module.in_channels
            self.layers[name] += positions * (channels // module.groups) * kernel
        elif self._named(module) and not isinstance(module, nn.Identity | nn.Flatten):
            self.others[type(module).__name__] += 1


@contextmanager
def _hooked(network: nn.Module, tally: _Tally) -> Iterator[None]:
    handles = []
    for name, module in network.named_modules():
        before, after = _hooks(name, tally)
        handles.append(module.register_forward_pre_hook(before))
        handles.append(module.register_forward_hook(after))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _hooks(name: str, tally: _Tally) -> tuple[Callable[..., None], Callable[..., None]]:
    def before(module: nn.Module, inputs: Any) -> None:
        tally.enter(module)

    def after(module: nn.Module, inputs: Any, output: Any) -> None:
        tally.leave(name, module, inputs[0] if inputs else output, output)

    return before, after
