"""Measuring again from a bootstrap sample of what an estimator kept.

Of k units (initial states, blocks of samples, seeds, networks), k − 1 are drawn with replacement:
the variance of a mean over them is then that of the estimate, not (k − 1)/k of it
(Rao and Wu, JASA 1988, with n − 1 drawn of n).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from taskviz.affinity.base import Outcome
from taskviz.affinity.seeds import seed_groups
from taskviz.affinity.support import mean_and_error
from taskviz.values import SubsetTable

MOST_NUMBERS = 2**21
"""Numbers of single matrices that are kept beside their mean, 16 MB; of more, none are."""
FEW_SEEDS = 5
"""Below this many seeds a draw of random networks by seed would lose too many of them."""


@dataclass(frozen=True)
class Redraws:
    """How an estimator measures again from a part of its data.

    Args:
        said: what is drawn, as a sentence.
        measure: one more measurement.
    """

    said: str
    measure: Callable[[np.random.Generator], Outcome]


def drawn(rng: np.random.Generator, count: int) -> NDArray[np.int64]:
    """``(count − 1,)`` numbers below ``count``, with replacement."""
    return rng.integers(count, size=count - 1)


def kept_draws(
    draws: Sequence[NDArray[np.float64]] | NDArray[np.float64], name: str = "draws"
) -> dict[str, NDArray[np.float64]]:
    """State that holds the single matrices: empty for one matrix and for too many numbers."""
    stacked = np.asarray(draws, dtype=np.float64)
    return {name: stacked} if len(stacked) > 1 and stacked.size <= MOST_NUMBERS else {}


def redraws_of_mean(draws: NDArray[np.float64], units: str) -> Redraws:
    """The mean over a bootstrap sample of single matrices.

    Args:
        draws: ``(k, T, T)``, k ≥ 2; NaN where one says nothing.
        units: what one is, in the plural.
    """

    def measure(rng: np.random.Generator) -> Outcome:
        return Outcome(*mean_and_error(draws[drawn(rng, len(draws))]))

    return Redraws(f"The {len(draws)} {units} are drawn again, with replacement.", measure)


def redraws_of_halves(whole: NDArray[np.float64], halves: NDArray[np.float64]) -> Redraws:
    """Balanced half-samples: their deviations from the whole, each by a normal factor.

    Args:
        whole: ``(T, T)`` from all rows.
        halves: ``(2r, T, T)``; each deviates as the whole does from the truth (McCarthy 1966).
    """
    away = np.nan_to_num(halves - whole, nan=0.0)
    support = np.isfinite(whole).astype(np.int64)

    def measure(rng: np.random.Generator) -> Outcome:
        factors = rng.standard_normal(len(away)) / np.sqrt(len(away))
        return Outcome(whole + np.tensordot(factors, away, 1), support=support)

    return Redraws(
        f"The matrix is moved as its {len(halves)} half-samples of the rows deviate from it.",
        measure,
    )


def redraws_of_table(
    table: SubsetTable | None,
    fit: Callable[[SubsetTable], Outcome],
    *,
    complete: bool,
    fixed: NDArray[np.bool_] | None = None,
    also: str = "",
) -> Redraws | None:
    """The estimator's own fit to a bootstrap sample of its networks.

    Args:
        table: losses of its networks; None where they are not stored.
        fit: the estimator's own.
        complete: the fit needs every network of a seed, so that seeds are drawn whole.
        fixed: ``(m,)`` networks that stay in every draw where networks are drawn.
        also: a further sentence.

    Returns:
        None where there is nothing to draw: no table, or a complete one of a single seed.
    """
    if table is None:
        return None
    seeds = seed_groups(table.seeds, len(table))
    rows_of = [np.flatnonzero(seeds == seed) for seed in range(int(seeds.max()) + 1)]
    least = 2 if complete or max(map(len, rows_of)) == 1 else FEW_SEEDS
    if len(rows_of) >= least:

        def take(rng: np.random.Generator) -> SubsetTable:
            picked = drawn(rng, len(rows_of))
            rows = np.concatenate([rows_of[i] for i in picked])
            # A seed drawn twice counts as two, or its networks would take each other's place.
            fresh = np.repeat(np.arange(len(picked)), [len(rows_of[i]) for i in picked])
            return replace(table.take(rows), seeds=fresh)

        what = f"The {len(rows_of)} seeds are drawn again, with replacement"
    elif complete:
        return None
    else:
        stays = np.zeros(len(table), dtype=bool) if fixed is None else fixed
        moving = [rows[~stays[rows]] for rows in rows_of]
        if max(map(len, moving)) < 2:
            return None

        def take(rng: np.random.Generator) -> SubsetTable:
            parts = [np.flatnonzero(stays)]
            parts += [m[drawn(rng, len(m))] if len(m) > 1 else m for m in moving]
            return table.take(np.concatenate(parts))

        where = " within each seed" if len(rows_of) > 1 else ""
        what = f"The {sum(map(len, moving))} networks are drawn again, with replacement{where}"

    def measure(rng: np.random.Generator) -> Outcome:
        return fit(take(rng))

    end = f" {also}" if also else ""
    return Redraws(f"{what}, and the method is fitted to each draw.{end}", measure)
