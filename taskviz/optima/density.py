"""Density of optima and the bounds on the training loss that rest on it (SCA paper, eq. 7-15).

Distances are between optima: η times distances between gradients. H bounds the diagonal of the
Hessian of every task's loss from above. The bounds assume that one step reaches zero loss on its
sample; they are loose, and belong beside the measured loss.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def unit_densities(distances: Floats, curvature: float) -> Floats:
    """ψ_i = (√H/T²) Σ_s Σ_t ‖θ_i^s − θ_i^t‖₁ of every unit (eq. 7); smaller is denser.

    Args:
        distances: ``(n, T, T)``; NaN where a label is missing: such a unit is one of its known
            tasks alone, and T is their number.
        curvature: H.

    Returns:
        ``(n,)``; NaN for a unit without labels.
    """
    known = ~np.isnan(distances)
    # a known task has distance 0 from itself, so the diagonal counts the known tasks
    tasks = known_tasks(distances)
    sums = np.where(known, distances, 0.0).sum(axis=(1, 2))
    return np.where(tasks > 0, np.sqrt(curvature) * sums / np.maximum(tasks, 1) ** 2, np.nan)


def known_tasks(distances: Floats) -> NDArray[np.int64]:
    """``(n,)`` tasks with labels in each unit."""
    diagonals = np.diagonal(distances, axis1=1, axis2=2)
    return np.asarray((~np.isnan(diagonals)).sum(axis=1), dtype=np.int64)


def shared_density(distances: Floats, curvature: float) -> float:
    """Ψ = (√H/n²) Σ_i Σ_j ‖θ_i − θ_j‖₁ over the units' shared optima (eq. 13).

    Args:
        distances: ``(n, n)`` between shared optima θ_i = mean_t θ_i^t (eq. 6).
        curvature: H.
    """
    return float(np.sqrt(curvature) * distances.sum() / len(distances) ** 2)


def unit_bounds(densities: Floats, tasks: int | NDArray[np.int64]) -> Floats:
    """J_i ≤ T³ ψ_i² for the mean loss of a unit's tasks (theorem 4.2)."""
    return np.asarray(np.asarray(tasks, dtype=np.float64) ** 3 * densities**2)


def bound_over_tasks(densities: Floats, tasks: int | NDArray[np.int64]) -> float:
    """J ≤ (T³/n) Σ_i ψ_i² (eq. 12), over the units that have labels."""
    return float(np.nanmean(unit_bounds(densities, tasks)))


def bound_over_units(density: float, n: int) -> float:
    """J ≤ n³ Ψ² (eq. 14)."""
    return float(n) ** 3 * density**2


def bound(densities: Floats, tasks: int | NDArray[np.int64], density: float) -> float:
    """Mean of the two bounds: J ≤ (T³/2n) Σ_i ψ_i² + (n³/2) Ψ² (eq. 15)."""
    over_units = bound_over_units(density, len(densities))
    return 0.5 * (bound_over_tasks(densities, tasks) + over_units)
