"""The learning rate over the epochs: a closed form, so that there is no state to resume."""

import math

from taskviz.training.options import TrainingOptions

FLOOR = 0.01
"""Where a cosine ends, so that epochs added later still train."""


def rate_factor(options: TrainingOptions, passed: float) -> float:
    """What the learning rate is multiplied by.

    Args:
        options: their schedule spans ``options.epochs``; epochs beyond it keep its last value.
        passed: epochs that have passed, fractions included.
    """
    rise = min(1.0, (passed + FLOOR) / options.warmup) if options.warmup else 1.0
    if options.schedule == "constant":
        return rise
    span = max(options.epochs - options.warmup, 1)
    share = min(max((passed - options.warmup) / span, 0.0), 1.0)
    if options.schedule == "cosine":
        return rise * (FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * share)))
    return rise * (1.0 if share < 0.5 else 0.1 if share < 0.75 else 0.01)
