"""Collections with a known answer, small enough to train many networks in seconds."""

import numpy as np
import pytest

from taskviz.data import make_split
from taskviz.training.subsets import SubsetOptions
from taskviz.values import Task, TaskCollection

FAMILIES = (("a1", "a2", "a3"), ("b1", "b2", "b3"))


def two_families(rows: int = 400, seed: int = 0, shuffled: bool = False) -> TaskCollection:
    """Three tasks follow one direction of the input, three another that points half against it.

    A hidden layer of one unit can serve a family, not both. ``shuffled`` permutes the labels of
    each task by itself: then nothing can be shared, and nothing learned.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 8))
    u = np.zeros(8)
    u[0] = 1.0
    v = np.zeros(8)
    v[:2] = -0.5, np.sqrt(0.75)
    targets = {}
    for names, direction in zip(FAMILIES, (u, v), strict=True):
        for strength, name in enumerate(names, 1):
            y = (0.8 + 0.2 * strength) * np.tanh(1.5 * x @ direction) + 0.2 * rng.normal(size=rows)
            targets[name] = rng.permutation(y) if shuffled else y
    tasks = tuple(Task(name, "regression") for name in targets)
    split = make_split(list(targets.values()), tasks, seed)
    return TaskCollection.from_arrays("families", x, targets, tasks, split)


@pytest.fixture(scope="session")
def narrow() -> SubsetOptions:
    """One tanh unit, few epochs."""
    return SubsetOptions(width=1, depth=1, activation="tanh", epochs=40, learning_rate=0.03)
