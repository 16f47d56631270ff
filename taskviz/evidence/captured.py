"""Share of the reachable gain that some plans capture, with an interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taskviz.evidence.oracle import Reference

LEVEL = 0.95


@dataclass(frozen=True)
class Captured:
    """``(random − achieved) / (random − oracle)``: 0 is chance, 1 the cross-fitted oracle.

    Args:
        share: the estimate.
        low: lower end of its 95 % interval; NaN where nothing was repeated.
        high: upper end.
        gain: what was achieved over random, as a share of the random plans' loss.
    """

    share: float
    low: float
    high: float
    gain: float


def captured(achieved: NDArray[np.float64], references: Sequence[Reference]) -> Captured:
    """Pool budgets: mean gain over random by mean reachable gain.

    The interval covers draws of the estimator and seeds of the truth, taken as crossed random
    effects; by the delta method for the ratio, with Student's t. It does not cover the finite test
    split, which all seeds share. Negative or absent reachable gain gives NaN: there is nothing to
    capture.

    Args:
        achieved: ``(draws, budgets, K)`` mean test losses of the chosen plans.
        references: one a budget.
    """
    random = np.stack([r.random for r in references])
    reachable = np.stack([r.reachable for r in references]).mean(axis=0)
    gains = (random - achieved).mean(axis=1)
    level = float(random.mean())
    bottom = float(reachable.mean())
    gain = float(gains.mean()) / level if level > 0 else float("nan")
    if not bottom > 0:
        return Captured(float("nan"), float("nan"), float("nan"), gain)
    share = float(gains.mean()) / bottom
    seeds, draws = gains.shape[1], gains.shape[0]
    if seeds < 2:
        return Captured(share, float("nan"), float("nan"), gain)
    miss = gains.mean(axis=0) - share * reachable
    variance = float(miss.var(ddof=1)) / seeds
    if draws > 1:
        variance += float(gains.mean(axis=1).var(ddof=1)) / draws
    half = t_quantile(seeds - 1) * np.sqrt(variance) / bottom
    return Captured(share, share - half, share + half, gain)


def t_quantile(freedom: int, level: float = LEVEL) -> float:
    """Two-sided Student quantile."""
    from scipy.stats import t

    return float(t.ppf((1 + level) / 2, max(freedom, 1)))


def mean_interval(values: NDArray[np.float64], level: float = LEVEL) -> tuple[float, float, float]:
    """Mean over seeds and its Student interval; NaN bounds below two seeds."""
    mean = float(values.mean())
    if len(values) < 2:
        return mean, float("nan"), float("nan")
    half = t_quantile(len(values) - 1, level) * float(values.std(ddof=1)) / np.sqrt(len(values))
    return mean, mean - half, mean + half
