"""The truth, as far as training can tell it: every subset of the tasks."""

from collections.abc import Iterable
from dataclasses import dataclass

from taskviz.affinity.base import Estimator, Outcome
from taskviz.affinity.marginal_gains import LossLookup, marginal_gains
from taskviz.affinity.redraws import Redraws, redraws_of_table
from taskviz.affinity.seeds import repeat_seeds
from taskviz.affinity.support import missing_notes
from taskviz.engines import RunContext
from taskviz.training.subsets import Subset, SubsetOptions, all_subsets, train_subsets
from taskviz.values import TaskCollection, TaskvizError, option

LARGEST = 14


@dataclass(frozen=True)
class ExhaustiveOptions(SubsetOptions):
    """Options of :class:`Exhaustive`."""

    seeds: int = option(
        1, "Train all subsets in this many seeds; 2 or more give an error.", minimum=1
    )


class Exhaustive(Estimator):
    """All ``2^T − 1`` subset networks, for T ≤ 14.

    ``A[s, t]`` is the mean, over all groups that hold t and not s, of the fall of t's validation
    loss when s joins, relative to t's loss alone; then the mean over the seeds, whose spread gives
    the standard error. Predictions are the trained losses themselves, averaged over seeds.

    Raises:
        TaskvizError: more than 14 tasks.
    """

    name = "exhaustive"
    title = "Exhaustive"
    source = "ours: every subset trained"
    summary = "Trains every group there is. The truth, up to the noise of the seeds; small T only."
    unit = "mean fall of the target's loss when the source joins, as a share of its loss alone"
    predicts = "loss"
    Options = ExhaustiveOptions

    _lookup: LossLookup | None = None

    def networks_needed(self, tasks: int) -> int:
        """All subsets, in each seed."""
        return int(self.options.seeds * (2**tasks - 1))

    def measure(self, collection: TaskCollection, context: RunContext) -> Outcome:
        """Train all subsets."""
        size = len(collection.tasks)
        if size > LARGEST:
            raise TaskvizError(
                f"Collection {collection.name!r} has {size} tasks, which are {2**size - 1:,} "
                f"subsets: exhaustive training takes at most {LARGEST}; select some tasks "
                f"(--tasks {LARGEST} takes the first {LARGEST}) or use the method surrogate."
            )
        seeds = repeat_seeds(context.seed, self.options.seeds)
        names = all_subsets(collection.names)
        subsets = [Subset(tasks, seed) for seed in seeds for tasks in names]
        run = train_subsets(collection, subsets, self.options, context)
        values, error, support = marginal_gains(run.valid)
        return Outcome(
            values,
            error if len(seeds) > 1 else None,
            support,
            networks_trained=len(subsets),
            notes=run.notes + missing_notes(support, "pair of networks with finite losses"),
            table=run.valid,
        )

    def redraws(self) -> Redraws | None:
        """Seeds drawn; None of one seed, where each network is there once."""
        return redraws_of_table(
            self.table_,
            lambda table: Outcome(*marginal_gains(table), table=table),
            complete=True,
        )

    def predict(self, group: Iterable[str]) -> dict[str, float]:
        """Trained loss of each task of a group, averaged over seeds."""
        if self._lookup is None or self._lookup.table is not self.table_:
            self._lookup = LossLookup(self.table_)
        return self._lookup.predict(self.affinity_.tasks, group)
