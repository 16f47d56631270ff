"""Columns that repeat each other: identical content, near-perfect correlation."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

_BLOCK = 512  # input columns at a time


def same_content(columns: Mapping[str, "pd.Series[Any]"]) -> Iterator[tuple[str, str]]:
    """Pairs (first, later) of columns that are equal in every row, missing cells included.

    Constant columns are not compared: they are told as such.
    """
    import pandas as pd

    seen: dict[bytes, list[str]] = {}
    for name, column in columns.items():
        if column.nunique(dropna=True) < 2:
            continue
        values = column.astype(np.float64) if pd.api.types.is_numeric_dtype(column) else column
        digest = pd.util.hash_pandas_object(values, index=False).to_numpy().tobytes()
        key = hash_of(digest)
        for other in seen.get(key, []):
            if _equal(columns[other], column):
                yield other, name
                break
        else:
            seen.setdefault(key, []).append(name)


def hash_of(data: bytes) -> bytes:
    """A short digest, so that wide tables do not keep their own copy."""
    import hashlib

    return hashlib.blake2b(data, digest_size=16).digest()


def _equal(first: "pd.Series[Any]", second: "pd.Series[Any]") -> bool:
    missing = first.isna().to_numpy(dtype=bool)
    if not np.array_equal(missing, second.isna().to_numpy(dtype=bool)):
        return False
    left, right = first.to_numpy()[~missing], second.to_numpy()[~missing]
    return bool((left == right).all())


def correlations(inputs: NDArray[np.float64], targets: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson correlation of each input with each target over the rows where both are known.

    Args:
        inputs: ``(n, p)``, NaN where missing.
        targets: ``(n, T)``, NaN where missing.

    Returns:
        ``(p, T)``; 0 where fewer than 3 rows are known or one side is constant there.
    """
    parts = [
        _correlate(inputs[:, start : start + _BLOCK], targets)
        for start in range(0, inputs.shape[1], _BLOCK)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, targets.shape[1]))


def _correlate(inputs: NDArray[np.float64], targets: NDArray[np.float64]) -> NDArray[np.float64]:
    x, known_x = _scaled(inputs)
    y, known_y = _scaled(targets)
    count = known_x.T @ known_y
    n = np.maximum(count, 1.0)
    sum_x, sum_y = x.T @ known_y, known_x.T @ y
    cross = x.T @ y - sum_x * sum_y / n
    var_x = (x**2).T @ known_y - sum_x**2 / n
    var_y = known_x.T @ y**2 - sum_y**2 / n
    # Scaled to unit variance over all rows: below this a column is constant where both are known.
    usable = (count >= 3) & (var_x > 1e-9 * n) & (var_y > 1e-9 * n)
    scale = np.sqrt(np.where(usable, var_x * var_y, 1.0))
    return np.where(usable, cross / scale, 0.0)


def _scaled(
    columns: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    known = ~np.isnan(columns)
    filled = np.where(known, columns, 0.0)
    # Divided by the largest first: squares of very large numbers would overflow.
    filled = filled / np.maximum(np.abs(filled).max(axis=0, initial=0.0), np.finfo(float).tiny)
    count = np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, filled - filled.sum(axis=0) / count, 0.0)
    spread = np.sqrt((centred**2).sum(axis=0) / count)
    # Rounding noise of a constant column is not a signal to scale up.
    scale = np.where(spread > 1e-13, spread, np.inf)
    return centred / scale, known.astype(np.float64)
