"""Losses of groups as a sum of random effects that targets share: a Gaussian posterior of them all.

What a few dozen networks say of each target by itself is little. But sources that hurt one target
tend to hurt others, a pair that helps one way tends to help the other, and every target feels how
crowded its group is; so the effects are estimated together, each kind with a variance of its own
that the data choose (type-II maximum likelihood).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taskviz.affinity.seeds import seed_groups
from taskviz.engines.blas import one_blas_thread
from taskviz.values import SubsetTable, TaskvizError

Array = NDArray[np.float64]
SHARED = ("size", "target size", "source", "source mean", "pair", "pair mean", "both", "both mean")
"""Kinds of effects that hold in every seed; the order of variances and of feature blocks."""
OWN = ("seed", "network")
"""What a seed does to like groups, and what a network does to all of its tasks."""
PRIOR_MEAN, PRIOR_SPREAD = -2.0, 1.5
"""Of the log variance of each kind, in units of a target's own spread."""
NOISE_START = -0.7
LARGE_OFFSET = 10.0
"""Variance of the level of a seed and target: as good as free."""
HAMMING = 2.0
"""Groups that differ in this many tasks share 1/e of what a seed does to them."""
LEARN_UP_TO = 1500
"""Observations that variances are learnt from at the most; all are used for the effects."""
MOST = 9000


@dataclass(frozen=True, eq=False)
class Observations:
    """One row a loss of a task in a network.

    Args:
        membership: ``(n, T)`` of its group.
        target: ``(n,)``.
        seed: ``(n,)`` number of the seed from 0.
        network: ``(n,)``.
        value: ``(n,)`` (loss / level of its seed and target − 1) / spread of the target.
    """

    membership: NDArray[np.bool_]
    target: NDArray[np.int64]
    seed: NDArray[np.int64]
    network: NDArray[np.int64]
    value: Array

    def take(self, rows: NDArray[np.int64]) -> "Observations":
        """Some rows."""
        return Observations(
            self.membership[rows],
            self.target[rows],
            self.seed[rows],
            self.network[rows],
            self.value[rows],
        )


@dataclass(frozen=True, eq=False)
class PooledModel:
    """``L̂_t(S) = level_t · (1 + spread_t · φ(t, S)·w)`` with ``w ~ N(mean, covariance)``.

    Args:
        level: ``(T,)`` typical loss of each task; NaN without data.
        spread: ``(T,)`` how much its losses vary between groups, as a share of the level.
        mean: ``(D,)`` effects.
        covariance: ``(D, D)`` their uncertainty, or None where it was not asked for.
        variances: of each kind in :data:`SHARED`, :data:`OWN` and the noise.
    """

    level: Array
    spread: Array
    mean: Array
    covariance: Array | None
    variances: Array

    def predict(self, membership: NDArray[np.bool_]) -> Array:
        """``(m, T)`` losses of ``(m, T)`` groups; NaN outside, and for a task without data."""
        found = np.full(membership.shape, np.nan)
        row, target = np.nonzero(membership)
        for first in range(0, len(row), 4096):
            part = slice(first, first + 4096)
            value = features(membership[row[part]], target[part]) @ self.mean
            found[row[part], target[part]] = self.level[target[part]] * (
                1 + self.spread[target[part]] * value
            )
        return found

    def contrast(self, weights: Sequence[tuple[NDArray[np.bool_], float]]) -> tuple[float, float]:
        """Mean and standard deviation of a weighted sum of groups' summed losses.

        Args:
            weights: ``(T,)`` membership of a group and what it counts. A plan minus another is the
                groups of the first at 1 and of the second at −1. Levels and spreads are taken as
                known.

        Raises:
            TaskvizError: the model was fitted without its covariance.
        """
        if self.covariance is None:
            raise TaskvizError("This model was fitted without its uncertainty: fit it again.")
        total, constant = np.zeros(len(self.mean)), 0.0
        for membership, weight in weights:
            inside = np.flatnonzero(membership)
            rows = np.repeat(membership[None], len(inside), axis=0)
            scale = weight * self.level[inside]
            constant += float(scale.sum())
            total += (scale * self.spread[inside]) @ features(rows, inside)
        variance = float(total @ self.covariance @ total)
        return constant + float(total @ self.mean), float(np.sqrt(max(variance, 0.0)))


def fit_pooled(
    table: SubsetTable, *, uncertainty: bool = True, variances: Array | None = None
) -> PooledModel:
    """Effects and their variances from the losses of subset networks.

    Losses are divided by their mean in each seed and target, then by the target's spread, so that
    every target speaks with the same voice; each seed and target keeps a level of its own.

    Args:
        table: losses; NaN in a subset counts as absent.
        uncertainty: also compute the covariance of the effects.
        variances: of each kind, as an earlier fit learnt them; None learns them.

    Raises:
        TaskvizError: no loss at all, or more than :data:`MOST`.
    """
    size = len(table.tasks)
    level, spread, seen = _observe(table)
    if not len(seen.value):
        raise TaskvizError("The subset table holds no finite loss: there is nothing to fit.")
    if len(seen.value) > MOST:
        raise TaskvizError(
            f"The pooled surrogate takes at most {MOST} losses and got {len(seen.value)}: train "
            "fewer subsets, select fewer tasks, or use the method surrogate."
        )
    with one_blas_thread():
        logs = _learn(_few(seen), size) if variances is None else np.log(variances)
    shared = features(seen.membership, seen.target)
    prior = np.exp(logs[: len(SHARED)])[_blocks(size)]
    total = (shared * prior) @ shared.T + _own(seen, np.exp(logs[len(SHARED) : -1]))
    total[np.diag_indices_from(total)] += np.exp(logs[-1])
    from scipy.linalg import cho_factor, cho_solve

    factor = cho_factor(total, lower=True)
    back = prior[:, None] * shared.T
    mean = back @ cho_solve(factor, seen.value)
    covariance = None
    if uncertainty:
        covariance = np.diag(prior) - back @ cho_solve(factor, back.T)
    return PooledModel(level, spread, mean, covariance, np.exp(logs))


def features(membership: NDArray[np.bool_], target: NDArray[np.int64]) -> Array:
    """``(n, D)`` what each effect counts in the loss of a target in a group.

    Blocks as in :data:`SHARED`: number of other tasks, for all targets and for each; each source,
    as a sum and as a mean over the others; the same for each pair (source, target); and for each
    unordered pair, whichever of the two is the target.
    """
    size, rows = membership.shape[1], np.arange(len(target))
    others = membership.astype(np.float64)
    others[rows, target] = 0.0
    count = others.sum(axis=1, keepdims=True)
    # Scaled so that a random group has about unit size in every block.
    total = others * np.sqrt(4.0 / size)
    mean = others / np.maximum(count, 1) * np.sqrt(size / 2.0)
    crowd = count * (4.0 / size)
    by_target = np.zeros((len(target), size))
    by_target[rows, target] = crowd[:, 0]
    pairs, means = np.zeros((2, len(target), size, size))
    pairs[rows, target], means[rows, target] = total, mean
    either = np.triu_indices(size, 1)
    both = pairs + np.swapaxes(pairs, 1, 2)
    both_mean = means + np.swapaxes(means, 1, 2)
    flat = (len(target), size * size)
    parts = [crowd, by_target, total, mean, pairs.reshape(flat), means.reshape(flat)]
    parts += [both[:, *either], both_mean[:, *either]]
    return np.concatenate(parts, axis=1)


def _blocks(size: int) -> NDArray[np.int64]:
    """``(D,)`` which kind each feature is of."""
    unordered = size * (size - 1) // 2
    widths = [1, size, size, size, size * size, size * size, unordered, unordered]
    return np.repeat(np.arange(len(widths)), widths)


def _observe(table: SubsetTable) -> tuple[Array, Array, Observations]:
    size = len(table.tasks)
    groups = seed_groups(table.seeds, len(table))
    level, spread = np.full((2, size), np.nan)
    network, target = np.nonzero(np.isfinite(table.losses) & table.membership)
    value = table.losses[network, target].copy()
    seed = groups[network]
    for t in range(size):
        levels = []
        for k in np.unique(seed[target == t]):
            own = (target == t) & (seed == k)
            levels.append(float(value[own].mean()) or 1.0)
            value[own] = value[own] / levels[-1] - 1
        own = target == t
        if levels:
            freedom = max(int(own.sum()) - len(levels), 1)
            level[t] = float(np.mean(levels))
            spread[t] = max(float(np.sqrt((value[own] ** 2).sum() / freedom)), 1e-12)
            value[own] /= spread[t]
    return level, spread, Observations(table.membership[network], target, seed, network, value)


def _few(seen: Observations) -> Observations:
    """Whole networks at random, up to what variances are learnt from."""
    if len(seen.value) <= LEARN_UP_TO:
        return seen
    order = np.random.default_rng(0).permutation(np.unique(seen.network))
    counts = np.bincount(seen.network)[order].cumsum()
    kept = order[: max(1, int((counts <= LEARN_UP_TO).sum()))]
    return seen.take(np.flatnonzero(np.isin(seen.network, kept)))


def _own_kernels(seen: Observations) -> tuple[Array, Array, Array]:
    """Seed-specific smooth part, network part, level of seed and target."""
    inside = seen.membership.astype(np.float64)
    sizes = inside.sum(axis=1)
    apart = sizes[:, None] + sizes[None] - 2 * inside @ inside.T
    same = (seen.target[:, None] == seen.target) & (seen.seed[:, None] == seen.seed)
    smooth = np.where(same, np.exp(-apart / HAMMING), 0.0)
    network = (seen.network[:, None] == seen.network).astype(np.float64)
    return smooth, network, LARGE_OFFSET * same


def _own(seen: Observations, variances: Array) -> Array:
    smooth, network, level = _own_kernels(seen)
    return np.asarray(variances[0] * smooth + variances[1] * network + level)


def _learn(seen: Observations, size: int) -> Array:
    """Log variances: maximum of marginal likelihood times a broad prior."""
    from scipy.linalg import cho_factor, cho_solve
    from scipy.optimize import minimize

    shared, block = features(seen.membership, seen.target), _blocks(size)
    kernels = [shared[:, block == b] @ shared[:, block == b].T for b in range(len(SHARED))]
    smooth, network, level = _own_kernels(seen)
    stack = np.stack([*kernels, smooth, network, np.eye(len(seen.value))])

    def loss(logs: Array) -> tuple[float, Array]:
        variances = np.exp(logs)
        total = np.tensordot(variances, stack, axes=1) + level
        factor = cho_factor(total, lower=True)
        weights = cho_solve(factor, seen.value)
        inverse = cho_solve(factor, np.eye(len(total)))
        misfit = 0.5 * seen.value @ weights + np.log(np.diag(factor[0])).sum()
        slope = np.tensordot(stack, inverse - np.outer(weights, weights), axes=2)
        apart = (logs - PRIOR_MEAN) / PRIOR_SPREAD
        return (
            float(misfit + 0.5 * apart @ apart),
            0.5 * variances * slope + apart / PRIOR_SPREAD,
        )

    start = np.full(len(stack), PRIOR_MEAN)
    start[-1] = NOISE_START
    found = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(-9.0, 4.0)] * len(start),
        options={"maxiter": 60},
    )
    return np.asarray(found.x)
