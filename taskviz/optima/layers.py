"""Which layers have a closed form, and the distances of one of them."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from taskviz.optima import linear, normalisation
from taskviz.optima.convolution import blocked_products, sampled_products, unfold
from taskviz.optima.l1 import accumulator, pairwise_l1

_NORMALISATIONS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.LayerNorm, nn.GroupNorm)
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)


@dataclass(frozen=True)
class Sampling:
    """Compare a random share of each convolution's output channels.

    Args:
        share: of the channels.
        generator: on the host.
    """

    share: float
    generator: torch.Generator


def closed_form_layers(trunk: nn.Module) -> tuple[dict[str, nn.Module], str]:
    """The layers that hold every parameter that learns, by name; or none, and the reason why.

    A subclass may compute something else, so types must match exactly.
    """
    layers: dict[str, nn.Module] = {}
    owners: dict[int, str] = {}
    for name, module in trunk.named_modules(remove_duplicate=False):
        own = dict(module.named_parameters(recurse=False))
        if not any(parameter.requires_grad for parameter in own.values()):
            continue
        label = f"{name or 'trunk'} ({type(module).__name__})"
        if not _has_closed_form(module, set(own)):
            return {}, f"{label} has no closed form"
        for parameter in own.values():
            if id(parameter) in owners:
                return {}, f"{label} shares a parameter with {owners[id(parameter)]}"
            owners[id(parameter)] = label
        layers[name] = module
    return layers, ""


def _has_closed_form(module: nn.Module, names: set[str]) -> bool:
    if names - {"weight", "bias"}:
        return False
    if type(module) in _CONVOLUTIONS:
        assert isinstance(module, _CONVOLUTIONS)
        return module.padding_mode == "zeros" and not isinstance(module.padding, str)
    return type(module) is nn.Linear or type(module) in _NORMALISATIONS


def layer_distances(
    layer: nn.Module, deltas: Tensor, inputs: Tensor, sampling: Sampling | None = None
) -> Tensor:
    """Distances over one layer's parameters, summed over units.

    Args:
        deltas: ``(T, n, …)`` gradients of the layer's output.
        inputs: ``(n, …)``, or ``(T, n, …)`` where each task has an input of its own.

    Returns:
        ``(2, T(T−1)/2)`` float64: sums, and their variance where channels were sampled.
    """
    tasks = len(deltas)
    total = accumulator(tasks * (tasks - 1) // 2, deltas.device)
    weight, bias = _learns(layer, "weight"), _learns(layer, "bias")
    if isinstance(layer, _NORMALISATIONS):
        if weight:
            rows = normalisation.scale_gradients(layer, deltas, inputs)
            total[0] += pairwise_l1(rows.reshape(tasks, -1))
        if bias:
            rows = normalisation.shift_gradients(layer, deltas)
            total[0] += pairwise_l1(rows.reshape(tasks, -1))
    elif isinstance(layer, nn.Linear):
        positions = deltas.flatten(2, -2).transpose(2, 3) if deltas.dim() > 3 else deltas[..., None]
        total += _products(positions, _at_positions(inputs, deltas), weight, bias, None)
    elif isinstance(layer, _CONVOLUTIONS):
        total += _convolution(layer, deltas, inputs, weight, bias, sampling)
    return total


def _learns(layer: nn.Module, name: str) -> bool:
    parameter = getattr(layer, name, None)
    return isinstance(parameter, nn.Parameter) and parameter.requires_grad


def _at_positions(inputs: Tensor, deltas: Tensor) -> Tensor:
    """Inputs of a linear layer as ``(…, n, K, P)``."""
    lead = 1 if inputs.dim() < deltas.dim() else 2
    if inputs.dim() == lead + 1:
        return inputs[..., None]
    return inputs.flatten(lead, -2).transpose(-1, -2)


def _convolution(
    layer: nn.Conv1d | nn.Conv2d,
    deltas: Tensor,
    inputs: Tensor,
    weight: bool,
    bias: bool,
    sampling: Sampling | None,
) -> Tensor:
    signal = deltas.flatten(3)
    joint = inputs.dim() < deltas.dim()
    height = signal.shape[2] // layer.groups
    total = accumulator(len(deltas) * (len(deltas) - 1) // 2, deltas.device)
    # One unit at a time: an unfolded input is as much larger than the input as its kernel.
    for i in range(signal.shape[1]):
        seen = unfold(layer, inputs[i : i + 1] if joint else inputs[:, i])
        seen = seen if joint else seen[:, None]
        width = seen.shape[-2] // layer.groups
        for g in range(layer.groups):
            own = signal[:, i : i + 1, g * height : (g + 1) * height]
            part = seen[..., g * width : (g + 1) * width, :]
            total += _products(own, part, weight, bias, sampling)
    return total


def _products(
    deltas: Tensor, seen: Tensor, weight: bool, bias: bool, sampling: Sampling | None
) -> Tensor:
    """``(2, pairs)`` for weights used at P positions.

    Args:
        deltas: ``(T, n, J, P)``.
        seen: ``(n, K, P)``, or ``(T, n, K, P)``.
    """
    tasks, n = deltas.shape[:2]
    joint = seen.dim() == 3
    total = accumulator(tasks * (tasks - 1) // 2, deltas.device)
    if deltas.shape[3] == 1:
        form = linear.same_input if joint else linear.different_inputs
        total[0] += form(deltas[..., 0], seen[..., 0], weight=weight, bias=bias)
        return total
    if bias:
        total[0] += pairwise_l1(deltas.sum(dim=3).reshape(tasks, -1))
    for i in range(n if weight else 0):
        own = seen[i] if joint else seen[:, i]
        if sampling is None:
            total[0] += blocked_products(deltas[:, i], own)
        else:
            sums, variance = sampled_products(deltas[:, i], own, sampling.share, sampling.generator)
            total[0] += sums
            total[1] += variance
    return total
