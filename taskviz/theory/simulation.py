"""Data drawn, fitted and scored: what the closed forms are held against."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy import stats

from taskviz.theory.validity import Array, alone, counts, numbers
from taskviz.values import TaskvizError


@dataclass(frozen=True, slots=True)
class Interval:
    """Means over repeats with their standard errors and 95 % intervals (Student's t).

    Args:
        mean: any shape.
        standard_error: of the mean, same shape.
        half_width: of the interval, same shape.
        repeats: independent draws behind each entry.
    """

    mean: Array
    standard_error: Array
    half_width: Array
    repeats: int

    @classmethod
    def of(cls, draws: Array) -> "Interval":
        """Of draws whose first axis counts the repeats (two at least)."""
        repeats = len(draws)
        error = draws.std(axis=0, ddof=1) / np.sqrt(repeats)
        return cls(draws.mean(axis=0), error, error * stats.t.ppf(0.975, repeats - 1), repeats)


@dataclass(frozen=True, slots=True)
class Moments:
    """Gram matrices of one draw of both tasks for growing sources: all that least squares needs.

    Args:
        source: ``(R, K, p, p)``, XᵀX of the first n_s[k] source samples.
        target: ``(R, p, p)``, XᵀX of the target samples.
        source_noise: ``(R, K, p)``, Xᵀε of the source.
        target_noise: ``(R, p)``, Xᵀε of the target.
        n_target: n_t.
    """

    source: Array
    target: Array
    source_noise: Array
    target_noise: Array
    n_target: int


def draw(
    n_source: Sequence[int],
    n_target: int,
    features: int,
    noise_variance: float,
    covariate_shift: float = 1.0,
    *,
    repeats: int,
    first: int = 0,
    seed: int = 0,
) -> Moments:
    """Draw inputs and noise of both tasks and sum them up.

    A larger source holds the samples of a smaller one, so that neighbouring points of a curve share
    their luck and only their difference is sharp. Repeat i is drawn from a generator of its own:
    repeats 0–3 and 4–7 make the same eight as 0–7 in one go, and every setting with one seed sees
    the same normal numbers.

    Args:
        n_source: sizes of the source, rising.
        n_target: n_t.
        features: p.
        noise_variance: σ².
        covariate_shift: λ: the first half of the features is scaled by λ, the rest by 1/λ; with an
            odd p there is one feature more of 1/λ.
        repeats: independent draws R.
        first: index of the first repeat.
        seed: of all generators.

    Raises:
        TaskvizError: sizes that do not rise, or settings out of range.
    """
    sizes = [int(n) for n in n_source]
    if not sizes or sizes[0] < 0 or any(b <= a for a, b in pairwise(sizes)):
        raise TaskvizError(f"n_source is {sizes}: give sizes of at least 0 that rise.")
    counts(sizes, n_target, features)
    sigma = float(np.sqrt(numbers("noise_variance", noise_variance, 0)))
    generators = [np.random.default_rng([seed, first + i]) for i in range(repeats)]
    target, target_noise = _block(generators, n_target, features, sigma)
    gram, noise = np.zeros((repeats, features, features)), np.zeros((repeats, features))
    grams, noises = [], []
    for before, now in zip([0, *sizes], sizes, strict=False):
        more_gram, more_noise = _block(generators, now - before, features, sigma)
        gram = gram + more_gram
        noise = noise + more_noise
        grams.append(gram)
        noises.append(noise)
    plain = Moments(
        np.stack(grams, axis=1), target, np.stack(noises, axis=1), target_noise, n_target
    )
    return shifted(plain, covariate_shift)


def shifted(moments: Moments, covariate_shift: float) -> Moments:
    """The same draw with the source's inputs scaled: by λ in the first half, by 1/λ in the rest."""
    lam = float(numbers("covariate shift", covariate_shift, 0, strict=True))
    if lam == 1:
        return moments
    features = moments.target.shape[-1]
    scale = np.where(np.arange(features) < features // 2, lam, 1 / lam)
    return replace(
        moments,
        source=moments.source * np.outer(scale, scale),
        source_noise=moments.source_noise * scale,
    )


def _block(
    generators: Sequence[np.random.Generator], rows: int, features: int, sigma: float
) -> tuple[Array, Array]:
    """XᵀX ``(R, p, p)`` and Xᵀε ``(R, p)`` of fresh rows; at most some 16 MB of rows at a time."""
    gram = np.zeros((len(generators), features, features))
    noise = np.zeros((len(generators), features))
    most = max(1, 2_000_000 // features)
    for i, generator in enumerate(generators):
        for start in range(0, rows, most):
            x = generator.standard_normal((min(most, rows - start), features))
            gram[i] += x.T @ x
            noise[i] += sigma * (generator.standard_normal(len(x)) @ x)
    return gram, noise


def pooled_draws(moments: Moments, model_shifts: Sequence[float]) -> Array:
    """Excess risk on the target of each pooled fit, ``(R, M, K)``: repeats, shifts μ, sizes n_s.

    The risk depends on β_s and β_t through their difference alone, which is laid evenly over all
    features: ``β̂ − β_t = W⁻¹ (W_s Δ + X_sᵀε_s + X_tᵀε_t)``.
    """
    p = moments.target.shape[-1]
    direction = np.full(p, np.sqrt(2 / p))
    pull = moments.source @ direction
    noise = moments.source_noise + moments.target_noise[:, None]
    both = np.stack([pull, noise], axis=-1)
    found = np.linalg.solve(moments.source + moments.target[:, None], both)
    mu = np.asarray(model_shifts, dtype=np.float64)[:, None, None]
    error = mu * found[:, None, ..., 0] + found[:, None, ..., 1]
    return np.asarray((error**2).sum(axis=-1))


def alone_draws(moments: Moments) -> Array:
    """Excess risk ``(R,)`` of least squares on the same target samples alone; n_t > p + 1."""
    alone(moments.n_target, moments.target.shape[-1])
    error = np.linalg.solve(moments.target, moments.target_noise[..., None])[..., 0]
    return np.asarray((error**2).sum(axis=-1))


def chunks(repeats: int, size: int) -> Iterator[tuple[int, int]]:
    """``(first, count)`` of chunks of repeats, so that a screen can fill in as they come."""
    for first in range(0, repeats, size):
        yield first, min(size, repeats - first)
