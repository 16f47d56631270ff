"""Distances between gradients of a layer that uses its weights at several positions.

A convolution, or a linear layer on a sequence: the gradient of the weights of one unit is the
product of the backpropagated signal δ (C × P) with the unfolded input (K × P), K = C_in · kernel.
It is formed some columns at a time, compared at once and thrown away.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from taskviz.optima.l1 import BLOCK_BYTES, accumulator, pairwise_l1
from taskviz.optima.separated import separate, separated_distances

_STRIDE = 16
"""Columns come in multiples of this, which the matrix product likes."""

_GROUPS = 8
"""Random groups of sampled channels whose spread gives the error of the sampled mode."""


def unfold(layer: nn.Conv1d | nn.Conv2d, inputs: Tensor) -> Tensor:
    """``(n, C_in, …)`` → ``(n, K, P)``: what the kernel sees at every output position."""
    if isinstance(layer, nn.Conv1d):
        inputs = inputs[:, :, None]
    lead = 2 - len(layer.kernel_size)

    def both(values: tuple[int, ...], missing: int) -> tuple[int, ...]:
        return (missing,) * lead + values

    assert not isinstance(layer.padding, str), "padding by name has no closed form here"
    kernel, padding = both(layer.kernel_size, 1), both(layer.padding, 0)
    stride, dilation = both(layer.stride, 1), both(layer.dilation, 1)
    padded = F.pad(inputs, (padding[1], padding[1], padding[0], padding[0])).contiguous()
    n, channels = padded.shape[:2]
    sizes = [
        (size - d * (k - 1) - 1) // s + 1
        for size, k, s, d in zip(padded.shape[2:], kernel, stride, dilation, strict=True)
    ]
    steps = padded.stride()
    # A view and one copy of whole rows: several times as fast as im2col on large maps.
    windows = padded.as_strided(
        (n, channels, *kernel, *sizes),
        (
            *steps[:2],
            steps[2] * dilation[0],
            steps[3] * dilation[1],
            steps[2] * stride[0],
            steps[3] * stride[1],
        ),
    )
    return windows.reshape(n, channels * kernel[0] * kernel[1], sizes[0] * sizes[1])


def unfolded_size(layer: nn.Module, output: torch.Size) -> int:
    """Numbers in the unfolded input of one sample; 0 for a layer that unfolds nothing.

    Args:
        output: shape of the layer's output for one sample.
    """
    if not isinstance(layer, nn.Conv1d | nn.Conv2d):
        return 0
    return layer.in_channels * torch.Size(layer.kernel_size).numel() * output[1:].numel()


def blocked_products(deltas: Tensor, unfolded: Tensor) -> Tensor:
    """Pair sums of ‖δ_s Uᵀ − δ_t Uᵀ‖₁ for one unit.

    Args:
        deltas: ``(T, C, P)``.
        unfolded: ``(K, P)``, or ``(T, K, P)`` where each task has an input of its own.

    Returns:
        ``(T(T−1)/2,)`` float64.
    """
    if unfolded.dim() == 2:
        parts = separate(deltas)
        if parts is not None:
            return separated_distances(*parts, unfolded)
    found = [pairwise_l1(block) for block in _gradient_blocks(deltas, unfolded)]
    return torch.stack(found).sum(dim=0)


def _gradient_blocks(deltas: Tensor, unfolded: Tensor) -> Iterator[Tensor]:
    """``(R, C · columns)`` of δ Uᵀ, some columns at a time; each is overwritten by the next.

    Args:
        deltas: ``(R, C, P)``.
        unfolded: ``(K, P)``, or ``(R, K, P)``.
    """
    rows, channels, positions = deltas.shape
    width = unfolded.shape[-2]
    # All rows and some columns of the weight: so the signal is read as it lies.
    fitting = BLOCK_BYTES // (rows * channels * deltas.element_size())
    step = min(width, max(_STRIDE, fitting // _STRIDE * _STRIDE))
    buffer = deltas.new_empty(rows * channels * step)
    signal = deltas.reshape(rows * channels, positions)
    if unfolded.dim() == 3:
        signal = signal.view(rows, channels, positions)
    for seen in torch.split(unfolded.mT, step, dim=-1):
        out = buffer[: rows * channels * seen.shape[-1]]
        torch.matmul(signal, seen, out=out.view(*signal.shape[:-1], -1))
        yield out.view(rows, -1)


def sampled_products(
    deltas: Tensor, unfolded: Tensor, share: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """:func:`blocked_products` on a random share of the output channels, unbiased.

    m of C channels are drawn without replacement and the sum is scaled by C/m. They form up to 8
    random groups of equal size; with z_g the mean a channel of group g, the variance is estimated
    without bias by (1 − m/C) C² var(z)/groups.

    Returns:
        sums and variances, ``(T(T−1)/2,)`` float64 each.
    """
    tasks, channels, positions = deltas.shape
    wanted = max(2, round(share * channels))
    groups = min(_GROUPS, wanted)
    each = wanted // groups
    if each * groups >= channels:
        exact = blocked_products(deltas, unfolded)
        return exact, torch.zeros_like(exact)
    order = torch.randperm(channels, generator=generator)[: groups * each].to(deltas.device)
    drawn = deltas[:, order].view(tasks, groups, each, positions).transpose(0, 1)
    if unfolded.dim() == 3:
        unfolded = unfolded.repeat(groups, 1, 1)
    totals = accumulator(groups, tasks * (tasks - 1) // 2, device=deltas.device)
    for block in _gradient_blocks(drawn.reshape(groups * tasks, each, positions), unfolded):
        for total, group in zip(totals, block.view(groups, tasks, -1), strict=True):
            total += pairwise_l1(group)
    means = totals / each
    left_out = 1 - groups * each / channels
    return channels * means.mean(dim=0), left_out * channels**2 * means.var(dim=0) / groups
