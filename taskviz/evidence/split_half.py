"""Do two halves of the repeats order entries, and groupings, alike?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from taskviz.affinity.reliability import stepped_up
from taskviz.grouping.random import random_partition

BUDGETS = (2, 3, 4)
PARTITIONS = 200
HALVES = 50
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SplitHalf:
    """Reliability of a mean over repeats, stepped up by Spearman–Brown.

    Args:
        entries: of the off-diagonal entries; None where fewer than 3 are known or none varies.
        partitions: number of groups → of the scores of the same random groupings.
    """

    entries: float | None
    partitions: Mapping[int, float]

    @property
    def share(self) -> float | None:
        """Mean over the numbers of groups (of the entries, where there is none), within [0, 1]."""
        found = list(self.partitions.values())
        if not found and self.entries is not None:
            found = [self.entries]
        return min(max(float(np.mean(found)), 0.0), 1.0) if found else None


def split_half(draws: Floats, seed: int = 0) -> SplitHalf:
    """Of the mean over all repeats: random cuts into two halves, mean correlation, stepped up.

    Args:
        draws: ``(R, T, T)`` one matrix a repeat, R ≥ 2; NaN where one knows nothing.
        seed: of the cuts and of the groupings.
    """
    repeats = len(draws)
    half = repeats // 2
    pairs = [
        (known_mean(draws[list(a)]), known_mean(draws[list(b)])) for a, b in _cuts(repeats, seed)
    ]
    return agreement(pairs, repeats / half, seed)


def agreement(pairs: Sequence[tuple[Floats, Floats]], factor: float, seed: int = 0) -> SplitHalf:
    """Mean rank correlation over pairs of independent matrices, stepped up.

    Args:
        pairs: two ``(T, T)`` each.
        factor: how much more data the matrix in use rests on than one of a pair.
        seed: of the random groupings.
    """
    size = len(pairs[0][0])
    off = ~np.eye(size, dtype=bool)
    entries = _mean_correlation([(a[off], b[off]) for a, b in pairs])
    partitions = {}
    for budget in BUDGETS:
        if budget < size:
            weights = partition_weights(size, budget, seed)
            scores = [(weights @ _filled(a), weights @ _filled(b)) for a, b in pairs]
            found = _mean_correlation(scores)
            if found is not None:
                partitions[budget] = _step(found, factor)
    return SplitHalf(None if entries is None else _step(entries, factor), partitions)


@lru_cache(maxsize=32)
def partition_weights(size: int, budget: int, seed: int = 0, count: int = PARTITIONS) -> Floats:
    """``(count, T²)``: times a flattened matrix it is the density score of random groupings.

    Density is what the clustering methods maximise: Σ over groups of the mean row sum of affinity
    inside it, diagonal left out (:func:`taskviz.grouping.objective.density`).
    """
    rng = np.random.default_rng([seed, 0x5B1, budget])
    weights = np.zeros((count, size, size))
    for row in weights:
        for group in random_partition(size, budget, rng):
            row[np.ix_(group, group)] = 1 / len(group)
    weights[:, np.arange(size), np.arange(size)] = 0.0
    flat = weights.reshape(count, -1)
    flat.flags.writeable = False
    return flat


def known_mean(draws: Floats) -> Floats:
    """``(T, T)`` mean over the repeats that know an entry; NaN where none does."""
    known = ~np.isnan(draws)
    count = known.sum(axis=0)
    total = np.where(known, draws, 0.0).sum(axis=0)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def _cuts(repeats: int, seed: int) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Different cuts of ``range(repeats)`` into two halves of equal size, at most ``HALVES``."""
    rng = np.random.default_rng([seed, 0x4A1F])
    half, seen = repeats // 2, set()
    for _ in range(4 * HALVES):
        order = rng.permutation(repeats)
        parts = [tuple(sorted(order[:half])), tuple(sorted(order[half : 2 * half]))]
        cut = tuple(sorted(parts))
        if cut not in seen:
            seen.add(cut)
            yield cut[0], cut[1]
        if len(seen) == HALVES:
            return


def _filled(matrix: Floats) -> Floats:
    """Flat, unknown entries at the mean of the others: they speak for no grouping."""
    off = ~np.eye(len(matrix), dtype=bool)
    known = off & ~np.isnan(matrix)
    mean = matrix[known].mean() if known.any() else 0.0
    return np.asarray(np.where(np.isnan(matrix), mean, matrix).ravel())


def _mean_correlation(pairs: Sequence[tuple[Floats, Floats]]) -> float | None:
    """Mean Spearman correlation; pairs that share fewer than 3 known values, or do not vary, go."""
    found = []
    for x, y in pairs:
        both = ~np.isnan(x) & ~np.isnan(y)
        x, y = rankdata(x[both]), rankdata(y[both])
        if len(x) >= 3 and np.ptp(x) > 0 and np.ptp(y) > 0:
            found.append(float(np.corrcoef(x, y)[0, 1]))
    return float(np.mean(found)) if found else None


def _step(correlation: float, factor: float) -> float:
    # The formula has a pole at −1/(factor − 1); what disagrees has no reliability to step up.
    return stepped_up(correlation, factor) if correlation > 0 else correlation
