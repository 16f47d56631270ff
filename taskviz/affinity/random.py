"""The baseline that every method must beat: a matrix drawn by chance."""

from dataclasses import dataclass

import numpy as np

from taskviz.affinity.base import Estimator, Outcome
from taskviz.engines import RunContext
from taskviz.values import TaskCollection


@dataclass(frozen=True)
class RandomOptions:
    """There is nothing to choose."""


class RandomAffinity(Estimator):
    """Independent uniform numbers from 0 to 1; knows nothing of the data.

    Whatever a method captures of the reachable gain has to be set beside what this captures.
    """

    name = "random"
    title = "Random"
    source = "baseline"
    summary = "A matrix drawn by chance: what a method must beat to have told you anything."
    unit = "nothing: numbers drawn uniformly from 0 to 1"
    Options = RandomOptions

    def measure(self, collection: TaskCollection, context: RunContext) -> Outcome:
        """``(T, T)`` uniform draws, by the seed alone."""
        size = len(collection.tasks)
        values = np.random.default_rng([context.seed, 0xA11]).random((size, size))
        return Outcome(values, notes=("Drawn by chance: a baseline, not an estimate.",))
