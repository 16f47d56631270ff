"""Affinities with a planted answer, and slow obvious references."""

from collections.abc import Callable

import numpy as np
import pytest

from taskviz.values import AffinityMatrix


def make_planted(
    sizes: tuple[int, ...] = (4, 3), noise: float = 0.2, seed: int = 0, offset: float = 0.0
) -> AffinityMatrix:
    """Affinity 1 inside planted groups and 0 across, plus noise and an offset; tasks shuffled."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    values = (labels[:, None] == labels[None, :]).astype(float)
    values += noise * rng.normal(size=values.shape) + offset
    np.fill_diagonal(values, 1.0 + offset)
    names = tuple(f"{'abcdefgh'[label]}{i}" for i, label in enumerate(labels))
    return AffinityMatrix(values, names, "planted")


@pytest.fixture
def planted() -> Callable[..., AffinityMatrix]:
    """:func:`make_planted`; a task's name starts with the letter of its group."""
    return make_planted
