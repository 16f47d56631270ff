"""Distances between gradients of a layer that uses its weights at several positions.

A convolution, or a linear layer on a sequence: the gradient of the weights of one unit is the
product of the backpropagated signal δ (C × P) with the unfolded input (K × P), K = C_in · kernel.
It is formed for some output channels at a time, compared at once and thrown away.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from taskviz.optima.l1 import BLOCK_BYTES, pairwise_l1

_GROUPS = 16
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
    stride = both(layer.stride, 1)
    if kernel == (1, 1) and padding == (0, 0):
        return inputs[:, :, :: stride[0], :: stride[1]].flatten(2)
    return F.unfold(inputs, kernel, both(layer.dilation, 1), padding, stride)


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
    tasks, channels, positions = deltas.shape
    shared = unfolded.dim() == 2
    width = unfolded.shape[-2]
    step = max(1, min(channels, BLOCK_BYTES // (tasks * width * deltas.element_size())))
    buffer = deltas.new_empty(tasks * step * width)
    total: Tensor | None = None
    for start in range(0, channels, step):
        part = deltas[:, start : start + step]
        count = part.shape[1]
        block = buffer[: tasks * count * width]
        if shared:
            flat = part.reshape(tasks * count, positions)
            torch.mm(flat, unfolded.T, out=block.view(tasks * count, width))
        else:
            torch.bmm(part, unfolded.transpose(1, 2), out=block.view(tasks, count, width))
        found = pairwise_l1(block.view(tasks, -1))
        total = found if total is None else total + found
    assert total is not None, "at least one channel"
    return total


def sampled_products(
    deltas: Tensor, unfolded: Tensor, share: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """:func:`blocked_products` on a random share of the output channels, unbiased.

    m of C channels are drawn without replacement and the sum is scaled by C/m. They form up to 16
    random groups of equal size; with z_g the mean a channel of group g, the variance is estimated
    without bias by (1 − m/C) C² var(z)/groups.

    Returns:
        sums and variances, ``(T(T−1)/2,)`` float64 each.
    """
    channels = deltas.shape[1]
    wanted = max(2, round(share * channels))
    groups = min(_GROUPS, wanted)
    each = wanted // groups
    if each * groups >= channels:
        exact = blocked_products(deltas, unfolded)
        return exact, torch.zeros_like(exact)
    order = torch.randperm(channels, generator=generator).to(deltas.device)
    means = torch.stack(
        [
            blocked_products(deltas[:, order[g * each : (g + 1) * each]], unfolded) / each
            for g in range(groups)
        ]
    )
    left_out = 1 - groups * each / channels
    return channels * means.mean(dim=0), left_out * channels**2 * means.var(dim=0) / groups
