"""Gradients of the scale and shift of a normalisation layer, in closed form.

y = γ x̂ + β: the gradient of γ is Σ δ x̂ over positions, that of β is Σ δ. For batch norm this holds
in evaluation mode alone; in training mode a sample has no gradient of its own.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Normalisation = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d | nn.LayerNorm | nn.GroupNorm


def normalised(layer: Normalisation, inputs: Tensor) -> Tensor:
    """x̂ of ``(n, …)`` inputs."""
    if isinstance(layer, nn.LayerNorm):
        return F.layer_norm(inputs, layer.normalized_shape, eps=layer.eps)
    if isinstance(layer, nn.GroupNorm):
        return F.group_norm(inputs, layer.num_groups, eps=layer.eps)
    return F.batch_norm(inputs, layer.running_mean, layer.running_var, eps=layer.eps)


def scale_gradients(layer: Normalisation, deltas: Tensor, inputs: Tensor) -> Tensor:
    """``(T, n, features)`` gradients of γ.

    Args:
        deltas: ``(T, n, …)``.
        inputs: ``(n, …)``, or ``(T, n, …)`` where each task has an input of its own.
    """
    joint = inputs.dim() == deltas.dim() - 1
    hats = normalised(layer, inputs if joint else inputs.flatten(0, 1))
    products = deltas * (hats if joint else hats.view_as(inputs))
    return _over_positions(layer, products)


def shift_gradients(layer: Normalisation, deltas: Tensor) -> Tensor:
    """``(T, n, features)`` gradients of β."""
    return _over_positions(layer, deltas)


def _over_positions(layer: Normalisation, values: Tensor) -> Tensor:
    lead = values.shape[:2]
    if isinstance(layer, nn.LayerNorm):
        features = torch.Size(layer.normalized_shape).numel()
        return values.reshape(*lead, -1, features).sum(dim=2)
    return values.reshape(*lead, values.shape[2], -1).sum(dim=3)
