"""Random projection that keeps L1 distances, for trunks too large to be compared number by number.

A sum Σ_k c_k g_k with independent Cauchy c_k is Cauchy with scale Σ|g_k| (Li, Hastie & Church,
JMLR 2007). Each parameter goes into one of d buckets drawn at random, as in a count sketch, so
that a gradient costs one pass over it and not d. The difference of two points in a bucket is then
Cauchy with about 1/d of their L1 distance as its scale, and the median of its absolute value over
the buckets estimates that scale with relative standard error π/(2√d).
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from taskviz.optima.l1 import BLOCK_BYTES
from taskviz.progress import SILENT, Progress

BUCKETS = 2048


@dataclass(frozen=True)
class Draw:
    """Bucket and Cauchy factor of each of some parameters."""

    where: Tensor
    factors: Tensor
    buckets: int

    def project(self, rows: Tensor) -> Tensor:
        """``(R, m)`` → ``(R, buckets)`` float64."""
        out = torch.zeros(len(rows), self.buckets, dtype=torch.float64)
        for row, own in zip(rows, out, strict=True):
            own.index_add_(0, self.where, row.double() * self.factors)
        return out


@dataclass(frozen=True)
class CauchyProjection:
    """A projection onto ``buckets`` numbers.

    Args:
        seed: of its draw.
        buckets: d; the error falls as 1/√d.
    """

    seed: int
    buckets: int = BUCKETS

    @property
    def error(self) -> float:
        """Relative standard error of one distance, π/(2√d)."""
        return math.pi / (2 * math.sqrt(self.buckets))

    def draw(self, part: int, numbers: int) -> Draw:
        """The draw for one part of the parameters; the same whenever it is asked for."""
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + part) % (2**63 - 1))
        where = torch.randint(self.buckets, (numbers,), generator=generator, dtype=torch.int32)
        uniform = torch.rand(numbers, generator=generator, dtype=torch.float64)
        return Draw(where, torch.tan(math.pi * (uniform - 0.5)), self.buckets)

    def distances(self, sketch: Tensor, progress: Progress = SILENT) -> NDArray[np.float64]:
        """``(N, N)`` estimates from ``(N, buckets)`` projections."""
        points = len(sketch)
        found = np.zeros((points, points))
        step = max(1, 8 * BLOCK_BYTES // (8 * self.buckets))
        for i in range(points - 1):
            progress.check()
            for start in range(i + 1, points, step):
                stop = min(start + step, points)
                gaps = (sketch[start:stop] - sketch[i]).abs()
                found[i, start:stop] = gaps.median(dim=1).values.numpy() * self.buckets
        return found + found.T
