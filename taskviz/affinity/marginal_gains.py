"""What joining does to each target, over all groups it could join."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from taskviz.affinity.members import member_numbers
from taskviz.affinity.seeds import seed_groups
from taskviz.affinity.support import mean_and_error
from taskviz.values import SubsetTable, TaskvizError


def marginal_gains(
    table: SubsetTable,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Mean fall of the target's loss when the source joins a group that holds the target.

    Over all S with t ∈ S and s ∉ S where the table has both S and S ∪ {s} (in the same seed), the
    mean of ``(L_t(S) − L_t(S ∪ {s})) / L_t({t})``; then the mean over the seeds.

    Returns:
        ``(T, T)`` values (0 on the diagonal), standard errors over the seeds (NaN with one), and
        the number of pairs of networks each entry rests on.
    """
    size = len(table.tasks)
    group = seed_groups(table.seeds, len(table))
    codes = table.membership.astype(np.int64) @ (1 << np.arange(size))
    draws, support = [], np.zeros((size, size), dtype=np.int64)
    for seed in range(group.max() + 1):
        rows = np.flatnonzero(group == seed)
        where = dict(zip(codes[rows].tolist(), rows.tolist(), strict=True))
        alone = np.full(size, np.nan)
        for t in range(size):
            if 1 << t in where:
                alone[t] = table.losses[where[1 << t], t]
        alone[~(alone > 0)] = np.nan
        values = np.full((size, size), np.nan)
        for s in range(size):
            pairs = [
                (where[code], where[code | 1 << s])
                for code in where
                if not code & 1 << s and code | 1 << s in where
            ]
            if not pairs:
                continue
            without, joined = np.array(pairs).T
            falls = (table.losses[without] - table.losses[joined]) / alone
            mean, _, count = mean_and_error(falls)
            values[s], support[s] = mean, support[s] + count
        np.fill_diagonal(values, np.where(np.isnan(alone), np.nan, 0.0))
        draws.append(values)
    values, error, seeds = mean_and_error(draws)
    np.fill_diagonal(support, np.diag(seeds))
    return values, error, support


class LossLookup:
    """Losses of the groups a table holds, averaged over seeds.

    A seed's losses of a task are divided by their mean in that seed and multiplied by the mean
    over all: a seed whose validation split is hard then weighs as much as any. The seeds must
    have trained the same subsets.

    Args:
        table: None holds no group.
    """

    def __init__(self, table: SubsetTable | None) -> None:
        self.table = table
        self._rows: dict[bytes, list[int]] = {}
        if table is None:
            return
        group = seed_groups(table.seeds, len(table))
        levels = np.stack(
            [mean_and_error(table.losses[group == seed])[0] for seed in range(group.max() + 1)]
        )
        self._level = _one_for_zero(mean_and_error(levels)[0])
        self._scaled = table.losses / _one_for_zero(levels)[group]
        for row, inside in enumerate(table.membership):
            self._rows.setdefault(inside.tobytes(), []).append(row)

    def losses(self, members: NDArray[np.bool_]) -> NDArray[np.float64] | None:
        """``(T,)`` loss of each task in one group, NaN outside; None where the table has it not."""
        rows = self._rows.get(np.asarray(members, dtype=bool).tobytes())
        if rows is None:
            return None
        return np.asarray(mean_and_error(self._scaled[rows])[0] * self._level)

    def predict(self, tasks: Sequence[str], group: Iterable[str]) -> dict[str, float]:
        """Loss of each task of a group.

        Raises:
            TaskvizError: the table does not hold the group.
        """
        members = member_numbers(tasks, group)
        losses = self.losses(np.isin(np.arange(len(tasks)), members))
        if losses is None:
            raise TaskvizError(
                f"There is no trained network for the group {'+'.join(tasks[t] for t in members)}: "
                "fit the estimator again."
            )
        return {tasks[number]: float(losses[number]) for number in members}


def _one_for_zero(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.where(values == 0, 1.0, values))


def gains_over_alone(table: SubsetTable) -> NDArray[np.float64]:
    """``(m, T)`` gain of each task of each network against that task alone in the same seed.

    ``(L_t({t}) − L_t(S)) / L_t({t})``; NaN outside the subset and where the seed has no network of
    the task alone.
    """
    group = seed_groups(table.seeds, len(table))
    alone = np.full((group.max() + 1, len(table.tasks)), np.nan)
    for row in np.flatnonzero(table.membership.sum(axis=1) == 1):
        t = int(np.flatnonzero(table.membership[row])[0])
        alone[group[row], t] = table.losses[row, t]
    alone[~(alone > 0)] = np.nan
    return np.asarray((alone[group] - table.losses) / alone[group])
