"""The same estimator again and again: a mean matrix, its errors, and how far to trust it."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from taskviz.affinity.members import ByMatrix
from taskviz.affinity.redraws import kept_draws
from taskviz.affinity.reliability import Reliability, grade_of
from taskviz.affinity.seeds import repeat_seed
from taskviz.affinity.support import mean_and_error, missing_notes
from taskviz.data.splits import resplit
from taskviz.evidence.split_half import SplitHalf, agreement, split_half
from taskviz.progress import SILENT, Progress
from taskviz.values import AffinityMatrix, TaskCollection, TaskvizError

Measure = Callable[[TaskCollection, int, Progress], AffinityMatrix]
"""An estimator at work: collection, seed, progress."""
MOST = 1000
JACKKNIFE = 4
"""Repeats from which the reliability itself gets a standard error."""
UNUSED = -1
Floats = NDArray[np.float64]


def repeat_affinity(
    collection: TaskCollection,
    measure: Measure,
    *,
    repeats: int = 5,
    seed: int = 0,
    draws: bool = True,
    progress: Progress = SILENT,
) -> AffinityMatrix:
    """Measure ``repeats`` times and grade what comes out.

    A method that draws something is measured with a seed of its own in each repeat, which decides
    initial states, samples and subsets, and from the second repeat on with training and validation
    rows drawn anew (test rows stay test rows). The matrix is the mean, its standard error that
    between repeats. Three quarters of the training rows are the same in any two repeats, so the
    share of the noise that comes from which rows there are is understated.

    A method that draws nothing is measured on the two halves of ``repeats`` random cuts of the
    training rows. The matrix is the one from all rows; half-samples deviate from it as much as it
    does from the truth (McCarthy 1966), which gives the standard error.

    Args:
        measure: runs the estimator; called ``repeats`` times, or 2·repeats + 1 times.
        repeats: from 2 to 1000.
        seed: :func:`repeat_seed` of it for each repeat.
        draws: False for a method whose result does not depend on its seed.
        progress: told of each repeat.

    Returns:
        A matrix with ``standard_error``, ``reliability`` and the option ``repeats``.

    Raises:
        TaskvizError: a number of repeats that is no whole number from 2 to 1000; what the
            estimator itself needs.
    """
    given = (collection, measure)
    return repeated(*given, repeats=repeats, seed=seed, draws=draws, progress=progress).affinity_


def repeated(
    collection: TaskCollection,
    measure: Measure,
    *,
    repeats: int = 5,
    seed: int = 0,
    draws: bool = True,
    progress: Progress = SILENT,
) -> ByMatrix:
    """:func:`repeat_affinity` with the single measurements, or half-samples, as far as kept."""
    if isinstance(repeats, bool) or not isinstance(repeats, int) or not 2 <= repeats <= MOST:
        raise TaskvizError(
            f"A matrix was asked for {repeats} repeats: a whole number from 2 to {MOST} is needed."
        )
    count = repeats if draws else 2 * repeats + 1
    progress.begin(f"{count} measurements of {collection.name}", count)
    found: list[AffinityMatrix] = []
    for number in range(count):
        progress.check()
        if draws:
            own = repeat_seed(seed, number)
            data = resplit(collection, own) if number else collection
        else:
            own, data = seed, _rows(collection, number, seed)
        found.append(measure(data, own, progress.part(1.0)))
    matrix = _of_seeds(found, seed) if draws else _of_rows(found, seed)
    single = [each.values for each in (found if draws else found[1:])]
    return ByMatrix(matrix, draws_=kept_draws(single).get("draws"))


def _of_seeds(found: list[AffinityMatrix], seed: int) -> AffinityMatrix:
    values = np.stack([matrix.values for matrix in found])
    mean, error, known = mean_and_error(values)
    halves = split_half(values, seed)
    units = [matrix.support for matrix in found if matrix.support is not None]
    support = np.sum(units, axis=0) if len(units) == len(found) else known
    return _matrix(found, mean, error, np.where(known == 0, 0, support), "seeds", halves, values)


def _of_rows(found: list[AffinityMatrix], seed: int) -> AffinityMatrix:
    whole = found[0]
    values = np.stack([matrix.values for matrix in found[1:]])
    away = (values - whole.values) ** 2
    counted = ~np.isnan(away)
    error = np.where(counted, away, 0.0).sum(axis=0) / np.maximum(counted.sum(axis=0), 1)
    error = np.where(counted.any(axis=0), np.sqrt(error), np.nan)
    pairs = list(zip(values[0::2], values[1::2], strict=True))
    halves = agreement(pairs, 2.0, seed)
    return _matrix(found, whole.values.copy(), error, whole.support, "rows", halves, values)


def _matrix(
    found: list[AffinityMatrix],
    mean: Floats,
    error: Floats,
    support: NDArray[np.int64] | None,
    basis: str,
    halves: SplitHalf,
    values: Floats,
) -> AffinityMatrix:
    first, by_seeds = found[0], basis == "seeds"
    repeats = len(values) if by_seeds else len(values) // 2
    share = halves.share
    trust = Reliability(
        "not measured" if share is None else grade_of(share),
        share,
        repeats,
        "seeds" if by_seeds else "rows",
        halves.entries,
        halves.partitions,
        _jackknife(values) if by_seeds else None,
        round(float(np.mean([matrix.networks_trained for matrix in found]))),
        float(np.mean([matrix.seconds for matrix in found])),
    )
    notes = first.notes
    if by_seeds and support is not None:
        # What a single repeat lacked is said of the mean.
        notes = tuple(note for note in notes if "they are missing, not zero" not in note)
        notes += missing_notes(support, "repeat")
    return AffinityMatrix(
        values=mean,
        tasks=first.tasks,
        method=first.method,
        options={**first.options, "repeats": repeats},
        seed=first.seed,
        seconds=sum(matrix.seconds for matrix in found),
        standard_error=error,
        support=None if support is None else np.asarray(support, dtype=np.int64).copy(),
        networks_trained=sum(matrix.networks_trained for matrix in found),
        collection=first.collection,
        fingerprint=first.fingerprint,
        notes=notes,
        unit=first.unit,
        reliability=trust.to_json(),
    )


def _jackknife(values: Floats) -> float | None:
    """Standard error of the share: each repeat left out once."""
    repeats = len(values)
    if repeats < JACKKNIFE:
        return None
    left_out = [split_half(np.delete(values, i, axis=0)).share for i in range(repeats)]
    known = np.array([share for share in left_out if share is not None])
    if len(known) < repeats:
        return None
    return float(np.sqrt((repeats - 1) * known.var()))


def _rows(collection: TaskCollection, number: int, seed: int) -> TaskCollection:
    """All rows (0), or a half of a random cut of the training rows: 1 and 2 make up the first."""
    if number == 0:
        return collection
    cut, second = divmod(number - 1, 2)
    splits = []
    for block, samples in enumerate(collection.samples):
        rng = np.random.default_rng([seed, 0x4A1F, cut, block])
        rows = rng.permutation(samples.indices("train"))
        half = len(rows) // 2
        split = samples.split.copy()
        split[rows[:half] if second else rows[half:]] = UNUSED
        splits.append(split)
    return collection.with_splits(splits)
