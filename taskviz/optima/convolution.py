"""Distances between gradients of a layer that uses its weights at several positions.

A convolution, or a linear layer on a sequence: the gradient of the weights of one unit is the
product of the backpropagated signal δ (C × P) with the unfolded input (K × P), K = C_in · kernel.
It is formed some columns at a time, compared at once and thrown away.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from taskviz.optima.l1 import BLOCK_BYTES, pairwise_l1

_STRIDE = 16
"""Columns come in multiples of this, which the matrix product likes."""

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
    width = unfolded.shape[-2]
    # Columns of the weight and all its rows: so the signal is read as it lies.
    step = BLOCK_BYTES // (tasks * channels * deltas.element_size())
    step = min(width, max(_STRIDE, step // _STRIDE * _STRIDE))
    buffer = deltas.new_empty(tasks * channels * step)
    signal = deltas.reshape(tasks * channels, positions)
    total: Tensor | None = None
    for start in range(0, width, step):
        seen = unfolded[..., start : start + step, :].mT
        block = buffer[: tasks * channels * seen.shape[-1]]
        if unfolded.dim() == 2:
            torch.mm(signal, seen, out=block.view(tasks * channels, -1))
        else:
            torch.bmm(
                signal.view(tasks, channels, positions), seen, out=block.view(tasks, channels, -1)
            )
        found = pairwise_l1(block.view(tasks, -1))
        total = found if total is None else total + found
    assert total is not None, "a kernel with an input"
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
