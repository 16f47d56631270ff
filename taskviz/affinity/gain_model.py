"""From a group's affinity score to its gain: a spline, and a correction by membership."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

DEGREES = (1, 2, 3)
KNOTS = (2, 3, 4, 6)
SPLINE_PENALTY = 1e-3
# No correction first: it wins where held-out groups cannot tell.
RIDGES = (np.inf, 100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1)
FOLDS = 5


@dataclass(frozen=True, eq=False)
class GainModel:
    """``gain_t(S) = spline(score_t(S)) + β_0t + Σ_{s ∈ S∖t} β[s, t]``.

    Args:
        knots: of the B-spline; empty for a constant.
        coefficients: of the B-spline, one value for a constant.
        degree: of the B-spline, ``()`` int64.
        base: ``(T,)`` β_0.
        effects: ``(T, T)`` β ``[source, target]``.
        ridge: ``()`` penalty of β; inf where held-out groups want no correction.
        errors: ``(2,)`` held-out mean squared error of the spline, and of the mean alone.
    """

    knots: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    degree: NDArray[np.int64]
    base: NDArray[np.float64]
    effects: NDArray[np.float64]
    ridge: NDArray[np.float64]
    errors: NDArray[np.float64]

    def spline(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Gain by the score alone; constant beyond the scores of the fit."""
        if not len(self.knots):
            return np.where(np.isnan(scores), np.nan, self.coefficients[0])
        from scipy.interpolate import BSpline

        k = int(self.degree)
        inside = np.clip(scores, self.knots[k], self.knots[-k - 1])
        return np.asarray(BSpline(self.knots, self.coefficients, k)(inside))

    def predict(
        self, membership: NDArray[np.bool_], scores: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """``(m, T)`` gains; 0 for a task alone, NaN outside the group or without a score."""
        gains = self.spline(scores) + self.base + membership @ self.effects
        gains = np.where(membership.sum(axis=1, keepdims=True) == 1, 0.0, gains)
        return np.where(membership, gains, np.nan)

    def to_state(self) -> dict[str, NDArray[Any]]:
        """Arrays from which :meth:`from_state` makes it again."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]]) -> "GainModel":
        """The inverse of :meth:`to_state`."""
        return cls(*(np.asarray(state[field.name]) for field in fields(cls)))


def group_scores(
    affinity: NDArray[np.float64], membership: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """``(m, T)`` mean affinity of the other members to each; NaN outside and for one alone.

    Args:
        affinity: ``(T, T)`` ``[source, target]``; NaN entries do not count.
    """
    known = ~np.isnan(affinity) & ~np.eye(len(affinity), dtype=bool)
    sums = membership @ np.where(known, affinity, 0.0)
    count = membership.astype(np.float64) @ known.astype(np.float64)
    return np.where(membership & (count > 0), sums / np.maximum(count, 1), np.nan)


def fit_gain_model(
    membership: NDArray[np.bool_],
    scores: NDArray[np.float64],
    gains: NDArray[np.float64],
    seed: int = 0,
) -> GainModel:
    """Fit spline and correction; degree, knots and penalty by cross-validation over groups.

    Args:
        membership: ``(m, T)``.
        scores: ``(m, T)``.
        gains: ``(m, T)`` measured; NaN does not count, nor do tasks alone.
    """
    size = membership.shape[1]
    used = np.isfinite(scores) & np.isfinite(gains)
    used &= membership.sum(axis=1, keepdims=True) > 1
    rows = np.nonzero(used)[0]
    x, y = scores[used], gains[used]
    groups = np.unique(rows)
    fold_of = np.zeros(len(membership), dtype=np.int64)
    order = np.random.default_rng([seed, 0xE7A]).permutation(len(groups))
    fold_of[groups] = order % FOLDS
    fold = fold_of[rows]
    nothing = np.zeros(0)
    if not len(x):
        raise ValueError("no group with a score and a gain")
    knots, coefficients, degree = nothing, np.array([y.mean()]), 0
    errors = np.array([np.nan, _cross_validate_mean(y, fold)])
    if np.ptp(x) > 1e-12 and len(groups) >= FOLDS:
        choice = min(
            ((d, k) for d in DEGREES for k in KNOTS),
            key=lambda pair: _cross_validate_spline(x, y, fold, *pair),
        )
        errors[0] = _cross_validate_spline(x, y, fold, *choice)
        if errors[0] < errors[1]:
            degree = choice[0]
            knots, coefficients = _fit_spline(x, y, *choice)
    blank = np.zeros(size)
    model = GainModel(
        knots,
        coefficients,
        np.array(degree, dtype=np.int64),
        blank,
        np.zeros((size, size)),
        np.array(np.inf),
        errors,
    )
    residual = np.full(gains.shape, np.nan)
    residual[used] = y - model.spline(x)
    ridge = min(RIDGES, key=lambda r: _cross_validate_ridge(membership, residual, fold_of, r))
    base, effects = _fit_ridge(membership, residual, ridge)
    return GainModel(
        knots, coefficients, model.degree, base, effects, np.array(float(ridge)), errors
    )


def _fit_spline(
    x: NDArray[np.float64], y: NDArray[np.float64], degree: int, knots: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Knots and coefficients of scikit-learn's spline features under a ridge."""
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import SplineTransformer

    transformer = SplineTransformer(
        n_knots=knots, degree=degree, knots="uniform", extrapolation="constant"
    )
    basis = transformer.fit_transform(x[:, None])
    # B-splines sum to 1: their coefficients hold the intercept.
    ridge = Ridge(alpha=SPLINE_PENALTY, fit_intercept=True).fit(basis, y)
    coefficients = np.asarray(ridge.coef_, dtype=np.float64) + float(ridge.intercept_)
    return np.asarray(transformer.bsplines_[0].t, dtype=np.float64), coefficients


def _cross_validate_mean(y: NDArray[np.float64], fold: NDArray[np.int64]) -> float:
    misses = [
        (y[fold == f] - y[fold != f].mean()) ** 2 for f in np.unique(fold) if (fold != f).any()
    ]
    return float(np.concatenate(misses).mean()) if misses else float("inf")


def _cross_validate_spline(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    fold: NDArray[np.int64],
    degree: int,
    knots: int,
) -> float:
    from scipy.interpolate import BSpline

    misses = []
    for f in np.unique(fold):
        own, out = fold != f, fold == f
        if np.ptp(x[own]) <= 1e-12:
            return float("inf")
        t, c = _fit_spline(x[own], y[own], degree, knots)
        inside = np.clip(x[out], t[degree], t[-degree - 1])
        misses.append((y[out] - BSpline(t, c, degree)(inside)) ** 2)
    return float(np.concatenate(misses).mean())


def _fit_ridge(
    membership: NDArray[np.bool_], residual: NDArray[np.float64], ridge: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Base and effects of each target on the groups that have its residual."""
    size = membership.shape[1]
    base, effects = np.zeros(size), np.zeros((size, size))
    if np.isinf(ridge):
        return base, effects
    for t in range(size):
        rows = np.flatnonzero(np.isfinite(residual[:, t]))
        if not len(rows):
            continue
        others = np.delete(np.arange(size), t)
        holds = membership[np.ix_(rows, others)].astype(np.float64)
        # The base is penalised as well: a task with one group must not take it all.
        design = np.concatenate([np.ones((len(rows), 1)), holds], axis=1)
        gram = design.T @ design + ridge * np.eye(design.shape[1])
        solution = np.linalg.solve(gram, design.T @ residual[rows, t])
        base[t], effects[others, t] = solution[0], solution[1:]
    return base, effects


def _cross_validate_ridge(
    membership: NDArray[np.bool_],
    residual: NDArray[np.float64],
    fold_of: NDArray[np.int64],
    ridge: float,
) -> float:
    misses = []
    for f in range(FOLDS):
        out = fold_of == f
        base, effects = _fit_ridge(membership, np.where(out[:, None], np.nan, residual), ridge)
        miss = residual[out] - base - membership[out] @ effects
        misses.append(miss[np.isfinite(miss)] ** 2)
    return float(np.concatenate(misses).mean())
