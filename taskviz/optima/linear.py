"""Distances between gradients of a linear layer that saw one input a unit.

The gradient of the weights is the outer product δ aᵀ of the backpropagated signal δ (J) and the
layer's input a (K), that of the bias is δ. Neither is ever formed on a shared input.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from taskviz.optima.l1 import BLOCK_BYTES, COLUMNS, pairwise_l1

_SORT_FROM = {torch.float64: 144.0, torch.float32: 256.0}
"""Sorting beats the dense form from this J·K/(J+K) on (measured; the dense form is a few fused
passes over J·K numbers, sorting some twenty over J+K)."""


def same_input(deltas: Tensor, inputs: Tensor, *, weight: bool = True, bias: bool = True) -> Tensor:
    """Pair sums where all tasks share the input: ‖δ_s aᵀ − δ_t aᵀ‖₁ = ‖δ_s − δ_t‖₁ · ‖a‖₁.

    Args:
        deltas: ``(T, n, J)``.
        inputs: ``(n, K)``.
        weight: count the weights.
        bias: count the bias.

    Returns:
        ``(T(T−1)/2,)`` float64.
    """
    tasks, n, height = deltas.shape
    factors = inputs.abs().sum(dim=1) if weight else torch.zeros_like(inputs[:, 0])
    factors = (factors + float(bias))[:, None]
    step = max(1, COLUMNS // 4 // height)
    total: Tensor | None = None
    for i in range(0, n, step):
        rows = deltas[:, i : i + step] * factors[i : i + step]
        found = pairwise_l1(rows.view(tasks, -1))
        total = found if total is None else total + found
    assert total is not None, "at least one unit"
    return total


def different_inputs(
    deltas: Tensor, inputs: Tensor, *, weight: bool = True, bias: bool = True
) -> Tensor:
    """Pair sums where each task has an input of its own: Σ_jk |δˢ_j aˢ_k − δᵗ_j aᵗ_k|.

    Args:
        deltas: ``(T, n, J)``.
        inputs: ``(T, n, K)``.
    """
    tasks, _, height = deltas.shape
    width = inputs.shape[2]
    total = torch.zeros(tasks * (tasks - 1) // 2, dtype=torch.float64)
    if weight:
        threshold = _SORT_FROM.get(deltas.dtype, np.inf)
        sort = deltas.device.type == "cpu" and height * width >= threshold * (height + width)
        total = sorted_form(deltas, inputs) if sort else dense_form(deltas, inputs)
    if bias:
        total = total + pairwise_l1(deltas.reshape(tasks, -1)).to(total.device)
    return total


def dense_form(deltas: Tensor, inputs: Tensor) -> Tensor:
    """:func:`different_inputs`, outer products in blocks: O(JK) a pair."""
    tasks, n, height = deltas.shape
    width = inputs.shape[2]
    one = tasks * width * deltas.element_size()
    total: Tensor | None = None
    rows = max(1, min(height, BLOCK_BYTES // one))
    units = max(1, BLOCK_BYTES // (one * height))
    for i in range(0, n, units):
        a = inputs[:, i : i + units, None, :]
        for j in range(0, height, rows):
            block = deltas[:, i : i + units, j : j + rows, None] * a
            found = pairwise_l1(block.view(tasks, -1))
            total = found if total is None else total + found
    assert total is not None, "at least one unit"
    return total


def sorted_form(deltas: Tensor, inputs: Tensor) -> Tensor:
    """:func:`different_inputs` by sorting: O((J+K) log(J+K)) a pair, on the host.

    With u_j = (δˢ_j, δᵗ_j) and v_k = (aˢ_k, −aᵗ_k) the sum is Σ_k Σ_j |⟨u_j, v_k⟩|. Turn every u_j
    into the upper half plane, which changes no absolute value, and sort by angle: the sign of
    ⟨u_j, v_k⟩ then flips once, where u_j passes the direction w_k perpendicular to v_k. So
    Σ_j |⟨u_j, v_k⟩| = |⟨2P_k − P, v_k⟩|, P_k the sum of the u_j before w_k and P that of all.
    There is no division by a coordinate: zeros and ties fall on one side or the other, where they
    add 0 either way.
    """
    tasks, n, height = deltas.shape
    columns = height + inputs.shape[2]
    flat_deltas = deltas.detach().double().numpy().reshape(tasks * n, height)
    flat_inputs = inputs.detach().double().numpy().reshape(tasks * n, -1)
    first, second = np.triu_indices(tasks, 1)
    pairs = len(first)
    total = np.zeros(pairs)
    # some ten arrays of 8 bytes a column are alive at once
    rows = max(1, BLOCK_BYTES // (80 * columns))
    for start in range(0, n * pairs, rows):
        unit, pair = np.divmod(np.arange(start, min(start + rows, n * pairs)), pairs)
        one, other = first[pair] * n + unit, second[pair] * n + unit
        found = _half_plane_sums(
            flat_deltas[one], flat_deltas[other], flat_inputs[one], flat_inputs[other]
        )
        np.add.at(total, pair, found)
    return torch.from_numpy(total)


def _half_plane_sums(
    delta_s: NDArray[np.float64],
    delta_t: NDArray[np.float64],
    input_s: NDArray[np.float64],
    input_t: NDArray[np.float64],
) -> NDArray[np.float64]:
    """``(R,)`` of Σ_jk |δˢ_j aˢ_k − δᵗ_j aᵗ_k| for R rows at once."""
    height = delta_s.shape[1]
    # w_k = (aᵗ_k, aˢ_k) is perpendicular to v_k, and |⟨p, v⟩| = |p × w|.
    x = np.concatenate([delta_s, input_t], axis=1)
    y = np.concatenate([delta_t, input_s], axis=1)
    below = (y < 0) | ((y == 0) & (x < 0))
    np.negative(x, out=x, where=below)
    np.negative(y, out=y, where=below)
    size = np.abs(x)
    size += y
    np.copyto(size, 1.0, where=size == 0)
    # 1 − cos in the L1 sense: rises from 0 to 2 with the angle, defined for zero vectors too.
    # Angle and column number share one integer, since sorting integers is the fastest sort.
    bits = int(x.shape[1] - 1).bit_length()
    key = ((1.0 - x / size) * 2.0 ** (61 - bits)).astype(np.int64)
    key <<= bits
    key |= np.arange(x.shape[1])
    key.sort(axis=1)
    key &= (1 << bits) - 1
    x, y = np.take_along_axis(x, key, axis=1), np.take_along_axis(y, key, axis=1)
    breaks = key >= height
    px = np.cumsum(np.where(breaks, 0.0, x), axis=1)
    py = np.cumsum(np.where(breaks, 0.0, y), axis=1)
    px = 2 * px - px[:, -1:]
    py = 2 * py - py[:, -1:]
    sums = np.abs(px * y - py * x)
    sums[~breaks] = 0.0
    return np.asarray(sums.sum(axis=1))
