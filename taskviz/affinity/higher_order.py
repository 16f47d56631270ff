"""Higher-order task affinity: pairs scored by the random groups they meet in."""

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

from taskviz.affinity.base import Estimator, Outcome
from taskviz.affinity.redraws import Redraws, redraws_of_table
from taskviz.affinity.seeds import repeat_seeds, seed_groups
from taskviz.affinity.support import missing_notes
from taskviz.engines import RunContext
from taskviz.training.subsets import Subset, SubsetOptions, draw_subsets, train_subsets
from taskviz.values import SubsetTable, TaskCollection, TaskvizError, option


@dataclass(frozen=True)
class HigherOrderOptions(SubsetOptions):
    """Options of :class:`HigherOrder`."""

    m: int | None = option(
        None, "Random subsets to train, a seed; by default four a task.", minimum=1
    )
    alpha: int | None = option(
        None, "Tasks in each subset; by default half of all, at least 2.", minimum=2
    )
    seeds: int = option(
        1, "Draw and train fresh subsets in this many seeds.", minimum=1, advanced=True
    )


class HigherOrder(Estimator):
    """Mean score of the target over the random subsets that hold source and target.

    m random subsets of α tasks each are trained. The score of t in a subset is its validation loss
    turned and standardised over all subsets that hold t (of one seed):
    ``(−L_t − mean(−L_t)) / (std + 0.001)``, as in the authors' code. An entry that rests on no
    subset is missing, not zero.

    By default m = 4T, so that with α = T/2 each pair is expected in about T subsets. The standard
    error is that of the mean over subsets; the diagonal is the mean over all subsets of t, 0.
    """

    name = "higher-order"
    title = "Higher-order affinity"
    source = "Li et al., KDD 2023; talk, “Higher-order task affinity”"
    summary = "Trains random groups; two tasks are close if groups with both serve the target well."
    unit = "mean standardised score of the target in groups with the source"
    Options = HigherOrderOptions

    def networks_needed(self, tasks: int) -> int:
        """m a seed; fewer where fewer different subsets exist."""
        m, alpha = self._plan(tasks)
        return int(self.options.seeds) * min(m, comb(tasks, min(alpha, tasks)))

    def measure(self, collection: TaskCollection, context: RunContext) -> Outcome:
        """Train the subsets and average."""
        m, alpha = self._plan(len(collection.tasks))
        if alpha > len(collection.tasks):
            raise TaskvizError(
                f"Option 'alpha' of method {self.name!r} is {alpha}, but {collection.name!r} has "
                f"{len(collection.tasks)} tasks: a subset cannot hold more."
            )
        subsets = [
            Subset(tasks, seed)
            for seed in repeat_seeds(context.seed, self.options.seeds)
            for tasks in draw_subsets(collection.names, m, seed, size=alpha)
        ]
        run = train_subsets(collection, subsets, self.options, context)
        values, error, support = higher_order_affinity(run.valid)
        notes = run.notes + missing_notes(support, "subset", f"raise m (now {m}) or alpha")
        if len(subsets) < m * self.options.seeds:
            notes += (
                f"There are only {comb(len(collection.tasks), alpha)} different subsets of {alpha} "
                "tasks: each seed trained all of them.",
            )
        return Outcome(
            values, error, support, networks_trained=len(subsets), notes=notes, table=run.valid
        )

    def redraws(self) -> Redraws | None:
        """Seeds or networks drawn, and the means over groups."""
        return redraws_of_table(
            self.table_,
            lambda table: Outcome(*higher_order_affinity(table), table=table),
            complete=False,
        )

    def _plan(self, tasks: int) -> tuple[int, int]:
        m, alpha = self.options.m, self.options.alpha
        return m or 4 * tasks, alpha or max(2, tasks // 2)


def standardised_scores(table: SubsetTable) -> NDArray[np.float64]:
    """``(m, T)`` turned losses, standardised a task and seed; NaN outside the subset."""
    scores = np.full(table.losses.shape, np.nan)
    group = seed_groups(table.seeds, len(table))
    for seed in range(group.max() + 1):
        own = group == seed
        for task in range(len(table.tasks)):
            rows = np.flatnonzero(own & np.isfinite(table.losses[:, task]))
            if len(rows):
                turned = -table.losses[rows, task]
                scores[rows, task] = (turned - turned.mean()) / (turned.std() + 1e-3)
    return scores


def higher_order_affinity(
    table: SubsetTable,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Affinity, its standard error and the number of subsets of each pair, from a subset table."""
    scores = standardised_scores(table)
    known = np.isfinite(scores).astype(np.float64)
    filled = np.where(np.isfinite(scores), scores, 0.0)
    holds = table.membership.astype(np.float64)
    count = holds.T @ known
    mean = (holds.T @ filled) / np.maximum(count, 1)
    squares = holds.T @ filled**2 - count * mean**2
    error = np.sqrt(np.maximum(squares, 0.0) / np.maximum(count - 1, 1) / np.maximum(count, 1))
    return (
        np.where(count > 0, mean, np.nan),
        np.where(count > 1, error, np.nan),
        np.asarray(np.rint(count), dtype=np.int64),
    )
