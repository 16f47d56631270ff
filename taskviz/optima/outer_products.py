"""L1 distances between all pairs of outer products δ aᵀ, without forming one of them.

For two inputs a and a′ the distance ‖δ aᵀ − δ′ a′ᵀ‖₁ = Σ_j F(δ_j, δ′_j) with the piecewise linear
F(x, y) = Σ_k |x a_k − y a′_k|. Its breakpoints a_k / a′_k and the sums between them depend on the
two inputs alone: they are sorted once and serve every pair of signals that met these inputs, each
component by one binary search. So T tasks on n inputs cost O(n² (K log K + T² J log K)) in place of
O(n² T² J K).
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskviz.engines.compiled import machine_code

Floats = NDArray[np.float64]


def row_sums(unit: int, deltas: Floats, inputs: Floats, out: Floats) -> None:
    """Distances of one unit's products from those of every later unit.

    Plain loops: they run compiled (:func:`compiled`), and as they stand in tests.

    Args:
        unit: i.
        deltas: ``(n, T, J)``.
        inputs: ``(n, K)``.
        out: ``(n, T, T)``; ``out[j, s, t]`` is added ‖δ_is a_iᵀ − δ_jt a_jᵀ‖₁ for j > i.
    """
    n, tasks, height = deltas.shape
    width = inputs.shape[1]
    ratios, sources, weights = np.empty(width), np.empty(width), np.empty(width)
    # what is left of Σ|x a_k − y a′_k| = |x u_p − y v_p| once p breakpoints lie below y/x
    u, v = np.empty(width + 1), np.empty(width + 1)
    mine, theirs = np.empty((tasks, height)), np.empty((tasks, height))
    for j in range(unit + 1, n):
        size_i = size_j = lone = 0.0
        count = 0
        for k in range(width):
            a, b = inputs[unit, k], inputs[j, k]
            size_i += abs(a)
            size_j += abs(b)
            if b == 0.0:
                lone += abs(a)
                continue
            if b < 0.0:
                a, b = -a, -b
            ratios[count], sources[count], weights[count] = a / b, a, b
            count += 1
        order = np.argsort(ratios[:count])
        u[0] = sources[:count].sum()
        v[0] = weights[:count].sum()
        for p in range(count):
            u[p + 1] = u[p] - 2.0 * sources[order[p]]
            v[p + 1] = v[p] - 2.0 * weights[order[p]]
        breaks = ratios[order]
        # Where all signals of one side are 0 (an idle unit of a rectified layer) no search is due.
        active = 0
        only_i, only_j = np.zeros(tasks), np.zeros(tasks)
        for h in range(height):
            here = there = False
            for t in range(tasks):
                here |= deltas[unit, t, h] != 0.0
                there |= deltas[j, t, h] != 0.0
            if here and there:
                for t in range(tasks):
                    mine[t, active], theirs[t, active] = deltas[unit, t, h], deltas[j, t, h]
                active += 1
            elif here:
                for t in range(tasks):
                    only_i[t] += abs(deltas[unit, t, h])
            elif there:
                for t in range(tasks):
                    only_j[t] += abs(deltas[j, t, h])
        for s in range(tasks):
            for t in range(tasks):
                total = only_i[s] * size_i + only_j[t] * size_j
                for h in range(active):
                    x, y = mine[s, h], theirs[t, h]
                    if x == 0.0:
                        total += abs(y) * size_j
                        continue
                    at = y / x
                    # a binary search without branches, which no processor could foresee
                    low, length = 0, count
                    while length > 1:
                        half = length // 2
                        low += half * (breaks[low + half - 1] < at)
                        length -= half
                    if length and breaks[low] < at:
                        low += 1
                    total += abs(x * u[low] - y * v[low]) + abs(x) * lone
                out[j, s, t] += total


@cache
def compiled() -> Callable[..., Any]:
    """:func:`row_sums` as machine code."""
    return machine_code(row_sums)
