"""Best means of a task's sources, all at once against one task and size at a time."""

import numpy as np
import pytest
from numpy.typing import NDArray

from taskviz.grouping.network_selection.bound import best_means
from taskviz.grouping.network_selection.constraints import Constraints
from taskviz.grouping.network_selection.scores import MatrixScores
from taskviz.values import AffinityMatrix

TASKS = tuple("abcdefghijk")


def one_by_one(
    values: NDArray[np.float64], scores: MatrixScores, constraints: Constraints
) -> NDArray[np.float64]:
    """The same by loops: the sources that must come along, then the best of the others."""
    size = len(values)
    apart = constraints.apart_matrix(scores.tasks)
    tied = np.zeros((size, size), dtype=bool)
    for unit in constraints.units(scores.tasks):
        tied[np.ix_(unit, unit)] = True
    np.fill_diagonal(tied, False)
    largest = size if constraints.largest is None else constraints.largest
    found = np.full((size, size), -np.inf)
    for t in range(size):
        sources = values[:, t]
        known = ~np.isnan(sources)
        forced = np.flatnonzero(tied[:, t])
        free = ~tied[:, t] & ~apart[:, t]
        free[t] = False
        ranked = np.sort(sources[free & known])[::-1]
        base = sources[forced][known[forced]]
        unknown = int((~known & (free | tied[:, t])).sum())
        sums = base.sum() + np.concatenate([[0.0], np.cumsum(ranked)])
        means = np.full(len(sums), -np.inf)
        count = len(base) + np.arange(len(sums))
        np.divide(sums, count, out=means, where=count > 0)
        for n in range(max(constraints.floor, len(forced) + 1), largest + 1):
            most = n - 1 - len(forced)
            least = max(most - unknown, 0)
            reach = means[least : min(most, len(ranked)) + 1]
            if least <= len(ranked) and len(reach):
                found[t, n - 1] = reach.max()
        if constraints.floor <= 1 and not len(forced):
            found[t, 0] = scores.alone[t]
    return found


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    "constraints",
    [
        Constraints(),
        Constraints(singletons=False, largest=4),
        Constraints(smallest=3, largest=7),
        Constraints(together=(("a", "c", "d"), ("b", "k"))),
        Constraints(together=(("a", "c"),), apart=(("a", "b"), ("e", "f", "g")), overlap=False),
    ],
)
@pytest.mark.parametrize("missing", [0.0, 0.2, 0.9])
def test_arrays_find_what_loops_find(seed: int, constraints: Constraints, missing: float) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(11, 11))
    # Ties, as matrices with few levels have them.
    values = values if seed % 2 else values.round()
    gone = rng.random(values.shape) < missing
    np.fill_diagonal(gone, False)
    values[gone] = np.nan
    matrix = AffinityMatrix(values, TASKS, "test", support=(~gone).astype(np.int64))
    scores = MatrixScores(matrix)
    known = np.where(scores.known, scores.values, np.nan)
    np.testing.assert_allclose(
        best_means(known, scores, constraints),
        one_by_one(known, scores, constraints),
        rtol=1e-12,
        atol=1e-13,
    )
