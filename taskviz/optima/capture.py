"""Inputs of layers, and gradients of their outputs: all that closed forms need.

One forward pass notes the layers' inputs; T vector-Jacobian products then reach the layers'
*outputs* alone, so that no gradient of a weight is computed.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge

Signals = Tensor | list[Tensor]
"""``(T, n, …)`` gradients of a layer's output, in one piece or as T tensors ``(n, …)``."""

_ONE_BY_ONE_FROM = 1 << 16
"""Numbers in a layer's output from which T passes beat a batched one: what batching saves is the
overhead of an operation, what it costs is the copying of large results into one piece."""


@dataclass(frozen=True)
class Trace:
    """One call of one layer.

    Args:
        layer: its name in the trunk.
        inputs: ``(n, …)``, detached.
        edge: where the gradient of the output passes; unlike the output itself it stays right
            when an activation later works in place.
        shape: of the output.
    """

    layer: str
    inputs: Tensor
    edge: GradientEdge
    shape: torch.Size


@contextmanager
def recording(layers: dict[str, nn.Module]) -> Iterator[list[Trace]]:
    """Note every call of these layers, in order, while the context lasts."""
    traces: list[Trace] = []

    def note(name: str, arguments: tuple[Any, ...], output: Any) -> None:
        edge = get_gradient_edge(output)
        traces.append(Trace(name, arguments[0].detach(), edge, output.shape))

    def hook(name: str) -> Any:
        return lambda _module, arguments, output: note(name, arguments, output)

    handles = [layer.register_forward_hook(hook(name)) for name, layer in layers.items()]
    try:
        yield traces
    finally:
        for handle in handles:
            handle.remove()


def of_unit(signals: Signals, unit: int) -> Tensor:
    """``(T, …)`` of one unit."""
    if isinstance(signals, Tensor):
        return signals[:, unit]
    return torch.stack([own[unit] for own in signals])


def in_one_piece(signals: Signals) -> Tensor:
    """``(T, n, …)``."""
    return signals if isinstance(signals, Tensor) else torch.stack(signals)


def output_gradients(
    features: Tensor, traces: Sequence[Trace], cotangents: Tensor
) -> list[Signals]:
    """Gradient of every traced output, for each of T cotangents of the features.

    Args:
        features: ``(n, …)`` with its graph.
        traces: of the forward pass that made the features.
        cotangents: ``(T, n, …)``.

    Returns:
        one a trace.
    """
    largest = max((trace.shape.numel() for trace in traces), default=0)
    if largest < _ONE_BY_ONE_FROM:
        return list(_gradients(features, traces, cotangents, (len(cotangents),)))
    each = [_gradients(features, traces, own, ()) for own in cotangents]
    return [list(signals) for signals in zip(*each, strict=True)]


def stacked_gradients(
    features: Tensor, traces: Sequence[Trace], cotangents: Tensor
) -> list[Tensor]:
    """Gradient of every traced output where each row belongs to one task alone.

    Args:
        features: ``(T·n, …)`` with its graph.
        traces: of the forward pass that made the features.
        cotangents: ``(T, n, …)``.

    Returns:
        ``(T, n, …)`` one a trace.
    """
    found = _gradients(features, traces, cotangents.flatten(0, 1), ())
    return [by_task(gradient, len(cotangents)) for gradient in found]


def by_task(stacked: Tensor, tasks: int) -> Tensor:
    """``(T·n, …)`` → ``(T, n, …)``."""
    return stacked.reshape(tasks, -1, *stacked.shape[1:])


def _gradients(
    features: Tensor, traces: Sequence[Trace], cotangents: Tensor, lead: tuple[int, ...]
) -> list[Tensor]:
    found = torch.autograd.grad(
        features,
        [trace.edge for trace in traces],
        cotangents,
        retain_graph=True,
        is_grads_batched=bool(lead),
        allow_unused=True,
    )
    return [
        cotangents.new_zeros(*lead, *trace.shape) if gradient is None else gradient
        for gradient, trace in zip(found, traces, strict=True)
    ]
