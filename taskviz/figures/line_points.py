"""Which points of a long line are drawn, and a smoother one in its place."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


def smoothed(values: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    """Exponential moving average without its bias towards 0 at the start; NaN is passed over.

    Args:
        values: ``(n,)``.
        weight: of the past, 0 (nothing changes) to below 1.
    """
    if weight <= 0:
        return values
    made = np.full(len(values), np.nan)
    total = norm = 0.0
    for i, value in enumerate(values):
        if not np.isnan(value):
            total, norm = weight * total + value, weight * norm + 1.0
            made[i] = total / norm
    return made


def thinned(values: NDArray[np.float64], most: int) -> NDArray[np.intp]:
    """Positions to draw: first, last, and lowest and highest of each stretch, so that peaks stay.

    Args:
        values: ``(n,)``; NaN is passed over.
        most: at least 4.

    Returns:
        ``(≤ most,)`` ascending; all where n ≤ most.
    """
    if len(values) <= most:
        return np.arange(len(values))
    edges = np.linspace(0, len(values), (most - 2) // 2 + 1).astype(np.intp)
    keep = {0, len(values) - 1}
    low = np.where(np.isnan(values), np.inf, values)
    high = np.where(np.isnan(values), -np.inf, values)
    for start, stop in pairwise(edges):
        keep.add(int(start + low[start:stop].argmin()))
        keep.add(int(start + high[start:stop].argmax()))
    return np.array(sorted(keep), dtype=np.intp)
