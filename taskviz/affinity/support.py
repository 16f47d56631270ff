"""What to say about entries that rest on no data, and the error of a mean."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def missing_notes(support: NDArray[np.int64], unit: str, remedy: str = "") -> tuple[str, ...]:
    """A warning with the number of ordered pairs that rest on nothing; none where all rest on some.

    Args:
        support: ``(T, T)`` units each entry rests on; the diagonal is not counted.
        unit: what an entry rests on, in the singular: ``subset``, ``measured step``.
        remedy: what would help, as a clause: ``raise m``.
    """
    apart = ~np.eye(len(support), dtype=bool)
    missing = int(((support == 0) & apart).sum())
    if not missing:
        return ()
    end = f"; {remedy}" if remedy else ""
    return (
        f"{missing} of {int(apart.sum())} pairs (source, target) rest on no {unit}: they are "
        f"missing, not zero{end}.",
    )


def mean_and_error(
    draws: Sequence[NDArray[np.float64]] | NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Mean over the draws that are known, its standard error, and how many there were.

    Args:
        draws: ``(k, …)``; NaN where a draw says nothing.

    Returns:
        Mean (NaN without draws), standard error of the mean (NaN below 2 draws), count.
    """
    stacked = np.asarray(draws, dtype=np.float64)
    known = ~np.isnan(stacked)
    count = known.sum(axis=0)
    mean = np.where(known, stacked, 0.0).sum(axis=0) / np.maximum(count, 1)
    squares = np.where(known, (stacked - mean) ** 2, 0.0).sum(axis=0)
    error = np.sqrt(squares / np.maximum(count - 1, 1) / np.maximum(count, 1))
    return (
        np.where(count > 0, mean, np.nan),
        np.where(count > 1, error, np.nan),
        np.asarray(count, dtype=np.int64),
    )
