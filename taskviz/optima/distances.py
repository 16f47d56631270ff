"""L1 distances between the task gradients of many units.

The public face of this room: a network and units in, distances out, by the fastest way that is
exact for this network (:mod:`taskviz.optima.way`) and within a given memory.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from taskviz.networks import MultiHeadNetwork
from taskviz.optima.comparison import Comparison, Run, block_numbers
from taskviz.optima.l1 import square
from taskviz.optima.units import Units
from taskviz.progress import SILENT, Progress

MEMORY_MB = 512
"""Working memory that a comparison may use, beside network and data, where nothing is said."""


@dataclass(frozen=True)
class PairwiseDistances:
    """Sums of ‖∇ℓ_s − ∇ℓ_t‖₁ over the units where both tasks have a label.

    Args:
        sums: ``(T, T)`` float64, symmetric.
        counts: ``(T, T)`` int64 units behind each sum.
        variance: ``(T, T)`` of each sum, from sampling channels; 0 where all were compared.
        way: ``layers`` (closed forms) or ``generic``.
        reason: why the way is the generic one.
        block_sums: ``(B, T, T)`` the sums of each block of neighbouring units.
        block_counts: ``(B, T, T)`` int64 units behind each of these.
    """

    sums: NDArray[np.float64]
    counts: NDArray[np.int64]
    variance: NDArray[np.float64]
    way: str
    reason: str
    block_sums: NDArray[np.float64]
    block_counts: NDArray[np.int64]

    @property
    def means(self) -> NDArray[np.float64]:
        """``(T, T)`` a[s,t] of eq. 16 (with η = 1); NaN where no unit has both labels."""
        return np.where(self.counts > 0, self.sums / np.maximum(self.counts, 1), np.nan)

    @property
    def sampling_error(self) -> NDArray[np.float64]:
        """``(T, T)`` standard error of :attr:`means` from sampling channels."""
        return np.asarray(np.sqrt(self.variance) / np.maximum(self.counts, 1))


def pairwise_distances(
    network: MultiHeadNetwork,
    units: Units,
    *,
    memory_mb: int = MEMORY_MB,
    channels: float = 1.0,
    seed: int = 0,
    scales: Sequence[float] | None = None,
    blocks: int = 1,
    progress: Progress = SILENT,
) -> PairwiseDistances:
    """Distances of every pair of tasks over the shared parameters (SCA paper, eq. 16).

    Equal to one backward pass a unit and task (:func:`taskviz.optima.plain.plain_distances`) up to
    rounding. Parameters that do not learn (``requires_grad=False``) have no gradient and no part.

    Args:
        network: T heads on a trunk; in evaluation mode if it has batch norm or dropout.
        units: on the network's device and in its floating type.
        memory_mb: working memory beside network and data.
        channels: share of each convolution's output channels to compare, drawn anew for every
            unit; below 1 the sums are unbiased and carry a variance.
        seed: of that draw.
        scales: factor of each task's gradient.
        blocks: of neighbouring units, to be told apart; at most as many as there are units.
        progress: told of units; asked for a cancel.

    Raises:
        TaskvizError: training-mode batch norm or dropout; memory too small for one unit; a loss
            whose gradient is not finite.
    """
    comparison = Comparison(
        network,
        units,
        memory_mb=memory_mb,
        channels=channels,
        seed=seed,
        scales=scales,
        blocks=blocks,
    )
    tasks = len(units.tasks)
    of_unit = block_numbers(len(units), blocks)
    parts: list[list[Run]] = [[] for _ in range(of_unit[-1] + 1)]
    for run in comparison.runs(progress):
        parts[of_unit[run.units[0]]].append(run)
    found = torch.stack([_total(runs, tasks) for runs in parts])
    total = found.sum(dim=0)
    known = units.known.long().cpu().numpy()
    own = [known[np.equal(of_unit, block)] for block in range(len(parts))]
    counts = np.stack([labels.T @ labels for labels in own])
    return PairwiseDistances(
        sums=total[0].numpy(),
        counts=counts.sum(axis=0),
        variance=total[1].numpy(),
        block_sums=found[:, 0].numpy(),
        block_counts=counts,
        way="layers" if comparison.way.layers else "generic",
        reason=comparison.way.reason,
    )


def unit_distances(
    network: MultiHeadNetwork,
    units: Units,
    *,
    memory_mb: int = MEMORY_MB,
    progress: Progress = SILENT,
) -> Tensor:
    """``(n, T, T)`` float64 distances of every single unit; NaN where a label is missing.

    Raises:
        TaskvizError: see :func:`pairwise_distances`.
    """
    comparison = Comparison(network, units, memory_mb=memory_mb, blocks=len(units))
    tasks = len(units.tasks)
    found = torch.full((len(units), tasks, tasks), torch.nan, dtype=torch.float64)
    for run in comparison.runs(progress):
        (unit,), own = run.units, torch.tensor(run.tasks, dtype=torch.long)
        found[unit][own[:, None], own] = square(run.distances[0], len(own))
    return found


def gradient_norms(
    network: MultiHeadNetwork,
    units: Units,
    *,
    memory_mb: int = MEMORY_MB,
    progress: Progress = SILENT,
) -> NDArray[np.float64]:
    """``(T,)`` mean of ‖∇ℓ_t‖₁ over the units with a label of t; NaN where none has one.

    Raises:
        TaskvizError: see :func:`pairwise_distances`.
    """
    tasks = len(units.tasks)
    # The norm is the distance from a task whose gradient is 0.
    comparison = Comparison(network, units, memory_mb=memory_mb, origin=True)
    total = _total(comparison.runs(progress), tasks + 1)
    counts = units.known.sum(dim=0).cpu().numpy()
    sums = total[0, :tasks, tasks].numpy()
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _total(runs: Iterable[Run], rows: int) -> Tensor:
    """``(2, rows, rows)`` sums and variances over all runs."""
    total = torch.zeros(2, rows, rows, dtype=torch.float64)
    for run in runs:
        tasks = torch.tensor(run.tasks, dtype=torch.long)
        for kind in range(2):
            total[kind][tasks[:, None], tasks] += square(run.distances[kind], len(tasks))
    return total
