"""Which way a trunk's gradients are compared: layer by layer in closed form, or the generic way.

The closed forms of a network are checked against one plain backward pass a sample at its first
use. Where anything differs, the whole network goes the generic way, which assumes nothing.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from taskviz.engines.memory import give_back, out_of_memory
from taskviz.optima.capture import (
    Irregular,
    Signals,
    TaskTraces,
    output_gradients,
    recording,
    regular,
)
from taskviz.optima.convolution import unfolded_size
from taskviz.optima.layers import closed_form_layers, layer_distances
from taskviz.optima.recurrent import SAVED, CellLayer

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
        alone: whether one sample alone was checked, since two did not fit: more must not be
            compared at once.
    """

    layers: tuple[str, ...]
    reason: str = ""
    activations: int = 0
    outputs: int = 0
    widest: int = 0
    unfolded: int = 0
    alone: bool = False


KNOWN: dict[Hashable, Way] = {}


def choose_way(
    trunk: nn.Module, samples: Sequence[Tensor], afford: Callable[[Way], object] = lambda way: None
) -> Way:
    """The way for this trunk; checked on two samples at the first use of its architecture.

    Args:
        samples: ``(n, …)`` inputs: one for all tasks, or one a task (the two largest are used).
        afford: told of the way before its check takes any memory; may raise.

    Raises:
        RuntimeError: out of memory with one sample.
    """
    layers, reason = closed_form_layers(trunk)
    if not layers:
        return Way((), reason or "no parameter of the trunk learns")
    # Series of several lengths: the longest tell what memory is needed.
    longest = sorted(samples, key=lambda sample: -sample[:1].numel())
    tried = [sample[:_UNITS] for sample in longest[:2]]
    signature = _signature(trunk, tried)
    if signature is not None and signature in KNOWN:
        return KNOWN[signature]
    try:
        found = _check(trunk, layers, tried, afford)
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error) or len(tried[0]) == 1:
            raise
    else:
        if signature is not None:
            KNOWN[signature] = found
        return found
    # Not remembered: another time more memory may be free.
    give_back()
    found = _check(trunk, layers, [sample[:1] for sample in tried], afford)
    return replace(found, alone=True)


def _check(
    trunk: nn.Module,
    layers: dict[str, nn.Module],
    samples: list[Tensor],
    afford: Callable[[Way], object],
) -> Way:
    """Compare every layer's distances with the plain loop for two random cotangents a sample."""
    joint, rows = len(samples) == 1, len(samples[0])
    dtype = samples[0].dtype
    try:
        if joint:
            with torch.enable_grad(), recording(layers) as traces:
                features = trunk(samples[0])
            regular(traces, rows)
            names, shapes = [t.layer for t in traces], [t.shape for t in traces]
            seen = [trace.inputs for trace in traces]
        else:
            passed = TaskTraces(trunk, layers, samples)
            names, shapes, seen, features = (
                passed.names,
                passed.shapes,
                passed.inputs,
                passed.features[0],
            )
        measured = _measured(layers, names, shapes, seen, joint)
        afford(measured)
        generator = torch.Generator().manual_seed(0)
        draw = torch.randn(2, rows, *features.shape[1:], generator=generator)
        cotangents = draw.to(features.device, features.dtype)
        found: Sequence[Signals]
        if joint:
            found = output_gradients(features, traces, cotangents)
        else:
            found = passed.gradients(cotangents)
    except Irregular as irregular:
        return Way((), str(irregular))
    except (RuntimeError, NotImplementedError, TypeError, AttributeError, IndexError) as error:
        if out_of_memory(error):
            raise
        return Way((), f"its layers cannot be traced ({type(error).__name__})")
    closed = dict.fromkeys(layers, 0.0)
    for name, own, deltas in zip(names, seen, found, strict=True):
        closed[name] = float(layer_distances(layers[name], deltas, own)[0])
    plain = _plain(trunk, layers, samples, cotangents)
    total = sum(plain.values())
    tolerance = _TOLERANCE.get(dtype, 1e-2)
    for name, expected in plain.items():
        # a share of the total: a layer whose gradients all but vanish is rounding and no evidence
        if not abs(closed[name] - expected) <= tolerance * (expected + 1e-3 * total):
            kind = type(layers[name]).__name__
            return Way((), f"layer {name!r} ({kind}) does more than its closed form knows")
    return measured


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


def _measured(
    layers: dict[str, nn.Module],
    names: Sequence[str],
    shapes: Sequence[torch.Size],
    seen: Sequence[Tensor],
    joint: bool,
) -> Way:
    outputs = [shape[1:].numel() for shape in shapes]
    inputs = [own.shape[1 if joint else 2 :].numel() for own in seen]
    unfolded = [unfolded_size(layers[n], s[1:]) for n, s in zip(names, shapes, strict=True)]
    steps = [o for o, n in zip(outputs, names, strict=True) if isinstance(layers[n], CellLayer)]
    return Way(
        tuple(layers),
        activations=sum(outputs) + sum(inputs) + SAVED * sum(steps),
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


_FLAT = frozenset({"_flat_weights", "_flat_weight_refs"})
_MODULE_STATE = frozenset(vars(nn.Module()))


def _signature(trunk: nn.Module, samples: Sequence[Tensor]) -> Hashable | None:
    """What decides how a trunk computes; None where something cannot be told."""
    parts: list[Hashable] = [
        (len(samples), *(s.shape for s in samples), samples[0].dtype, samples[0].device)
    ]
    for name, module in trunk.named_modules(remove_duplicate=False):
        state = vars(module)
        if any(key.endswith("hooks") and value for key, value in state.items()):
            return None
        attributes = []
        # What an RNN keeps of its parameters beside them says nothing more.
        beside = _FLAT if isinstance(module, nn.RNNBase) else frozenset()
        for key in sorted(state.keys() - _MODULE_STATE - beside):
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
