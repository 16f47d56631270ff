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


def output_gradients(features: Tensor, traces: Sequence[Trace], cotangents: Tensor) -> list[Tensor]:
    """Gradient of every traced output, for each of T cotangents of the features at once.

    Args:
        features: ``(n, …)`` with its graph.
        traces: of the forward pass that made the features.
        cotangents: ``(T, n, …)``; or ``(n, …)``, where every row belongs to one task alone.

    Returns:
        ``(T, *trace.shape)`` one a trace, or ``trace.shape``.
    """
    batched = cotangents.dim() > features.dim()
    found = torch.autograd.grad(
        features,
        [trace.edge for trace in traces],
        cotangents,
        is_grads_batched=batched,
        allow_unused=True,
    )
    lead = (len(cotangents),) if batched else ()
    return [
        cotangents.new_zeros(*lead, *trace.shape) if gradient is None else gradient
        for gradient, trace in zip(found, traces, strict=True)
    ]
