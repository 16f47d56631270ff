"""Seeds of the repeats of one computation."""

import numpy as np
from numpy.typing import NDArray


def repeat_seed(seed: int, repeat: int) -> int:
    """The seed of a repeat: ``seed`` itself for the first, independent ones after it.

    More repeats keep the seeds of fewer, so that what was trained for them is found again; the
    repeats of two neighbouring seeds share none.
    """
    if repeat == 0:
        return seed
    return int(np.random.SeedSequence([seed, repeat]).generate_state(1)[0])


def repeat_seeds(seed: int, repeats: int) -> list[int]:
    """:func:`repeat_seed` for each of ``repeats``."""
    return [repeat_seed(seed, number) for number in range(repeats)]


def seed_groups(seeds: NDArray[np.int64] | None, rows: int) -> NDArray[np.int64]:
    """``(rows,)`` numbers from 0, one a seed; all 0 where the seeds are unknown."""
    if seeds is None:
        return np.zeros(rows, dtype=np.int64)
    return np.asarray(np.unique(seeds, return_inverse=True)[1], dtype=np.int64)
