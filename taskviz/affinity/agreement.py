"""How far matrices agree with each other."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from taskviz.values import AffinityMatrix


def rank_agreement(matrices: Sequence[AffinityMatrix], labels: Sequence[str]) -> pd.DataFrame:
    """Spearman correlation of the off-diagonal entries of each two matrices.

    Args:
        matrices: over the same tasks, in the same order.
        labels: one a matrix, unique.

    Returns:
        Square frame; NaN where two matrices share fewer than 3 known entries or one is constant.
    """
    off = [~np.eye(len(matrix.tasks), dtype=bool) for matrix in matrices]
    table = np.eye(len(matrices))
    for a in range(len(matrices)):
        for b in range(a):
            x, y = matrices[a].values[off[a]], matrices[b].values[off[b]]
            known = np.isfinite(x) & np.isfinite(y)
            x, y = x[known], y[known]
            varied = len(x) >= 3 and np.ptp(x) > 0 and np.ptp(y) > 0
            table[a, b] = table[b, a] = spearmanr(x, y).statistic if varied else np.nan
    return pd.DataFrame(table, index=list(labels), columns=list(labels))
