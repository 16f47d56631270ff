"""Linear model of a target's loss over the membership of the sources."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskviz.affinity.seeds import seed_groups
from taskviz.values import SubsetTable


@dataclass(frozen=True, eq=False)
class SurrogateFit:
    """``L̂_t(S) = level_t · (intercept_t + Σ_{s ∈ S∖t} θ[s, t])``.

    Args:
        level: ``(T,)`` typical loss of each task, what θ is a share of; NaN without data.
        intercept: ``(T,)`` share of the level with no source; 0 where none was fitted.
        coefficients: ``(T, T)`` θ ``[source, target]``; NaN where the data do not decide it, 0 on
            the diagonal.
        error: ``(T, T)`` least-squares standard errors of θ.
        support: ``(T, T)`` networks that hold both; 0 where θ is missing.
        seeds: ``(k,)`` the seeds of the networks; empty where they are unknown.
        seed_levels: ``(k, T)`` the level in each seed; ``level`` is their mean.
    """

    level: NDArray[np.float64]
    intercept: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    error: NDArray[np.float64]
    support: NDArray[np.int64]
    seeds: NDArray[np.int64]
    seed_levels: NDArray[np.float64]

    def predict(
        self, membership: NDArray[np.bool_], seeds: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        """``(m, T)`` losses of ``(m, T)`` subsets; NaN outside, and where a source is unknown.

        Args:
            seeds: ``(m,)`` seeds whose splits the losses are meant for; mean level by default and
                for a seed that the fit does not know.
        """
        holds = membership.astype(np.float64)
        unknown = np.isnan(self.coefficients)
        sums = holds @ np.where(unknown, 0.0, self.coefficients)
        blind = holds @ unknown.astype(np.float64) > 0
        level = np.broadcast_to(self.level, membership.shape).copy()
        if seeds is not None:
            for seed, own in zip(self.seeds, self.seed_levels, strict=True):
                level[seeds == seed] = np.where(np.isnan(own), self.level, own)
        losses = level * (self.intercept + sums)
        return np.where(membership & ~blind, losses, np.nan)

    def to_state(self) -> dict[str, NDArray[Any]]:
        """Arrays from which :meth:`from_state` makes it again."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]]) -> "SurrogateFit":
        """The inverse of :meth:`to_state`."""
        return cls(*(np.asarray(state[field.name]) for field in fields(cls)))


def fit_surrogate(
    table: SubsetTable,
    *,
    ridge: float = 0.0,
    intercept: bool = True,
    prior: NDArray[np.float64] | None = None,
) -> SurrogateFit:
    """Least squares for every target.

    Losses are first scaled per seed and task: divided by the seed's level, the loss that a fit
    with an intercept a seed gives the average subset (the plain mean of the seed where too few
    networks decide that, or without an intercept). Then each seed keeps an intercept of its own.
    An additive table with the same level in every seed is recovered exactly.

    Args:
        table: losses of subset networks; NaN in a subset counts as absent.
        ridge: λ of ``Σ (L − L̂)² + λ ‖θ − prior‖²`` on scaled losses; it weighs about as much as
            4λ networks with random membership. Intercepts are not penalised.
        intercept: fit a loss of the empty set of sources.
        prior: ``(T, T)`` what θ is shrunk to, in place of 0.
    """
    size = len(table.tasks)
    level, shift = np.full((2, size), np.nan)
    coefficients, error = np.full((2, size, size), np.nan)
    support = np.zeros((size, size), dtype=np.int64)
    groups = seed_groups(table.seeds, len(table))
    seed_levels = np.full((groups.max() + 1, size), np.nan)
    for t in range(size):
        rows = np.flatnonzero(np.isfinite(table.losses[:, t]))
        if not len(rows):
            continue
        others = np.delete(np.arange(size), t)
        holds = table.membership[np.ix_(rows, others)].astype(np.float64)
        present, seeds = np.unique(groups[rows], return_inverse=True)
        losses = table.losses[rows, t]
        levels = _levels(losses, holds, seeds, intercept)
        target = _Target(holds, seeds if intercept else None)
        wanted = np.zeros(len(others)) if prior is None else prior[others, t]
        theta, base, spread, known = target.solve(losses / levels[seeds], ridge, wanted)
        level[t], shift[t] = levels.mean(), base
        seed_levels[present, t] = levels
        coefficients[others, t] = np.where(known, theta, np.nan)
        error[others, t] = np.where(known, spread, np.nan)
        support[others, t] = np.where(known, holds.sum(axis=0), 0)
        coefficients[t, t], error[t, t], support[t, t] = 0.0, 0.0, len(rows)
    known_seeds = np.zeros(0, np.int64) if table.seeds is None else np.unique(table.seeds)
    return SurrogateFit(
        level,
        shift,
        coefficients,
        error,
        support,
        known_seeds,
        seed_levels[: len(known_seeds)],
    )


def _levels(
    losses: NDArray[np.float64],
    holds: NDArray[np.float64],
    seeds: NDArray[np.int64],
    intercept: bool,
) -> NDArray[np.float64]:
    """``(k,)`` size of the losses of each seed; never 0."""
    count = seeds.max() + 1
    means = np.bincount(seeds, losses) / np.bincount(seeds)
    if intercept:
        # Sources that are always or never there cannot tell seeds apart.
        vary = holds[:, holds.std(axis=0) > 0]
        design = np.concatenate([np.eye(count)[seeds], vary - vary.mean(axis=0)], axis=1)
        solution, _, rank, _ = np.linalg.lstsq(design, losses, rcond=None)
        if rank == design.shape[1] and (solution[:count] * means > 0).all():
            means = solution[:count]
    return np.asarray(np.where(means == 0, 1.0, np.abs(means)))


class _Target:
    """The design of one target: an intercept a seed (or none) and the sources' membership."""

    def __init__(self, holds: NDArray[np.float64], seeds: NDArray[np.int64] | None) -> None:
        lead = np.zeros((len(holds), 0)) if seeds is None else np.eye(seeds.max() + 1)[seeds]
        self.first = lead.shape[1]
        self.design = np.concatenate([lead, holds], axis=1)
        self.vary = holds.any(axis=0) & (~holds.all(axis=0) if self.first else True)

    def solve(
        self, losses: NDArray[np.float64], ridge: float, prior: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float, NDArray[np.float64], NDArray[np.bool_]]:
        """θ, mean intercept, standard errors of θ, and which θ the data (or the ridge) decide."""
        n, columns = self.design.shape
        weights = np.zeros(columns)
        weights[self.first :] = ridge
        centre = np.concatenate([np.zeros(self.first), prior])
        # Ridge as extra rows: one well-conditioned least-squares problem.
        full = np.concatenate([self.design, np.diag(np.sqrt(weights))])
        inverse = np.linalg.pinv(full, rcond=1e-10)
        solution = inverse @ np.concatenate([losses, np.sqrt(weights) * centre])
        decided = np.abs(np.diag(inverse @ full) - 1) < 1e-8
        known = decided[self.first :] & self.vary
        gain = inverse[:, :n]
        freedom = n - np.trace(self.design @ gain)
        residual = losses - self.design @ solution
        variance = float(residual @ residual) / freedom if freedom > 1e-6 else np.nan
        spread = np.sqrt(variance * (gain**2).sum(axis=1))[self.first :]
        base = float(solution[: self.first].mean()) if self.first else 0.0
        return solution[self.first :], base, spread, known
