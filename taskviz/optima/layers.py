"""Which layers have a closed form, and the distances of one of them."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from taskviz.optima import linear, normalisation
from taskviz.optima.capture import Signals, in_one_piece, of_unit
from taskviz.optima.convolution import blocked_products, sampled_products, unfold
from taskviz.optima.l1 import pairwise_l1
from taskviz.optima.recurrent import CellLayer, cell_layers

_NORMALISATIONS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.LayerNorm, nn.GroupNorm)
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)


Distances = tuple[Tensor, Tensor | None]
"""Sums of every pair, and their variance where they rest on a sample."""


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
        cells = cell_layers(name, module)
        if cells is not None and not any(id(parameter) in owners for parameter in own.values()):
            layers |= cells
            owners |= {id(parameter): f"{name or 'trunk'} (LSTM)" for parameter in own.values()}
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
    layer: nn.Module, deltas: Signals, inputs: Tensor, sampling: Sampling | None = None
) -> Distances:
    """Distances over one layer's parameters, summed over units.

    Args:
        deltas: ``(T, n, …)`` gradients of the layer's output.
        inputs: ``(n, …)``, or ``(T, n, …)`` where each task has an input of its own.

    Returns:
        ``(T(T−1)/2,)`` float64 sums, and their variance where channels were sampled.
    """
    joint = inputs.dim() == deltas[0].dim()
    if isinstance(layer, CellLayer):
        signals = in_one_piece(deltas)
        if signals.dim() == 3:
            # whole gradients, of series that differ in length
            return pairwise_l1(signals.flatten(1)), None
        weights, _ = _products(signals.mT, inputs.mT, (True, False), None)
        # two biases are added, so each has the same gradient
        return weights + 2 * pairwise_l1(signals.sum(dim=2).flatten(1)), None
    learns = _learns(layer, "weight"), _learns(layer, "bias")
    if isinstance(layer, nn.Linear):
        signals = in_one_piece(deltas)
        if signals.dim() == 3:
            return _products(signals[..., None], inputs[..., None], learns, None)
        seen = inputs.flatten(1 if joint else 2, -2).mT
        return _products(signals.flatten(2, -2).mT, seen, learns, None)
    if isinstance(layer, _CONVOLUTIONS):
        return _convolution(layer, deltas, inputs, joint, learns, sampling)
    assert isinstance(layer, _NORMALISATIONS), "a layer of closed_form_layers"
    rows = []
    if learns[0]:
        rows.append(normalisation.scale_gradients(layer, deltas, inputs).flatten(1))
    if learns[1]:
        rows.append(normalisation.shift_gradients(layer, deltas).flatten(1))
    return pairwise_l1(torch.cat(rows, dim=1)), None


def _learns(layer: nn.Module, name: str) -> bool:
    parameter = getattr(layer, name, None)
    return isinstance(parameter, nn.Parameter) and parameter.requires_grad


def _convolution(
    layer: nn.Conv1d | nn.Conv2d,
    deltas: Signals,
    inputs: Tensor,
    joint: bool,
    learns: tuple[bool, bool],
    sampling: Sampling | None,
) -> Distances:
    found: list[Distances] = []
    # One unit at a time: an unfolded input is as much larger than the input as its kernel.
    for i in range(len(deltas[0])):
        signal = of_unit(deltas, i).flatten(2)[:, None]
        seen = unfold(layer, inputs[i : i + 1] if joint else inputs[:, i])
        seen = seen if joint else seen[:, None]
        height, width = signal.shape[2] // layer.groups, seen.shape[-2] // layer.groups
        for g in range(layer.groups):
            own = signal[:, :, g * height : (g + 1) * height]
            part = seen[..., g * width : (g + 1) * width, :]
            found.append(_products(own, part, learns, sampling))
    return _added(found)


def _products(
    deltas: Tensor, seen: Tensor, learns: tuple[bool, bool], sampling: Sampling | None
) -> Distances:
    """Distances of weights that are used at P positions, and of their bias.

    Args:
        deltas: ``(T, n, J, P)``.
        seen: ``(n, K, P)``, or ``(T, n, K, P)``.
        learns: whether the weight and the bias do.
    """
    weight, bias = learns
    joint = seen.dim() == 3
    if deltas.shape[3] == 1:
        form = linear.same_input if joint else linear.different_inputs
        return form(deltas[..., 0], seen[..., 0], weight=weight, bias=bias), None
    found: list[Distances] = []
    if bias:
        found.append((pairwise_l1(deltas.sum(dim=3).flatten(1)), None))
    for i in range(deltas.shape[1] if weight else 0):
        own = seen[i] if joint else seen[:, i]
        if sampling is None:
            found.append((blocked_products(deltas[:, i], own), None))
        else:
            share, generator = sampling.share, sampling.generator
            found.append(sampled_products(deltas[:, i], own, share, generator))
    return _added(found)


def _added(found: list[Distances]) -> Distances:
    sums = torch.stack([own for own, _ in found]).sum(dim=0)
    variances = [variance for _, variance in found if variance is not None]
    return sums, torch.stack(variances).sum(dim=0) if variances else None
