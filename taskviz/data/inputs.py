"""Input columns of a table as numbers: numbers as they are, levels one-hot, missing kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taskviz.data.columns import as_numbers, encode_levels, plain_column
from taskviz.values import InputColumn

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
        plan: the columns with their levels, to encode other rows alike.
    """

    values: NDArray[np.float64]
    features: tuple[str, ...]
    columns: tuple[str, ...]
    plan: tuple[InputColumn, ...]


def encode_inputs(frame: "pd.DataFrame", names: Sequence[str]) -> EncodedInputs:
    """Encode columns; text with two levels gives one feature, with more one a level."""
    blocks: list[NDArray[np.float64]] = []
    plan: list[InputColumn] = []
    for name in names:
        block, column = _encode(plain_column(frame[name]), name)
        blocks.append(block)
        plan.append(column)
    values = np.concatenate(blocks, axis=1) if blocks else np.empty((len(frame), 0))
    features = tuple(feature for column in plan for feature in column.features)
    columns = tuple(column.name for column in plan for _ in column.features)
    return EncodedInputs(values, features, columns, tuple(plan))


def one_hot(codes: NDArray[np.float64], levels: int) -> NDArray[np.float64]:
    """``(n, levels)`` of codes, NaN where missing; of two levels the second only, ``(n, 1)``."""
    block = (codes[:, None] == np.arange(levels)).astype(np.float64)
    block[np.isnan(codes)] = np.nan
    # The second of two levels says it all; of more, each has its place in the first layer.
    return np.asarray(block[:, 1:] if levels == 2 else block)


def _encode(column: "pd.Series[Any]", name: str) -> tuple[NDArray[np.float64], InputColumn]:
    values, stray = as_numbers(column)
    if not stray.any():
        return values[:, None], InputColumn(name)
    codes, levels = encode_levels(column)
    return one_hot(codes, len(levels)), InputColumn(name, levels)
