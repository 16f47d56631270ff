"""Higher-order approximation: every pair trained, larger groups averaged from pairs."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from taskviz.affinity.base import Estimator, Outcome
from taskviz.affinity.members import member_numbers
from taskviz.affinity.redraws import Redraws, redraws_of_table
from taskviz.affinity.seeds import repeat_seeds, seed_groups
from taskviz.affinity.support import mean_and_error, missing_notes
from taskviz.engines import RunContext
from taskviz.training.subsets import Subset, SubsetOptions, all_subsets, train_subsets
from taskviz.values import SubsetTable, TaskCollection, option


@dataclass(frozen=True)
class HOAOptions(SubsetOptions):
    """Options of :class:`HOA`."""

    seeds: int = option(
        1, "Train all singles and pairs in this many seeds; 2 or more give an error.", minimum=1
    )


class HOA(Estimator):
    """Every task alone and every pair is trained; larger groups are averaged from pairs.

    Prediction: for ``|S| ≥ 3`` the mean over ``u ∈ S∖{t}`` of ``L_t({t, u})``; sizes 1 and 2 as
    trained. The matrix is the pairwise affinity: the gain of t in {s, t},
    ``(L_t({t}) − L_t({s, t})) / L_t({t})``, mean over the seeds; 0 on the diagonal.
    """

    name = "hoa"
    title = "HOA (pairs)"
    source = "Standley et al., ICML 2020; pairwise affinity of the talk"
    summary = "Trains every pair of tasks and averages pairs into larger groups. Sound but costly."
    unit = "relative fall of the target's loss in a pair with the source, against alone"
    predicts = "loss"
    Options = HOAOptions

    def networks_needed(self, tasks: int) -> int:
        """All singles and pairs, in each seed."""
        return int(self.options.seeds) * (tasks + tasks * (tasks - 1) // 2)

    def measure(self, collection: TaskCollection, context: RunContext) -> Outcome:
        """Train singles and pairs."""
        seeds = repeat_seeds(context.seed, self.options.seeds)
        names = all_subsets(collection.names, max_size=2)
        subsets = [Subset(tasks, seed) for seed in seeds for tasks in names]
        run = train_subsets(collection, subsets, self.options, context)
        found = _outcome(run.valid)
        assert found.support is not None
        return replace(
            found,
            standard_error=found.standard_error if len(seeds) > 1 else None,
            networks_trained=len(subsets),
            notes=run.notes + missing_notes(found.support, "pair of finite losses"),
        )

    def redraws(self) -> Redraws | None:
        """Seeds drawn; None of one seed, where each network is there once."""
        return redraws_of_table(self.table_, _outcome, complete=True)

    def predict(self, group: Iterable[str]) -> dict[str, float]:
        """Predicted loss of each task of a group."""
        members = member_numbers(self.affinity_.tasks, group)
        losses = approximate(self.state_["alone"], self.state_["paired"], members)
        return {self.affinity_.tasks[t]: loss for t, loss in zip(members, losses, strict=True)}


def _outcome(table: SubsetTable) -> Outcome:
    alone, paired = pair_losses(table)
    state = {"alone": mean_and_error(alone)[0], "paired": mean_and_error(paired)[0]}
    return Outcome(*pairwise_gains(alone, paired), table=table, state=state)


def pair_losses(table: SubsetTable) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Losses of singles and pairs, by seed.

    Returns:
        ``(k, T)`` loss of t alone and ``(k, T, T)`` loss of ``[…, u, t]`` t beside u; NaN where the
        table has no such network, and on the diagonal.
    """
    size = len(table.tasks)
    group = seed_groups(table.seeds, len(table))
    alone = np.full((group.max() + 1, size), np.nan)
    paired = np.full((group.max() + 1, size, size), np.nan)
    for row, seed in enumerate(group):
        members = np.flatnonzero(table.membership[row])
        if len(members) == 1:
            alone[seed, members[0]] = table.losses[row, members[0]]
        elif len(members) == 2:
            a, b = members
            paired[seed, a, b], paired[seed, b, a] = table.losses[row, b], table.losses[row, a]
    return alone, paired


def pairwise_gains(
    alone: NDArray[np.float64], paired: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Gain of each target beside each source: mean over seeds, its error, number of seeds.

    Args:
        alone: ``(k, T)``.
        paired: ``(k, T, T)`` ``[…, source, target]``.
    """
    base = np.where(alone > 0, alone, np.nan)[:, None, :]
    gains = (base - paired) / base
    diagonal = np.arange(alone.shape[1])
    gains[:, diagonal, diagonal] = np.where(np.isnan(base[:, 0]), np.nan, 0.0)
    return mean_and_error(gains)


def approximate(
    alone: NDArray[np.float64], paired: NDArray[np.float64], members: list[int]
) -> list[float]:
    """Loss of each member of a group by the mean over its pairs.

    Args:
        alone: ``(T,)``.
        paired: ``(T, T)`` ``[u, t]``.
        members: task numbers.
    """
    if len(members) == 1:
        return [float(alone[members[0]])]
    found = []
    for t in members:
        known = [paired[u, t] for u in members if u != t and not np.isnan(paired[u, t])]
        found.append(float(np.mean(known)) if known else float("nan"))
    return found
