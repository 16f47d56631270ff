"""For how many source samples does pooling help the target?"""

import numpy as np

from taskviz.theory.linear_regression import pooled_risk, target_only_risk

MOST = 1_000_000


def helpful_range(
    n_target: int,
    features: int,
    noise_variance: float,
    model_shift: float,
    covariate_shift: float = 1.0,
    *,
    most: int = MOST,
) -> tuple[tuple[int, int], ...]:
    """Ranges of n_s in which the pooled risk lies below that of the target alone.

    By the closed forms, over whole numbers from 1 to ``most``: signs are looked up on 2,000 points
    even in log n_s, their changes are then found to the single sample. Two changes between
    neighbouring points (0.7 % apart) would be missed.

    Args:
        n_target: n_t, above p + 1, else there is no learning alone to compare with.
        features: p.
        noise_variance: σ².
        model_shift: μ.
        covariate_shift: λ.
        most: largest n_s looked at; a range that ends there has no end in sight.

    Returns:
        First and last n_s of each range; none where pooling never helps.

    Raises:
        TaskvizError: as the closed forms do.
    """
    line = float(target_only_risk(n_target, features, noise_variance))

    def helps(n_source: np.ndarray) -> np.ndarray:
        risk = pooled_risk(
            n_source, n_target, features, noise_variance, model_shift, covariate_shift
        )
        return np.asarray(np.asarray(risk) < line)

    points = np.unique(np.geomspace(1, most, 2000).round().astype(np.int64))
    good = helps(points)
    edges = np.flatnonzero(good[1:] != good[:-1])
    low, high = points[edges], points[edges + 1]
    while np.any(high - low > 1):
        middle = (low + high) // 2
        same = helps(middle) == good[edges]
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    starts = ([1] if good[0] else []) + [
        int(h) for h, e in zip(high, edges, strict=True) if not good[e]
    ]
    ends = [int(x) for x, e in zip(low, edges, strict=True) if good[e]] + (
        [int(points[-1])] if good[-1] else []
    )
    return tuple(zip(starts, ends, strict=True))
