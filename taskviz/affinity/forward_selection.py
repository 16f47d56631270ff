"""Greedy choice of sources for every target."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from taskviz.affinity.base import Estimator, Outcome
from taskviz.affinity.members import member_numbers
from taskviz.affinity.seeds import repeat_seeds
from taskviz.affinity.support import mean_and_error, missing_notes
from taskviz.engines import RunContext
from taskviz.training.subsets import Subset, SubsetOptions, train_subsets
from taskviz.values import SubsetTable, TaskCollection, option, option_values

SMALL = 8
"""Tasks up to which ``auto`` trains the subsets."""

Losses = Callable[[NDArray[np.bool_]], NDArray[np.float64]]
"""``(m, T)`` membership → ``(m, T)`` losses, NaN where unknown."""


@dataclass(frozen=True)
class ForwardSelectionOptions(SubsetOptions):
    """Options of :class:`ForwardSelection`."""

    on: Literal["auto", "trained", "surrogate", "gradient"] = option(
        "auto",
        "Where subset losses come from: trained networks, or an estimate; auto trains for up to 8 "
        "tasks and takes the surrogate beyond.",
    )
    limit: int | None = option(None, "Sources chosen for a target, at most.", minimum=1)
    seeds: int = option(1, "Trained losses are averaged over this many seeds.", minimum=1)


class ForwardSelection(Estimator):
    """For each target, add the source that lowers its loss most, until none does.

    ``A[s, t]`` is the fall of t's loss by adding s at the round in which s was last tried for t,
    as a share of the loss alone: for a chosen source what it gained on joining, for one left out
    what it would have changed at the end (never a gain, unless ``limit`` cut the search short). So
    an entry depends on what had been chosen before it. It is missing where that loss is unknown.
    A group's predicted gain is the sum of these entries over its other members, which is exact for
    the groups along the greedy path only.
    """

    name = "forward-selection"
    title = "Forward selection"
    source = "talk, “Higher-order task affinity” examples"
    summary = "Greedily picks helpers for each task, one network after another; for few tasks."
    unit = "fall of the target's loss when the source was last tried, as a share of its loss alone"
    predicts = "gain"
    Options = ForwardSelectionOptions

    def networks_needed(self, tasks: int) -> int:
        """At most; greedy paths share networks and usually stop early."""
        mode = self._mode(tasks)
        if mode != "trained":
            return self._estimator(mode).networks_needed(tasks)
        rounds = min(self.options.limit or tasks, tasks - 1)
        later = sum(tasks * (tasks - done) for done in range(2, rounds + 1))
        bound = min(tasks + tasks * (tasks - 1) // 2 + later, 2**tasks - 1)
        return int(self.options.seeds * bound)

    def measure(self, collection: TaskCollection, context: RunContext) -> Outcome:
        """Greedy rounds for all targets at once, so that they share networks."""
        size = len(collection.tasks)
        mode = self._mode(size)
        if mode == "trained":
            service = _Trained(collection, self.options, context)
            context.progress.begin(f"{self.title} of {collection.name}", size)
            gains = greedy_gains(size, service, self.options.limit)
            context.progress.advance(size - service.rounds)
            networks = service.table()
            table: SubsetTable | None = networks
            trained, notes = len(networks), service.notes
        else:
            estimator = self._estimator(mode)
            estimator.fit(collection, context)
            gains = greedy_gains(size, _predictor(estimator), self.options.limit)
            table = None
            trained = estimator.affinity_.networks_trained
            notes = (
                f"Subset losses were estimated by the method {mode!r}, not trained.",
                *estimator.affinity_.notes,
            )
        support = np.where(np.isnan(gains), 0, self.options.seeds if mode == "trained" else 1)
        return Outcome(
            gains,
            support=support.astype(np.int64),
            networks_trained=trained,
            notes=notes + missing_notes(support, "finite loss"),
            table=table,
        )

    def predict(self, group: Iterable[str]) -> dict[str, float]:
        """Sum of the gains of the other members; NaN where one is missing."""
        matrix = self.affinity_
        members = member_numbers(matrix.tasks, group)
        block = matrix.values[np.ix_(members, members)].copy()
        np.fill_diagonal(block, 0.0)
        gains = block.sum(axis=0)
        return {matrix.tasks[t]: float(gain) for t, gain in zip(members, gains, strict=True)}

    def _mode(self, tasks: int) -> str:
        mode = str(self.options.on)
        if mode == "auto":
            mode = "trained" if tasks <= SMALL else "surrogate"
        return mode

    def _estimator(self, mode: str) -> Estimator:
        from taskviz.affinity import estimator_class

        found = estimator_class(mode)
        own = set(found.Options.__dataclass_fields__) - {"seeds", "m"}
        shared = {k: v for k, v in option_values(self.options).items() if k in own}
        return found(**shared)


def greedy_gains(size: int, service: Losses, limit: int | None = None) -> NDArray[np.float64]:
    """``(T, T)`` fall of the target's loss by the source when last tried; see the class.

    Args:
        size: T.
        service: losses of any subsets; asked once a round, for distinct subsets.
        limit: sources chosen for a target at most.
    """
    chosen = np.eye(size, dtype=bool)
    alone = np.diag(service(chosen)).copy()
    alone[~(alone > 0)] = np.nan
    current = alone.copy()
    gains = np.full((size, size), np.nan)
    np.fill_diagonal(gains, np.where(np.isnan(alone), np.nan, 0.0))
    active = ~np.isnan(alone)
    for _ in range(min(limit or size, size - 1)):
        trials = [
            (t, s) for t in np.flatnonzero(active) for s in np.flatnonzero(~chosen[t]).tolist()
        ]
        if not trials:
            break
        wanted = np.stack([chosen[t] | (np.arange(size) == s) for t, s in trials])
        unique, back = np.unique(wanted, axis=0, return_inverse=True)
        losses = service(unique)[back.reshape(-1)]
        best = np.full(size, -1)
        lowest = current.copy()
        for (t, s), row in zip(trials, losses, strict=True):
            gains[s, t] = (current[t] - row[t]) / alone[t]
            if row[t] < lowest[t]:
                lowest[t], best[t] = row[t], s
        active &= best >= 0
        chosen[active, best[active]] = True
        current[active] = lowest[active]
    return gains


class _Trained:
    """Losses of trained networks, averaged over seeds; remembers every one."""

    def __init__(
        self, collection: TaskCollection, options: ForwardSelectionOptions, context: RunContext
    ) -> None:
        self._collection, self._options, self._context = collection, options, context
        self._seeds = repeat_seeds(context.seed, options.seeds)
        self._parts: list[SubsetTable] = []
        self._losses: dict[bytes, NDArray[np.float64]] = {}
        self.notes: tuple[str, ...] = ()
        self.rounds = 0

    def __call__(self, membership: NDArray[np.bool_]) -> NDArray[np.float64]:
        new = [row for row in membership if row.tobytes() not in self._losses]
        if new:
            self.rounds += 1
            names = np.array(self._collection.names)
            subsets = [Subset(tuple(names[row]), seed) for row in new for seed in self._seeds]
            context = replace(self._context, progress=self._context.progress.part(1.0))
            run = train_subsets(self._collection, subsets, self._options, context)
            self._parts.append(run.valid)
            self.notes += run.notes
            losses = run.valid.losses.reshape(len(new), len(self._seeds), -1)
            means = mean_and_error(losses.swapaxes(0, 1))[0]
            self._losses.update({row.tobytes(): m for row, m in zip(new, means, strict=True)})
        return np.stack([self._losses[row.tobytes()] for row in membership])

    def table(self) -> SubsetTable:
        """Every network trained."""
        parts = self._parts
        seeds = [part.seeds for part in parts if part.seeds is not None]
        return SubsetTable(
            self._collection.names,
            np.concatenate([part.membership for part in parts]),
            np.concatenate([part.losses for part in parts]),
            np.concatenate([part.cost for part in parts]),
            np.concatenate(seeds),
        )


def _predictor(estimator: Estimator) -> Losses:
    tasks = estimator.affinity_.tasks

    def losses(membership: NDArray[np.bool_]) -> NDArray[np.float64]:
        found = np.full(membership.shape, np.nan)
        for row, inside in enumerate(membership):
            members = [task for task, own in zip(tasks, inside, strict=True) if own]
            for task, loss in estimator.predict(members).items():
                found[row, tasks.index(task)] = loss
        return found

    return losses
