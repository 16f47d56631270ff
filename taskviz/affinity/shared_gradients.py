"""Gradients of the tasks with respect to the shared parameters, and the cosines between them."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

BLOCK = 1 << 20
"""Elements of a gradient that are taken to float64 at once."""


def shared_gradient(
    outputs: Tensor, shared: Sequence[nn.Parameter], signal: Tensor | None = None
) -> list[Tensor]:
    """Gradient of one task; zeros for a parameter it does not use. The graph is kept.

    Args:
        outputs: a loss, or outputs with the ``signal`` that is sent back through them.
        shared: parameters of the trunk.
    """
    found = torch.autograd.grad(
        outputs, shared, grad_outputs=signal, retain_graph=True, allow_unused=True
    )
    return [
        torch.zeros_like(parameter) if gradient is None else gradient
        for gradient, parameter in zip(found, shared, strict=True)
    ]


def gradient_gram(gradients: Sequence[Sequence[Tensor]]) -> NDArray[np.float64]:
    """``(T, T)`` inner products of T gradients, accumulated in float64.

    Args:
        gradients: for each task a tensor a parameter.
    """
    size = len(gradients)
    gram = np.zeros((size, size))
    for pieces in zip(*gradients, strict=True):
        flat = [piece.reshape(-1) for piece in pieces]
        for start in range(0, flat[0].numel(), BLOCK):
            block = torch.stack([piece[start : start + BLOCK] for piece in flat])
            # On the host: MPS has no float64.
            rows = block.detach().cpu().numpy().astype(np.float64)
            gram += rows @ rows.T
    return gram


def gram_cosines(gram: NDArray[np.float64], *, remove_mean: bool = False) -> NDArray[np.float64]:
    """Cosines between gradients, from their inner products.

    Args:
        gram: ``(T, T)``.
        remove_mean: take the mean gradient over the tasks off each first.

    Returns:
        ``(T, T)`` with a diagonal of 1; NaN for a task without a gradient, which does not enter
        the mean either.
    """
    scale = np.nan_to_num(np.diag(gram))
    alive = scale > 0
    values = np.full(gram.shape, np.nan)
    kept = gram[np.ix_(alive, alive)]
    if remove_mean and len(kept):
        kept = kept - kept.mean(axis=0) - kept.mean(axis=1)[:, None] + kept.mean()
    left = np.diag(kept)
    # What cancels to rounding is no direction.
    fine = left > 1e-13 * scale[alive]
    length = np.sqrt(np.where(fine, left, 1.0))
    cosines = np.clip(kept / length[:, None] / length, -1.0, 1.0)
    np.fill_diagonal(cosines, 1.0)
    cosines[~fine] = np.nan
    cosines[:, ~fine] = np.nan
    values[np.ix_(alive, alive)] = cosines
    return values
