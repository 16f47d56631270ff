"""Would other seeds of the design networks order plans the same way?"""

from collections.abc import Sequence

import numpy as np

from taskviz.affinity.pooled_model import fit_pooled
from taskviz.affinity.reliability import stepped_up
from taskviz.affinity.surrogate import take_rows
from taskviz.evidence.oracle import halves
from taskviz.grouping.random import random_partition
from taskviz.values import SubsetTable

PLANS = 200
"""Random plans whose predicted scores are correlated."""


def design_reliability(table: SubsetTable, budgets: Sequence[int], seed: int) -> float:
    """Correlation of predicted plan scores between halves of the seeds, stepped up to all."""
    seeds = np.unique(table.seeds) if table.seeds is not None else np.zeros(0, np.int64)
    if table.seeds is None or len(seeds) < 2:
        return float("nan")
    size = len(table.tasks)
    rng = np.random.default_rng([seed, 0x5A1F])
    plans = [random_partition(size, int(rng.choice(budgets)), rng) for _ in range(PLANS)]
    groups = [np.isin(np.arange(size), part) for plan in plans for part in plan]
    at = np.repeat(np.arange(len(plans)), [len(plan) for plan in plans])
    models = np.array([len(plan) for plan in plans])
    found = []
    for first in halves(len(seeds), 6):
        scores = []
        for own in (seeds[first], np.delete(seeds, first)):
            rows = np.flatnonzero(np.isin(table.seeds, own))
            model = fit_pooled(take_rows(table, rows), uncertainty=False)
            sums = np.nansum(model.predict(np.array(groups)), axis=1)
            score = np.bincount(at, sums).astype(np.float64)
            # Within a number of groups: more groups being better is no news.
            for b in np.unique(models):
                score[models == b] -= score[models == b].mean()
            scores.append(score)
        if min(np.ptp(score) for score in scores) > 0:
            found.append(float(np.corrcoef(scores[0], scores[1])[0, 1]))
    if not found:
        return float("nan")
    half = float(np.mean(found))
    return stepped_up(half, 2) if half > 0 else half
