"""Estimators of the study: those looked up in trained networks, and those that train none."""

from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.evidence.field import Array, Field
from taskviz.affinity.pooled_model import fit_pooled
from taskviz.affinity.surrogate_fit import fit_surrogate

Pick = Callable[[Field, Sequence[int], int], Array]
"""Field, design seeds and draw → sums of predicted losses of all groups."""


def by_surrogate(per_seed: float, pooled: bool) -> Pick:
    """Random subsets, ``per_seed`` times T in each design seed."""

    def pick(field: Field, seeds: Sequence[int], draw: int) -> Array:
        table = field.design(seeds, round(per_seed * field.size), draw)
        if pooled:
            model = fit_pooled(table, uncertainty=False)
            return field.predicted(model.predict(field.inside))
        return field.predicted(fit_surrogate(table, ridge=1e-6).predict(field.inside))

    return pick


def by_pairs(field: Field, seeds: Sequence[int], draw: int) -> Array:
    """HOA on one seed."""
    from taskviz.affinity.hoa import approximate, pair_losses
    from taskviz.affinity.support import mean_and_error

    codes = [c for c in range(1, 2**field.size) if c.bit_count() <= 2]
    alone, paired = pair_losses(field.table([(seeds[0], code) for code in codes]))
    one, two = mean_and_error(alone)[0], mean_and_error(paired)[0]
    sums = [sum(approximate(one, two, np.flatnonzero(row).tolist())) for row in field.inside]
    return np.array([np.nan, *sums])


def by_all(count: int) -> Pick:
    """Every subset in ``count`` seeds."""
    return lambda field, seeds, draw: field.valid[list(seeds[:count])].mean(axis=0)


FROM_NETWORKS: dict[str, tuple[str, Pick]] = {
    "hoa": ("all pairs, one seed", by_pairs),
    "surrogate 5T": ("5T", by_surrogate(1, pooled=False)),
    "surrogate 10T": ("10T", by_surrogate(2, pooled=False)),
    "pooled-surrogate 5T": ("5T", by_surrogate(1, pooled=True)),
    "pooled-surrogate 10T": ("10T", by_surrogate(2, pooled=True)),
    "exhaustive, one seed": ("2^T - 1", by_all(1)),
    "exhaustive, five seeds": ("5 (2^T - 1)", by_all(5)),
}
WITHOUT = {
    "random": {},
    "label-correlation": {},
    "covariance-cosine": {},
    "gradient-cosine": {"width": 16, "depth": 1},
    "sca": {"width": 16, "depth": 1},
}
"""Estimators that train no network, fitted for real."""
