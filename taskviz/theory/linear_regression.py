"""Excess risk of pooling two linear regressions, in closed form.

Task s (source) and task t (target): ``y = xᵀβ + ε`` with ``x ~ N(0, Σ)`` of p features and noise of
variance σ²; ``n_s`` and ``n_t`` samples, N = n_s + n_t. One vector β̂ is fitted to both by least
squares; the excess risk on the target is ``E‖Σ_t^{1/2}(β̂ − β_t)‖²`` with Σ_t = I.

Source: talk, “Data set shifts”, figures 3 and 4, after Yang, Zhang, Wu, Su, Ré (2020), *Precise
High-Dimensional Asymptotics for Quantifying Heterogeneous Transfers*. The formulas are limits for
many features at fixed n_s/p and n_t/p: at finite p they are too low by about 1/(N − p) of the
variance term, which matters near N = p. Every function takes plain numbers, or arrays that
broadcast, and returns a float or an array.
"""

from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from taskviz.theory.validity import Array, alone, counts, numbers

Risk = np.float64 | NDArray[np.float64]


def target_only_risk(n_target: ArrayLike, features: ArrayLike, noise_variance: ArrayLike) -> Risk:
    """Risk of least squares on the target alone: ``σ² p / (n_t − p)``.

    Raises:
        TaskvizError: unless n_t > p + 1.

    Example:
        >>> float(target_only_risk(300, 100, 0.25))
        0.125
    """
    n_t, p = alone(n_target, features)
    variance = numbers("noise_variance", noise_variance, 0)
    return _plain(variance * p / (n_t - p))


def model_shift_risk(
    n_source: ArrayLike,
    n_target: ArrayLike,
    features: ArrayLike,
    noise_variance: ArrayLike,
    shift: ArrayLike,
) -> Risk:
    """Risk of pooling where the two tasks differ in β alone (Σ_s = Σ_t = I).

    ``2μ² [n_s² (N − p) + p n_s n_t] / [N² (N − p)] + σ² p / (N − p)``: bias and variance.

    Args:
        n_source: samples of the source, n_s.
        n_target: samples of the target, n_t.
        features: p.
        noise_variance: σ², not σ.
        shift: μ ≥ 0, with ``‖β_s − β_t‖² = 2μ²``; 0 means the same task.

    Raises:
        TaskvizError: unless N > p + 1 and all numbers are finite and in range.
    """
    n_s, n_t, p = counts(n_source, n_target, features)
    variance = numbers("noise_variance", noise_variance, 0)
    mu = numbers("shift", shift, 0)
    n = n_s + n_t
    bias = 2 * mu**2 * (n_s**2 * (n - p) + p * n_s * n_t) / (n**2 * (n - p))
    return _plain(bias + variance * p / (n - p))


def covariate_shift_risk(
    n_source: ArrayLike,
    n_target: ArrayLike,
    features: ArrayLike,
    noise_variance: ArrayLike,
    shift: ArrayLike,
) -> Risk:
    """Risk of pooling where the two tasks differ in their inputs alone (β_s = β_t, Σ_t = I).

    ``(σ²/N) Σ_i 1 / (λ_i² a₁ + a₂)`` with a₁, a₂ of :func:`weights`.

    Args:
        n_source: samples of the source, n_s.
        n_target: samples of the target, n_t.
        features: p.
        noise_variance: σ², not σ.
        shift: λ > 0: half of the singular values of Σ_s^{1/2} are λ, half 1/λ (for an odd p the
            middle one counts half for each); 1 means the same inputs, λ and 1/λ are the same shift.

    Raises:
        TaskvizError: unless N > p + 1 and all numbers are finite and in range.
    """
    return pooled_risk(n_source, n_target, features, noise_variance, 0.0, shift)


def pooled_risk(
    n_source: ArrayLike,
    n_target: ArrayLike,
    features: ArrayLike,
    noise_variance: ArrayLike,
    model_shift: ArrayLike,
    covariate_shift: ArrayLike,
) -> Risk:
    """Risk of pooling under both shifts at once; each of the two above is a special case.

    ``β_s − β_t`` has length √2 μ and lies evenly in the directions of λ and of 1/λ. The variance is
    that of :func:`covariate_shift_risk`. The bias ``E‖W⁻¹ W_s Δ‖²``, with W_s the source's Gram
    matrix and W that of both, is our own derivation: ``W_s W⁻² W_s = −d/dz W_s (W + zI)⁻¹ W_s`` at
    z = 0, and leaving out one and two samples gives the deterministic equivalent
    ``E W_s (W + zI)⁻¹ W_s ≈ n_s κ/(1 + κ) Σ_s + b² Σ_s R Σ_s``, with ``b = n_s/(1 + κ)``,
    ``κ = tr Σ_s R`` and R that of (W + zI)⁻¹. Tests hold it against simulation.

    Args:
        n_source: n_s.
        n_target: n_t.
        features: p.
        noise_variance: σ².
        model_shift: μ ≥ 0, see :func:`model_shift_risk`.
        covariate_shift: λ > 0, see :func:`covariate_shift_risk`.

    Raises:
        TaskvizError: unless N > p + 1 and all numbers are finite and in range.
    """
    n_s, n_t, p = counts(n_source, n_target, features)
    variance = numbers("noise_variance", noise_variance, 0)
    mu = numbers("model shift", model_shift, 0)
    lam = numbers("covariate shift", covariate_shift, 0, strict=True)
    n_s, n_t, p, variance, mu, lam = np.broadcast_arrays(n_s, n_t, p, variance, mu, lam)
    a_1, a_2 = weights(n_s, n_t, p, lam)
    n = n_s + n_t
    b_s, b_t = n * a_1, n * a_2
    # The two eigenvalues of Σ_s in a first axis of length 2, p/2 directions each.
    l = np.stack([lam**2, lam**-2.0])  # noqa: E741 - an eigenvalue
    r = 1 / (b_s * l + b_t)
    half = p / 2
    risk = variance * half * r.sum(axis=0)
    if np.any(mu > 0):
        risk = risk + 2 * mu**2 * _bias(n_s, n_t, half, l, r, b_s)
    return _plain(risk)


def weights(
    n_source: ArrayLike, n_target: ArrayLike, features: ArrayLike, shift: ArrayLike
) -> tuple[Array, Array]:
    """a₁ and a₂: how much the source's and the target's inputs weigh in the pooled Gram matrix.

    Solves ``a₁ + a₂ = 1 − p/N`` and ``a₁ + (1/N) Σ_i λ_i² a₁ / (λ_i² a₁ + a₂) = n_s/N``. With
    ``a₁ = (1 − p/N) s`` the second is monotone in s from −n_s/N to n_t/N: one root, found by
    bisection in logit(s), which keeps its digits where a₁ or a₂ is tiny. Error below 1e-12.
    """
    n_s, n_t, p = counts(n_source, n_target, features)
    lam = numbers("shift", shift, 0, strict=True)
    n_s, n_t, p, lam = np.broadcast_arrays(n_s, n_t, p, lam)
    n, c = n_s + n_t, 1 - p / (n_s + n_t)
    move = 2 * np.log(lam)
    reach = 80.0 + np.abs(move)
    low, high = -reach, reach.copy()
    for _ in range(90):
        u = (low + high) / 2
        taken = (expit(u + move) + expit(u - move)) / 2
        below = c * expit(u) + p / n * taken < n_s / n
        low, high = np.where(below, u, low), np.where(below, high, u)
    u = (low + high) / 2
    none, all_ = n_s == 0, n_t == 0
    share = np.where(none, 0.0, np.where(all_, 1.0, expit(u)))
    rest = np.where(none, 1.0, np.where(all_, 0.0, expit(-u)))
    return np.asarray(c * share), np.asarray(c * rest)


def _bias(n_s: Array, n_t: Array, half: Array, l: Array, r: Array, b_s: Array) -> Array:  # noqa: E741
    """Squared bias for a Δ of length 1; ``′`` in comments is the derivative in z at 0."""
    k_s, k_t = half * (l * r).sum(axis=0), half * r.sum(axis=0)
    g_s, g_t = n_s / (1 + k_s) ** 2, n_t / (1 + k_t) ** 2
    one, two, three = (half * (l**e * r**2).sum(axis=0) for e in (0, 1, 2))
    # κ_s′ and κ_t′ from R′ = −R² (1 − g_s κ_s′ λ² − g_t κ_t′): two linear equations.
    m_ss, m_st = 1 - g_s * three, -g_t * two
    m_ts, m_tt = -g_s * two, 1 - g_t * one
    determinant = m_ss * m_tt - m_st * m_ts
    dk_s = (-two * m_tt + one * m_st) / determinant
    dk_t = (-one * m_ss + two * m_ts) / determinant
    db_s, db_t = -g_s * dk_s, -g_t * dk_t
    dr = -(r**2) * (db_s * l + db_t + 1)
    slope = g_s * dk_s * l + 2 * b_s * db_s * l**2 * r + b_s**2 * l**2 * dr
    return np.asarray(-slope.mean(axis=0))


def _plain(values: Array) -> Risk:
    return cast(Risk, np.asarray(values)[()])
