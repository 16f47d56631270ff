"""Two linear tasks through one shared linear layer of width r: does a narrow layer interfere?

The network is ``f_t(x) = a_tᵀ Bᵀ x`` with B (p × r) shared and a head a_t of length r for each
task; it is fitted to the summed squared errors of both tasks. Source: talk, “Setup”, proposition of
Wu, Zhang, Ré (2020), *Understanding and Improving Information Transfer in Multi-Task Learning*.

- r ≥ 2: (B, a_s, a_t) reaches every pair of coefficient vectors, so the fit is that of each task
  alone and its risk is :func:`~taskviz.theory.linear_regression.target_only_risk`.
- r = 1: both coefficient vectors are multiples of one direction. Where the tasks' true directions
  agree the source helps, where they differ it interferes. There is no closed form in our sources.
"""

import numpy as np

from taskviz.theory.simulation import Moments, alone_draws
from taskviz.theory.validity import Array, alone, numbers
from taskviz.values import TaskvizError

ANGLES = 180
"""Points of the search for the best heads at width 1, before it is refined."""


def shared_layer_draws(moments: Moments, width: int, model_shift: float) -> Array:
    """Excess risk on the target of the best fit of a given width, ``(R, K)``.

    Both true vectors have length 1 and ``‖β_s − β_t‖² = 2μ²``, so the cosine between them is
    1 − μ²: μ = 0 the same direction, 1 a right angle, √2 opposite (which one layer can still serve,
    since a head may be negative).

    Args:
        moments: drawn by :func:`~taskviz.theory.simulation.draw`, with n_t > p + 1.
        width: r ≥ 1.
        model_shift: μ in [0, √2].

    Raises:
        TaskvizError: a width below 1, a μ out of range, or too small a target.
    """
    if int(width) != width or width < 1:
        raise TaskvizError(f"The shared layer has width {width}: give a whole number from 1 up.")
    mu = float(numbers("model shift", model_shift, 0))
    if mu > np.sqrt(2):
        raise TaskvizError(
            f"model shift is {mu:g}: two vectors of length 1 are at most √2 apart in μ."
        )
    repeats, sizes, p, _ = moments.source.shape
    alone(moments.n_target, p)
    if width >= 2:
        return np.repeat(alone_draws(moments)[:, None], sizes, axis=1)
    beta_t, beta_s = np.zeros((2, p))
    # Spread over the features, so that a covariate shift meets both vectors alike.
    even = np.full(p, 1 / np.sqrt(p))
    odd = even * np.where(np.arange(p) % 2, 1.0, -1.0)
    odd -= (odd @ even) * even
    length = np.linalg.norm(odd)
    odd = odd / length if length > 0 else odd
    cosine = 1 - mu**2
    beta_t, beta_s = even, cosine * even + np.sqrt(max(0.0, 1 - cosine**2)) * odd
    found = np.empty((repeats, sizes))
    for k in range(sizes):
        source = moments.source[:, k]
        found[:, k] = (
            (
                narrow_fit(
                    source,
                    moments.target,
                    source @ beta_s + moments.source_noise[:, k],
                    moments.target @ beta_t + moments.target_noise,
                )
                - beta_t
            )
            ** 2
        ).sum(axis=-1)
    return found


def narrow_fit(
    gram_source: Array, gram_target: Array, moment_source: Array, moment_target: Array
) -> Array:
    """Coefficients ``(R, p)`` of the target in the best fit of width 1.

    For heads (cos φ, sin φ) the best direction is ``b = M⁻¹ h`` with ``M = cos²φ W_s + sin²φ W_t``
    and ``h = cos φ c_s + sin φ c_t``, c = Xᵀy, and it lowers the summed squared error by
    ``hᵀ M⁻¹ h``. One basis turns W_s and W_t diagonal at once, so this is a search in one angle:
    a grid of :data:`ANGLES`, then golden sections around its best point.

    Args:
        gram_source: XᵀX, ``(R, p, p)``.
        gram_target: the same of the target; positive definite.
        moment_source: Xᵀy, ``(R, p)``.
        moment_target: the same of the target.
    """
    inverse = np.linalg.inv(np.linalg.cholesky(gram_source + gram_target))
    turned = inverse @ gram_source @ inverse.swapaxes(-1, -2)
    share, vectors = np.linalg.eigh(turned)
    share = np.clip(share, 0.0, 1.0)
    basis = inverse.swapaxes(-1, -2) @ vectors
    g_s = np.einsum("rpj,rp->rj", basis, moment_source)
    g_t = np.einsum("rpj,rp->rj", basis, moment_target)

    def parts(angle: Array) -> tuple[Array, Array]:
        cos, sin = np.cos(angle)[..., None], np.sin(angle)[..., None]
        d, s, t = (v[:, None] for v in (share, g_s, g_t))
        return cos * s + sin * t, cos**2 * d + sin**2 * (1 - d)

    def gained(angle: Array) -> Array:
        h, m = parts(angle)
        return np.asarray((h**2 / m).sum(axis=-1))

    step = np.pi / ANGLES
    # Half a step off 0, where M may be singular.
    grid = np.broadcast_to((np.arange(ANGLES) + 0.5) * step, (len(share), ANGLES))
    best = np.take_along_axis(grid, gained(grid).argmax(axis=1)[:, None], axis=1)
    low, high = best - step, best + step
    golden = (np.sqrt(5) - 1) / 2
    for _ in range(40):
        left, right = high - golden * (high - low), low + golden * (high - low)
        rises = gained(left) < gained(right)
        low, high = np.where(rises, left, low), np.where(rises, high, right)
    angle = (low + high) / 2
    h, m = parts(angle)
    direction = np.einsum("rpj,rj->rp", basis, (h / m)[:, 0])
    return np.asarray(np.sin(angle) * direction)
