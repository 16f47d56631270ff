"""New draws of an affinity within its own noise."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from taskviz.grouping.base import Affinity
from taskviz.values import AffinityMatrix, SubsetTable, TaskvizError

Resample = Callable[[np.random.Generator], Affinity]


def resampler(affinity: Affinity, noise: float | None = None) -> tuple[Resample, str]:
    """How to draw again, and a sentence that says how.

    A matrix: each entry plus normal noise of ``noise`` where given, else of its standard error;
    entries are taken as independent. A subset table measured with several seeds: seeds drawn with
    replacement, so that networks of one seed stay together. Without seeds: networks drawn with
    replacement among the repeats of each, so that none is lost; where nothing was repeated, among
    all rows.

    Args:
        affinity: what was measured.
        noise: standard deviation of an entry of a matrix, in place of its standard errors.

    Raises:
        TaskvizError: a matrix without standard errors and no ``noise``.
    """
    if isinstance(affinity, AffinityMatrix):
        return _matrix(affinity, noise)
    if affinity.seeds is not None and len(np.unique(affinity.seeds)) > 1:
        return _seeds(affinity, affinity.seeds)
    return _rows(affinity)


def _matrix(affinity: AffinityMatrix, noise: float | None) -> tuple[Resample, str]:
    error = None if noise is not None else affinity.standard_error
    said = "Each entry is drawn from a normal distribution of its standard error."
    if error is None:
        if noise is None:
            raise TaskvizError(
                f"Affinity matrix ({affinity.method}) has no standard errors, so its noise is not "
                "known: measure it over several initial states or seeds, or say how large it is."
            )
        if not np.isfinite(noise) or noise <= 0:
            raise TaskvizError(f"The noise of an entry is {noise:g}: it must be above 0.")
        error = np.full(affinity.values.shape, noise)
        said = f"Each entry is drawn from a normal distribution of standard deviation {noise:g}."
    spread = np.where(np.isfinite(error), error, 0.0)

    def draw(rng: np.random.Generator) -> Affinity:
        return AffinityMatrix(
            affinity.values + spread * rng.standard_normal(spread.shape),
            affinity.tasks,
            affinity.method,
            support=affinity.support,
        )

    return draw, said


def _seeds(table: SubsetTable, seeds: NDArray[np.int64]) -> tuple[Resample, str]:
    rows_of = [np.flatnonzero(seeds == seed) for seed in np.unique(seeds)]

    def draw(rng: np.random.Generator) -> Affinity:
        drawn = rng.integers(len(rows_of), size=len(rows_of))
        return _unseeded(table.take(np.concatenate([rows_of[i] for i in drawn])))

    return draw, f"The {len(rows_of)} seeds are drawn with replacement."


def _rows(table: SubsetTable) -> tuple[Resample, str]:
    keys = np.concatenate([table.membership, table.cost[:, None]], axis=1)
    _, group = np.unique(keys, axis=0, return_inverse=True)
    repeats = [np.flatnonzero(group == i) for i in range(int(group.max()) + 1)]
    if max(map(len, repeats)) == 1:

        def any_row(rng: np.random.Generator) -> Affinity:
            return _unseeded(table.take(rng.integers(len(table), size=len(table))))

        return any_row, (
            f"The {len(table)} networks are drawn with replacement; each was measured once, so "
            "that a draw lacks about a third of them."
        )

    def within(rng: np.random.Generator) -> Affinity:
        picked = [rng.choice(rows, len(rows)) for rows in repeats]
        return _unseeded(table.take(np.concatenate(picked)))

    return within, "The repeats of each network are drawn with replacement."


def _unseeded(table: SubsetTable) -> SubsetTable:
    # A seed drawn twice is two.
    return replace(table, seeds=None)
