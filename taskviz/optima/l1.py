"""L1 distance of every pair of rows, accumulated in float64."""

import torch
from torch import Tensor
from torch.nn import functional as F

BLOCK_BYTES = 1 << 20
"""Gradients are formed in blocks of this size, compared at once, and thrown away: a block stays in
the cache of a core while all pairs are taken from it."""

COLUMNS = 1 << 15
"""Columns compared at once: a longer sum in float32 would lose digits before it goes on in
float64."""


def pair_indices(rows: int) -> tuple[Tensor, Tensor]:
    """First and second member of every pair, in the order of :func:`pairwise_l1`."""
    first, second = torch.triu_indices(rows, rows, 1)
    return first, second


def pairwise_l1(rows: Tensor) -> Tensor:
    """``(T, m)`` → ``(T(T−1)/2,)`` float64 Σ|row_s − row_t| of every pair s < t.

    On the device of ``rows``, or on the host where the device has no float64.
    """
    count, width = rows.shape
    fitting = BLOCK_BYTES // (max(count, 1) * rows.element_size())
    step = max(COLUMNS // 4, min(COLUMNS, fitting))
    if width <= COLUMNS:
        # one block as it is: cutting it would copy it
        return _pairs(rows)
    total = _pairs(rows[:, :step])
    for start in range(step, width, step):
        total += _pairs(rows[:, start : start + step])
    return total


def square(pairs: Tensor, rows: int) -> Tensor:
    """``(T(T−1)/2,)`` → symmetric ``(T, T)`` on the host, 0 on the diagonal."""
    full = torch.zeros(rows, rows, dtype=torch.float64)
    first, second = pair_indices(rows)
    full[first, second] = full[second, first] = pairs.cpu()
    return full


def accumulator(*shape: int, device: torch.device) -> Tensor:
    """Float64 zeros, on the host where the device has no float64."""
    where = torch.device("cpu") if device.type == "mps" else device
    return torch.zeros(shape, dtype=torch.float64, device=where)


def _pairs(rows: Tensor) -> Tensor:
    if rows.device.type == "mps":
        return by_subtraction(rows).cpu().double()
    return F.pdist(rows.contiguous(), p=1.0).double()


def by_subtraction(rows: Tensor) -> Tensor:
    """:func:`pairwise_l1` of one block in its own type, where the device has no fused form."""
    gaps = [(rows[s + 1 :] - rows[s]).abs().sum(dim=1) for s in range(len(rows) - 1)]
    return torch.cat(gaps) if gaps else rows.new_zeros(0)
