"""Matrices, groupings and curves that the figures are tested on."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from taskviz.values import HISTORY_COLUMNS, AffinityMatrix


def make_matrix(
    size: int = 6, *, missing: tuple[tuple[int, int], ...] = (), seed: int = 0
) -> AffinityMatrix:
    """Affinities with a planted structure, standard errors and supports."""
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(size, 3))
    values = directions @ directions.T + 0.1 * rng.normal(size=(size, size))
    support = rng.integers(1, 30, size=(size, size))
    for pair in missing:
        values[pair], support[pair] = np.nan, 0
    return AffinityMatrix(
        values,
        tuple(f"t{i + 1}" for i in range(size)),
        "sca",
        standard_error=rng.uniform(0.01, 0.1, size=(size, size)),
        support=support,
    )


@pytest.fixture
def matrix() -> AffinityMatrix:
    """Six tasks, everything measured."""
    return make_matrix()


@pytest.fixture
def matrix_factory() -> Callable[..., AffinityMatrix]:
    """:func:`make_matrix` itself."""
    return make_matrix


def make_history(
    tasks: tuple[str, ...] = ("t1", "t2"), steps: int = 30, group: int = 0, seeds: int = 1
) -> pd.DataFrame:
    """Falling training losses; validation losses that rise again after step 10."""
    rows = []
    for number, task in enumerate(tasks):
        for seed in range(seeds):
            for step in range(1, steps + 1):
                train = 1 / step + 0.1 * number
                valid = 0.5 + 0.1 * number + 0.01 * abs(step - 10) + 0.001 * seed
                rows.append((step, group, task, "train", "loss", train, seed))
                rows.append((step, group, task, "valid", "loss", valid, seed))
    return pd.DataFrame(rows, columns=list(HISTORY_COLUMNS))


@pytest.fixture
def history_factory() -> Callable[..., pd.DataFrame]:
    """:func:`make_history` itself."""
    return make_history
