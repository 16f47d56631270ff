"""How sure a difference is: standard errors and intervals over seeds, and over draws too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from taskviz.values import TrainingResult

LEVEL = 0.95


@dataclass(frozen=True)
class Paired:
    """By how much one contender is better than others, in per cent of their loss.

    Args:
        mean: positive where it is better.
        error: standard error; NaN where there is one seed only.
        low: end of the 95 % interval; NaN likewise.
        high: its other end.
        seeds: how many both were trained from.
        draws: how many others there are.
    """

    mean: float
    error: float
    low: float
    high: float
    seeds: int
    draws: int = 1

    @property
    def measurable(self) -> bool:
        """The interval leaves out 0."""
        return self.low > 0 or self.high < 0


def standard_error(values: ArrayLike) -> float:
    """Of a mean; NaN for fewer than two values."""
    array = np.asarray(values, dtype=np.float64)
    return float(array.std(ddof=1) / np.sqrt(len(array))) if len(array) > 1 else float("nan")


def interval(values: ArrayLike) -> tuple[float, float]:
    """Ends of Student's 95 % interval of a mean; NaN for fewer than two values."""
    array = np.asarray(values, dtype=np.float64)
    return _around(float(array.mean()), standard_error(array), len(array) - 1)


def paired(
    results: Mapping[str, TrainingResult],
    chosen: str,
    others: str | Sequence[str],
    split: str = "test",
) -> Paired:
    """The chosen contender's mean loss over tasks against that of one or several others.

    Differences are taken seed by seed, since contenders of one seed share split, batches and
    initial states. With several others (draws d of random groupings) and seeds s, the difference
    r_ds varies with both; its mean's variance is taken as var_d(mean_s r)/D + var_s(mean_d r)/S,
    which counts the interaction twice, and the degrees of freedom as the smaller number less one:
    on the safe side. With one draw the interval is over seeds alone.

    Args:
        others: a label, or those of several draws.

    Raises:
        TaskvizError: results of different tasks.
    """
    labels = [others] if isinstance(others, str) else list(others)
    losses = mean_losses({label: results[label] for label in (chosen, *labels)}, split)
    own = losses[chosen]
    seeds = [seed for seed in own if all(seed in losses[label] for label in labels)]
    r = np.array(
        [[100 * (losses[label][s] - own[s]) / losses[label][s] for s in seeds] for label in labels]
    )
    mean, error, freedom = crossed(r)
    return Paired(mean, error, *_around(mean, error, freedom), len(seeds), len(labels))


def crossed(values: NDArray[np.float64]) -> tuple[float, float, int]:
    """Mean, standard error and degrees of freedom of ``(draws, seeds)`` values; see :func:`paired`.

    With one draw the error is over seeds alone; with one seed it is NaN.
    """
    mean = float(values.mean()) if values.size else float("nan")
    draws, seeds = values.shape
    if draws == 1 or seeds < 2:
        return mean, standard_error(values.mean(axis=0)), seeds - 1
    between = standard_error(values.mean(axis=1)) ** 2 + standard_error(values.mean(axis=0)) ** 2
    return mean, float(np.sqrt(between)), min(draws, seeds) - 1


def mean_losses(
    results: Mapping[str, TrainingResult], split: str = "test"
) -> dict[str, dict[int, float]]:
    """Label → seed → mean loss over the tasks that have one under every contender and seed."""
    from taskviz.training.comparison import seed_table

    wide = seed_table(results, split).pivot(
        index=["contender", "seed"], columns="task", values="loss"
    )
    known = wide.dropna(axis="columns").mean(axis="columns")
    found: dict[str, dict[int, float]] = {label: {} for label in results}
    pairs = known.index.to_frame(index=False)
    for label, seed, loss in zip(pairs["contender"], pairs["seed"], known, strict=True):
        found[str(label)][int(seed)] = float(loss)
    return found


def _around(mean: float, error: float, freedom: int) -> tuple[float, float]:
    if freedom < 1 or not np.isfinite(error):
        return float("nan"), float("nan")
    half = float(stats.t.ppf(0.5 + LEVEL / 2, freedom)) * error
    return mean - half, mean + half
