"""Input columns of a table as numbers: numbers as they are, levels one-hot, missing kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taskviz.data.columns import as_numbers, encode_levels, plain_column

if TYPE_CHECKING:
    import pandas as pd

MAX_LEVELS = 30
"""A text column with more levels is not turned into inputs."""

MOSTLY_NUMBERS = 0.9
"""From this share on, a column of numbers and text is numbers with mistakes."""


@dataclass(frozen=True, eq=False)
class EncodedInputs:
    """Inputs as a matrix.

    Args:
        values: ``(n, p)`` float64; NaN where the cell is missing.
        features: ``p`` names: the column's, or ``column=level``.
        columns: ``p`` names of the columns they come from.
    """

    values: NDArray[np.float64]
    features: tuple[str, ...]
    columns: tuple[str, ...]


def encode_inputs(frame: "pd.DataFrame", names: Sequence[str]) -> EncodedInputs:
    """Encode columns; text with two levels gives one feature, with more one a level."""
    blocks: list[NDArray[np.float64]] = []
    features: list[str] = []
    columns: list[str] = []
    for name in names:
        block, found = _encode(plain_column(frame[name]), name)
        blocks.append(block)
        features += found
        columns += [name] * len(found)
    values = np.concatenate(blocks, axis=1) if blocks else np.empty((len(frame), 0))
    return EncodedInputs(values, tuple(features), tuple(columns))


def _encode(column: "pd.Series[Any]", name: str) -> tuple[NDArray[np.float64], list[str]]:
    values, stray = as_numbers(column)
    if not stray.any():
        return values[:, None], [name]
    codes, levels = encode_levels(column)
    block = (codes[:, None] == np.arange(len(levels))).astype(np.float64)
    block[np.isnan(codes)] = np.nan
    features = [f"{name}={level}" for level in levels]
    # The second of two levels says it all; of more, each has its place in the first layer.
    return (block[:, 1:], features[1:]) if len(levels) == 2 else (block, features)
