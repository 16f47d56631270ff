"""L1 distances between all optima of some units: what a map of them rests on.

An optimum θ_i^t = θ_0 − η ∇ℓ_t(x_i) (SCA paper, eq. 5) differs from another by η times the
difference of two gradients, so distances between gradients are distances between optima in units
of η. Points stand task by task: number t·n + i is unit i under task t.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from taskviz.networks import MultiHeadNetwork
from taskviz.optima.cloud import Cloud, Method
from taskviz.optima.modes import check_modes
from taskviz.optima.units import Units
from taskviz.progress import SILENT, Progress
from taskviz.values import TaskvizError
from taskviz.values.storage import dumps, read_json, write_text

Floats = NDArray[np.float64]

MEMORY_MB = 256
"""Working memory beside network and data where nothing is said."""


@dataclass(frozen=True, eq=False)
class AllPairs:
    """Distances between the optima of some units.

    Args:
        tasks: ``(N,)`` number of each point's task.
        units: ``(N,)`` number of its unit.
        distances: ``(N, N)`` float64 ‖θ − θ′‖₁ / η, symmetric.
        way: ``outer products`` (linear layers, nothing formed), ``gradients`` (formed in blocks)
            or ``projection``.
        reason: why it is not the first.
        error: relative standard error of one distance; 0 where exact.
    """

    tasks: NDArray[np.int64]
    units: NDArray[np.int64]
    distances: Floats
    way: str
    reason: str = ""
    error: float = 0.0

    def save(self, folder: Path) -> None:
        """Write ``pairs.safetensors`` and ``pairs.json``."""
        from safetensors.numpy import save_file

        arrays = {"tasks": self.tasks, "units": self.units, "distances": self.distances}
        contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        save_file(contiguous, folder / "pairs.safetensors")
        about = {"way": self.way, "reason": self.reason, "error": self.error}
        write_text(folder / "pairs.json", dumps(about))

    @classmethod
    def read(cls, folder: Path) -> "AllPairs":
        """Read what :meth:`save` wrote."""
        from safetensors.numpy import load_file

        about = read_json(folder / "pairs.json", "table of distances")
        try:
            arrays = load_file(folder / "pairs.safetensors")
            tasks, units, distances = (arrays[name] for name in ("tasks", "units", "distances"))
            how = str(about["way"]), str(about["reason"]), float(about["error"])
        except (KeyError, TypeError, ValueError, OSError) as error:
            raise TaskvizError(f"These distances cannot be read ({error}).") from None
        return cls(tasks, units, distances, *how)


def all_pair_distances(
    network: MultiHeadNetwork,
    units: Units,
    *,
    method: Method = "auto",
    memory_mb: int = MEMORY_MB,
    seed: int = 0,
    progress: Progress = SILENT,
) -> AllPairs:
    """Distances between the optima of every unit and task, layer by layer.

    A trunk of linear layers is compared through outer products
    (:mod:`taskviz.optima.outer_products`). Any other trunk has its gradients formed, some columns
    at a time; where that would take too long (``EXACT_WORK`` of :mod:`taskviz.optima.cloud`),
    ``auto`` takes a random projection (:mod:`taskviz.optima.projection`) and states its error.

    Args:
        network: T heads on a trunk, in evaluation mode if it has batch norm or dropout.
        units: on the network's device and in its floating type; a missing label is no point.
        method: ``auto``, ``exact`` or ``projection``.
        memory_mb: working memory beside network and data.
        seed: of the projection.
        progress: told of units; asked for a cancel.

    Raises:
        TaskvizError: nothing to compare, a mode without per-sample gradients, too little memory,
            or a loss whose gradient is not finite.
    """
    if not len(units):
        raise TaskvizError("There is no unit to compare: the training split is empty.")
    check_modes(network.trunk)
    known = units.known.T.cpu().numpy()
    tasks, numbers = np.nonzero(known)
    if len(tasks) < 2:
        raise TaskvizError("Two optima at least are needed for a distance: there are no labels.")
    picked = np.flatnonzero(known.reshape(-1))
    cloud = Cloud(network, units, picked, memory_mb, progress)
    found, way, reason, error = cloud.measure(method, seed)
    # half of the sum: the same number whichever of two points comes first
    distances = 0.5 * (found + found.T)
    return AllPairs(tasks, numbers, distances, way, reason, error)


def shared_optimum_distances(
    network: MultiHeadNetwork,
    units: Units,
    *,
    memory_mb: int = MEMORY_MB,
    seed: int = 0,
    progress: Progress = SILENT,
) -> tuple[Floats, float]:
    """``(m, m)`` ‖θ_i − θ_j‖₁ / η between the shared optima θ_i = mean_t θ_i^t (eq. 6).

    Over the m units that have a label; the mean is over the tasks with a label.

    Returns:
        the distances, and the relative standard error of one: 0 where exact.
    """
    check_modes(network.trunk)
    labelled = torch.nonzero(units.known.any(dim=1))[:, 0]
    kept = units.take(labelled)
    picked = np.arange(len(kept))
    cloud = Cloud(network, kept, picked, memory_mb, progress, shared=True)
    found, _, _, error = cloud.measure("auto", seed)
    return np.asarray(0.5 * (found + found.T)), error
