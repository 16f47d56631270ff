"""Which way a trunk's gradients are compared: layer by layer in closed form, or the generic way.

The closed forms of a network are checked against one plain backward pass a sample at its first
use. Where anything differs, the whole network goes the generic way, which assumes nothing.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from taskviz.optima.capture import Trace, by_task, output_gradients, recording, stacked_gradients
from taskviz.optima.convolution import unfolded_size
from taskviz.optima.layers import closed_form_layers, layer_distances

_TOLERANCE = {torch.float64: 1e-9, torch.float32: 2e-5}
_UNITS = 2


@dataclass(frozen=True)
class Way:
    """How to compare, and what it holds in memory.

    Args:
        layers: names of the layers with closed forms, which hold all parameters; none: generic.
        reason: why generic; empty otherwise.
        activations: numbers that a forward pass keeps of one sample.
        outputs: numbers in the outputs of all those layers, one sample.
        widest: numbers in the largest of these outputs.
        unfolded: numbers in the largest unfolded input of a convolution, one sample.
    """

    layers: tuple[str, ...]
    reason: str = ""
    activations: int = 0
    outputs: int = 0
    widest: int = 0
    unfolded: int = 0


KNOWN: dict[Hashable, Way] = {}


class Irregular(Exception):
    """A layer was not called once on one row a sample; the message says which."""


def choose_way(
    trunk: nn.Module, samples: Sequence[Tensor], afford: Callable[[Way], object] = lambda way: None
) -> Way:
    """The way for this trunk; checked on two samples at the first use of its architecture.

    Args:
        samples: ``(n, …)`` inputs: one for all tasks, or one a task (the first two are used).
        afford: told of the way before its check takes any memory; may raise.
    """
    layers, reason = closed_form_layers(trunk)
    if not layers:
        return Way((), reason or "no parameter of the trunk learns")
    tried = [sample[:_UNITS] for sample in samples[:2]]
    signature = _signature(trunk, tried)
    if signature is None:
        return _check(trunk, layers, tried, afford)
    if signature not in KNOWN:
        KNOWN[signature] = _check(trunk, layers, tried, afford)
    return KNOWN[signature]


def regular(traces: Sequence[Trace], rows: int) -> None:
    """Raise :class:`Irregular` unless every layer ran at most once, on one row a sample."""
    names = [trace.layer for trace in traces]
    for trace in traces:
        if names.count(trace.layer) > 1:
            raise Irregular(f"layer {trace.layer!r} is used more than once")
        if trace.shape[0] != rows or trace.inputs.shape[0] != rows:
            raise Irregular(f"layer {trace.layer!r} does not keep one row a sample")


def _check(
    trunk: nn.Module,
    layers: dict[str, nn.Module],
    samples: list[Tensor],
    afford: Callable[[Way], object],
) -> Way:
    """Compare every layer's distances with the plain loop for two random cotangents a sample."""
    joint, rows = len(samples) == 1, len(samples[0])
    stacked = samples[0] if joint else torch.cat(samples)
    try:
        with torch.enable_grad(), recording(layers) as traces:
            features = trunk(stacked)
        regular(traces, len(stacked))
        afford(_measured(layers, traces))
        generator = torch.Generator().manual_seed(0)
        draw = torch.randn(2, rows, *features.shape[1:], generator=generator)
        cotangents = draw.to(features.device, features.dtype)
        gradients = output_gradients if joint else stacked_gradients
        found = gradients(features, traces, cotangents)
    except Irregular as irregular:
        return Way((), str(irregular))
    except (RuntimeError, NotImplementedError, TypeError, AttributeError, IndexError) as error:
        return Way((), f"its layers cannot be traced ({type(error).__name__})")
    closed = dict.fromkeys(layers, 0.0)
    for trace, deltas in zip(traces, found, strict=True):
        own = trace.inputs if joint else by_task(trace.inputs, 2)
        closed[trace.layer] = float(layer_distances(layers[trace.layer], deltas, own)[0])
    plain = _plain(trunk, layers, samples, cotangents)
    total = sum(plain.values())
    tolerance = _TOLERANCE.get(stacked.dtype, 1e-2)
    for name, expected in plain.items():
        # a share of the total: a layer whose gradients all but vanish is rounding and no evidence
        if not abs(closed[name] - expected) <= tolerance * (expected + 1e-3 * total):
            kind = type(layers[name]).__name__
            return Way((), f"layer {name!r} ({kind}) does more than its closed form knows")
    return _measured(layers, traces)


def _plain(
    trunk: nn.Module, layers: dict[str, nn.Module], samples: list[Tensor], cotangents: Tensor
) -> dict[str, float]:
    """Layer → Σ_i ‖∇⟨f(x_i), c_0⟩ − ∇⟨f(x_i), c_1⟩‖₁, one backward pass a sample.

    The gradient of the difference is the difference of the gradients, and holds half as much.
    """
    totals = dict.fromkeys(layers, 0.0)
    owned = [
        (name, parameter)
        for name, layer in layers.items()
        for parameter in layer.parameters(recurse=False)
        if parameter.requires_grad
    ]
    for i in range(len(samples[0])):
        with torch.enable_grad():
            first = trunk(samples[0][i : i + 1])
            second = first if len(samples) == 1 else trunk(samples[1][i : i + 1])
            gap = (first * cotangents[0, i]).sum() - (second * cotangents[1, i]).sum()
        found = torch.autograd.grad(gap, [p for _, p in owned], allow_unused=True)
        for (name, _), gradient in zip(owned, found, strict=True):
            totals[name] += 0.0 if gradient is None else float(gradient.abs().sum())
    return totals


def _measured(layers: dict[str, nn.Module], traces: Sequence[Trace]) -> Way:
    outputs = [trace.shape[1:].numel() for trace in traces]
    inputs = [trace.inputs.shape[1:].numel() for trace in traces]
    unfolded = [unfolded_size(layers[trace.layer], trace.shape[1:]) for trace in traces]
    return Way(
        tuple(layers),
        activations=sum(outputs) + sum(inputs),
        outputs=sum(outputs),
        widest=max(outputs, default=0),
        unfolded=max(unfolded, default=0),
    )


def saved_bytes(trunk: nn.Module, sample: Tensor) -> int:
    """Bytes that autograd keeps for the backward pass of one sample, parameters not counted."""
    held = {parameter.data_ptr() for parameter in trunk.parameters()}
    sizes: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in held:
            sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.enable_grad(), saved_tensors_hooks(pack, lambda tensor: tensor):
        trunk(sample)
    return sum(sizes.values())


_MODULE_STATE = frozenset(vars(nn.Module()))


def _signature(trunk: nn.Module, samples: Sequence[Tensor]) -> Hashable | None:
    """What decides how a trunk computes; None where something cannot be told."""
    parts: list[Hashable] = [
        (len(samples), len(samples[0]), samples[0].shape[1:], samples[0].dtype, samples[0].device)
    ]
    for name, module in trunk.named_modules(remove_duplicate=False):
        state = vars(module)
        if any(key.endswith("hooks") and value for key, value in state.items()):
            return None
        attributes = []
        for key in sorted(state.keys() - _MODULE_STATE):
            plain = _as_plain(state[key])
            if plain is None:
                return None
            attributes.append((key, plain))
        shapes = tuple(
            (key, parameter.shape, parameter.requires_grad)
            for key, parameter in module.named_parameters(recurse=False)
        )
        parts.append((name, type(module), module.training, tuple(attributes), shapes))
    return tuple(parts)


def _as_plain(value: object) -> Hashable | None:
    """A hashable stand-in for plain data; None for anything else."""
    if isinstance(value, list | tuple):
        each = tuple(_as_plain(part) for part in value)
        return None if None in each else each
    if value is None or isinstance(value, bool | int | float | str | torch.dtype):
        return (type(value).__name__, value)
    return None
