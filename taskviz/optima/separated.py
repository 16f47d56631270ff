"""Signals whose shape over the positions is the same for all tasks: no gradient need be formed.

So it is below a mean over all positions: a task sends one number into each channel, and the
activation lets it through at the same positions for every task.
"""

import torch
from torch import Tensor

from taskviz.optima.l1 import pairwise_l1

_TRIAL = 4
"""Channels that are looked at before all are."""


def separate(deltas: Tensor) -> tuple[Tensor, Tensor] | None:
    """Factors α ``(T, C)`` and shapes v ``(C, P)`` with δ_tcp = α_tc v_cp up to rounding, or None.

    Args:
        deltas: ``(T, C, P)``.
    """
    few = deltas[:, :_TRIAL]
    if few.shape[1] < deltas.shape[1] and _factors(few) is None:
        return None
    return _factors(deltas)


def separated_distances(factors: Tensor, shapes: Tensor, unfolded: Tensor) -> Tensor:
    """``(T(T−1)/2,)`` ‖δ_s Uᵀ − δ_t Uᵀ‖₁ = Σ_c |α_sc − α_tc| · ‖v_c Uᵀ‖₁.

    Args:
        unfolded: ``(K, P)`` U.
    """
    norms = (shapes @ unfolded.T).abs().sum(dim=1)
    return pairwise_l1(factors * norms)


def _factors(deltas: Tensor) -> tuple[Tensor, Tensor] | None:
    leaders = deltas.abs().sum(dim=2).argmax(dim=0)
    shapes = deltas[leaders, torch.arange(deltas.shape[1], device=deltas.device)]
    squares = (shapes * shapes).sum(dim=1)
    # a channel without a signal has factor 0
    squares = torch.where(squares > 0, squares, torch.ones_like(squares))
    factors = (deltas * shapes).sum(dim=2) / squares
    rest = (deltas - factors[:, :, None] * shapes).abs().amax(dim=2)
    eps = torch.finfo(deltas.dtype).eps
    near = rest <= 32 * eps * deltas.abs().amax(dim=2)
    return (factors, shapes) if bool(near.all()) else None
