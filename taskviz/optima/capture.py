"""Inputs of layers, and gradients of their outputs: all that closed forms need.

One forward pass notes the layers' inputs; T vector-Jacobian products then reach the layers'
*outputs* alone, so that no gradient of a weight is computed.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge

from taskviz.optima.recurrent import CellLayer, cell_gradients, unrolled

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

    def note_gates(name: str, inputs: Tensor, gates: Tensor) -> None:
        traces.append(Trace(name, inputs, get_gradient_edge(gates), gates.shape))

    cells: dict[nn.LSTM, list[tuple[str, CellLayer]]] = {}
    handles = []
    for name, layer in layers.items():
        if isinstance(layer, CellLayer):
            cells.setdefault(layer.owner[0], []).append((name, layer))
        else:
            handles.append(layer.register_forward_hook(hook(name)))
    try:
        for lstm, own in cells.items():
            lstm.__dict__["forward"] = partial(unrolled, own, note_gates)
        yield traces
    finally:
        for handle in handles:
            handle.remove()
        for lstm in cells:
            lstm.__dict__.pop("forward", None)


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


class TaskTraces:
    """A forward pass on inputs of the tasks' own, and gradients back to its layers' outputs.

    Inputs of one shape pass together, others one task after another.

    Args:
        trunk: whose layers are traced.
        layers: by name.
        parts: ``(n, …)`` inputs, one a task.

    Raises:
        Irregular: a layer was not called once on one row a sample, or has outputs of several
            shapes and is no layer of an LSTM.
    """

    def __init__(
        self, trunk: nn.Module, layers: dict[str, nn.Module], parts: Sequence[Tensor]
    ) -> None:
        self._tasks = len(parts)
        self._together = len({part.shape for part in parts}) == 1
        passed = [torch.cat(list(parts))] if self._together else list(parts)
        self._outputs, self._traces = [], []
        for part in passed:
            with torch.enable_grad(), recording(layers) as traces:
                self._outputs.append(trunk(part))
            regular(traces, len(part))
            self._traces.append(traces)
        first = self._traces[0]
        self.names = [trace.layer for trace in first]
        """Layers, in the order of their calls."""
        self.shapes = [trace.shape for trace in first]
        """Of their outputs, of the task with the largest."""
        if self._together:
            self.features = list(by_task(self._outputs[0], self._tasks))
            self.inputs = [by_task(trace.inputs, self._tasks) for trace in first]
            return
        self.features = self._outputs
        if any([trace.layer for trace in traces] != self.names for traces in self._traces):
            raise Irregular("tasks take different paths through the trunk")
        self.inputs = []
        for calls in zip(*self._traces, strict=True):
            longest = max(calls, key=lambda trace: trace.shape.numel())
            cell = isinstance(layers[longest.layer], CellLayer)
            if not cell and len({trace.shape for trace in calls}) > 1:
                raise Irregular(f"layer {longest.layer!r} has outputs of several shapes")
            # Of cells whole gradients are handed out: smaller than what long series hold.
            blank = [trace.inputs[:, 0, :0] if cell else trace.inputs for trace in calls]
            self.inputs.append(torch.stack(blank))
        self.shapes = [
            max((trace.shape for trace in calls), key=lambda shape: shape.numel())
            for calls in zip(*self._traces, strict=True)
        ]
        self._cells = [isinstance(layers[name], CellLayer) for name in self.names]

    def gradients(self, cotangents: Tensor) -> list[Tensor]:
        """``(T, n, …)`` one a layer, from ``(T, n, …)`` cotangents of the features.

        Signals; of the layers of an LSTM, where series differ in length, whole gradients.
        """
        if self._together:
            return stacked_gradients(self._outputs[0], self._traces[0], cotangents)
        each = []
        for output, traces, own in zip(self._outputs, self._traces, cotangents, strict=True):
            signals = _gradients(output, traces, own, ())
            each.append(
                [
                    cell_gradients(signal, trace.inputs) if cell else signal
                    for signal, trace, cell in zip(signals, traces, self._cells, strict=True)
                ]
            )
        return [torch.stack(found) for found in zip(*each, strict=True)]


class Irregular(Exception):
    """A layer was not called once on one row a sample; the message says which."""


def regular(traces: Sequence[Trace], rows: int) -> None:
    """Raise :class:`Irregular` unless every layer ran at most once, on one row a sample."""
    names = [trace.layer for trace in traces]
    for trace in traces:
        if names.count(trace.layer) > 1:
            raise Irregular(f"layer {trace.layer!r} is used more than once")
        if trace.shape[0] != rows or trace.inputs.shape[0] != rows:
            raise Irregular(f"layer {trace.layer!r} does not keep one row a sample")


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
