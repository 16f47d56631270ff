"""In which order tasks stand on an axis."""

import re
from typing import Any, Literal, get_args

import numpy as np

from taskviz.values import AffinityMatrix, unknown_choice

Order = Literal["cluster", "name", "given"]
ORDERS: tuple[Order, ...] = get_args(Order)


def cluster_order(matrix: AffinityMatrix) -> list[int]:
    """Tasks in the order of a hierarchical clustering, so that blocks show.

    Average linkage on the symmetrised matrix turned into a distance (its largest entry minus the
    entry), leaves ordered so that neighbours are near (Bar-Joseph et al., 2001). A pair without
    data counts as the mean of the others.

    Returns:
        a permutation of ``0 … T−1``.
    """
    size = len(matrix.tasks)
    if size < 3:
        return list(range(size))
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    weights = matrix.symmetric()[np.triu_indices(size, 1)]
    known = ~np.isnan(weights)
    if not known.any() or np.ptp(weights[known]) == 0:
        return list(range(size))
    distance = weights[known].max() - np.where(known, weights, weights[known].mean())
    square = squareform(distance)
    # Equal distances give ties that rounding would decide: keep to twelve digits of the largest.
    condensed = squareform(np.round(square / square.max(), 12), checks=False)
    return [int(i) for i in leaves_list(linkage(condensed, "average", optimal_ordering=True))]


def task_order(matrix: AffinityMatrix, order: Order) -> list[int]:
    """Positions of the tasks in the order asked for.

    Raises:
        TaskvizError: an unknown order.
    """
    if order == "cluster":
        return cluster_order(matrix)
    if order == "name":
        return sorted(range(len(matrix.tasks)), key=lambda i: _natural(matrix.tasks[i]))
    if order != "given":
        raise unknown_choice("order of tasks", order, ORDERS)
    return list(range(len(matrix.tasks)))


def _natural(name: str) -> tuple[Any, ...]:
    """Sort key that puts t2 before t10."""
    return tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part.casefold())
        for part in re.split(r"(\d+)", name)
        if part
    )
