"""Subset networks trained for a fraction of the epochs."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from taskviz.affinity.base import Estimator, Outcome
from taskviz.affinity.marginal_gains import LossLookup, marginal_gains
from taskviz.affinity.redraws import Redraws, redraws_of_table
from taskviz.affinity.seeds import repeat_seeds
from taskviz.affinity.support import missing_notes
from taskviz.affinity.surrogate import outcome_of, predict_group, random_subsets
from taskviz.affinity.surrogate_fit import SurrogateFit, fit_surrogate
from taskviz.engines import RunContext
from taskviz.training.subsets import Subset, SubsetOptions, all_subsets, train_subsets
from taskviz.values import SubsetTable, TaskCollection, option

ALL_UP_TO = 8
"""Tasks up to which all subsets are trained by default."""


@dataclass(frozen=True)
class EarlyOptions(SubsetOptions):
    """Options of :class:`Early`."""

    share: float = option(
        0.1, "Share of the epochs each network is trained for.", minimum=1e-4, maximum=1
    )
    m: int | None = option(
        None,
        "Random subsets a seed; by default all of them for up to 8 tasks, else ten a task.",
        minimum=1,
    )
    seeds: int = option(1, "Repeat in this many seeds.", minimum=1)


class Early(Estimator):
    """All (or many) subset networks for a tenth of the epochs.

    With all subsets: matrix and predictions as in ``exhaustive``. With some of them: those of the
    linear ``surrogate`` fitted to the early losses.
    """

    name = "early"
    title = "Early losses"
    source = "ours; cf. the early-training estimate of Standley et al., ICML 2020"
    summary = "Trains many groups, each for a tenth of the time, and trusts the early losses."
    unit = "fall of the target's early loss when the source joins, as a share of that loss"
    predicts = "loss"
    Options = EarlyOptions

    _lookup: LossLookup | None = None

    def networks_needed(self, tasks: int) -> int:
        """Networks, each for ``share`` of the epochs."""
        return int(self.options.seeds * min(self._a_seed(tasks), 2**tasks - 1))

    def measure(self, collection: TaskCollection, context: RunContext) -> Outcome:
        """Train briefly, then as ``exhaustive`` or ``surrogate``."""
        options: EarlyOptions = self.options
        names = collection.names
        seeds = repeat_seeds(context.seed, options.seeds)
        a_seed = self._a_seed(len(names))
        everything = len(names) < 31 and a_seed >= 2 ** len(names) - 1
        if everything:
            subsets = [Subset(tasks, seed) for seed in seeds for tasks in all_subsets(names)]
        else:
            subsets = random_subsets(names, a_seed, seeds)
        brief = replace(options, epochs=max(1, round(options.share * options.epochs)))
        run = train_subsets(collection, subsets, brief, context)
        found = _by_lookup(run.valid) if everything else _by_surrogate(run.valid)
        assert found.support is not None
        lone = everything and len(seeds) == 1
        return replace(
            found,
            standard_error=None if lone else found.standard_error,
            networks_trained=len(subsets),
            notes=(
                f"Each network was trained for {brief.epochs} of {options.epochs} epochs.",
                *run.notes,
                *missing_notes(found.support, "subset that tells", "raise m"),
            ),
        )

    def redraws(self) -> Redraws | None:
        """As ``exhaustive`` or ``surrogate``."""
        fit = _by_surrogate if self.state_ else _by_lookup
        return redraws_of_table(self.table_, fit, complete=not self.state_)

    def predict(self, group: Iterable[str]) -> dict[str, float]:
        """Early loss of each task of a group: as trained, or by the surrogate."""
        if self.state_:
            return predict_group(SurrogateFit.from_state(self.state_), self.affinity_.tasks, group)
        if self._lookup is None or self._lookup.table is not self.table_:
            self._lookup = LossLookup(self.table_)
        return self._lookup.predict(self.affinity_.tasks, group)

    def _a_seed(self, tasks: int) -> int:
        if self.options.m is not None:
            return int(self.options.m)
        return 2**tasks - 1 if tasks <= ALL_UP_TO else 10 * tasks


def _by_lookup(table: SubsetTable) -> Outcome:
    return Outcome(*marginal_gains(table), table=table)


def _by_surrogate(table: SubsetTable) -> Outcome:
    return outcome_of(fit_surrogate(table), table)
