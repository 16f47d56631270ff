"""Gradients of the scale and shift of a normalisation layer, in closed form.

y = γ x̂ + β: the gradient of γ is Σ δ x̂ over positions, that of β is Σ δ. For batch norm this holds
in evaluation mode alone; in training mode a sample has no gradient of its own.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from taskviz.optima.capture import Signals

Normalisation = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d | nn.LayerNorm | nn.GroupNorm


def normalised(layer: Normalisation, inputs: Tensor) -> Tensor:
    """x̂ of ``(n, …)`` inputs."""
    if isinstance(layer, nn.LayerNorm):
        return F.layer_norm(inputs, layer.normalized_shape, eps=layer.eps)
    if isinstance(layer, nn.GroupNorm):
        return F.group_norm(inputs, layer.num_groups, eps=layer.eps)
    return F.batch_norm(inputs, layer.running_mean, layer.running_var, eps=layer.eps)


def scale_gradients(layer: Normalisation, deltas: Signals, inputs: Tensor) -> Tensor:
    """``(T, n, features)`` gradients of γ.

    Args:
        deltas: ``(T, n, …)``.
        inputs: ``(n, …)``, or ``(T, n, …)`` where each task has an input of its own.
    """
    joint = inputs.dim() == deltas[0].dim()
    hats = normalised(layer, inputs if joint else inputs.flatten(0, 1))
    each = [hats] * len(deltas) if joint else hats.view_as(inputs).unbind()
    return torch.stack(
        [
            torch.linalg.vecdot(_by_feature(layer, own), _by_feature(layer, hat))
            for own, hat in zip(deltas, each, strict=True)
        ]
    )


def shift_gradients(layer: Normalisation, deltas: Signals) -> Tensor:
    """``(T, n, features)`` gradients of β."""
    return torch.stack([_by_feature(layer, own).sum(dim=2) for own in deltas])


def _by_feature(layer: Normalisation, values: Tensor) -> Tensor:
    """``(n, features, positions)``."""
    n = len(values)
    if isinstance(layer, nn.LayerNorm):
        features = torch.Size(layer.normalized_shape).numel()
        return values.reshape(n, -1, features).mT
    return values.reshape(n, values.shape[1], -1)
