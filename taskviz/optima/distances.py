"""L1 distances between the task gradients of many units, summed over the units."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from taskviz.networks import MultiHeadNetwork
from taskviz.optima.plain import plain_distances
from taskviz.optima.units import Units
from taskviz.progress import SILENT, Progress


@dataclass(frozen=True)
class PairwiseDistances:
    """Sums of ‖∇ℓ_s − ∇ℓ_t‖₁ over the units where both tasks have a label.

    Args:
        sums: ``(T, T)`` float64, symmetric.
        counts: ``(T, T)`` int64 units behind each sum.
    """

    sums: NDArray[np.float64]
    counts: NDArray[np.int64]

    @property
    def means(self) -> NDArray[np.float64]:
        """``(T, T)`` a[s,t] of eq. 16 (with η = 1); NaN where no unit has both labels."""
        return np.where(self.counts > 0, self.sums / np.maximum(self.counts, 1), np.nan)


def pairwise_distances(
    network: MultiHeadNetwork, units: Units, *, progress: Progress = SILENT
) -> PairwiseDistances:
    """Distances of every pair of tasks over the shared parameters (SCA paper, eq. 16)."""
    tasks = len(units.tasks)
    sums = torch.zeros(tasks, tasks, dtype=torch.float64)
    known = units.known.cpu()
    both = known[:, :, None] & known[:, None, :]
    progress.begin("Comparing task gradients", len(units))
    for i in range(len(units)):
        progress.check()
        found = plain_distances(network, units.part(i, i + 1))[0]
        sums += torch.where(both[i], found, torch.zeros_like(found))
        progress.advance()
    return PairwiseDistances(sums.numpy(), both.sum(dim=0).numpy())
