"""What groups really give: networks trained on them over several seeds, scored on test data."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taskviz.affinity.seeds import repeat_seed
from taskviz.engines import RunContext
from taskviz.evidence.plans import code_of, codes_of, members_of
from taskviz.training.subsets import Subset, SubsetOptions, train_subsets
from taskviz.values import SubsetTable, TaskCollection, TaskvizError

APART = 1000
"""Repeat numbers of truth seeds begin here: no estimator's seeds are among them."""

Plan = tuple[int, ...]
"""Codes of the groups of a plan; see :mod:`taskviz.evidence.plans`."""


def truth_seeds(seed: int, count: int) -> list[int]:
    """Seeds that no estimator of the same ``seed`` trains with."""
    return [repeat_seed(seed, APART + number) for number in range(count)]


@dataclass(frozen=True, eq=False)
class Truth:
    """Losses of some groups in each seed, on validation and test data.

    Args:
        tasks: names.
        seeds: each has its own split of the rows that are not test rows, initial state and order.
        codes: ``(G,)`` ascending.
        valid: ``(K, G, T)`` validation losses; NaN outside a group.
        test: the same on the test split, which no seed trains or chooses on.
        notes: sentences a reader must see.
        trained: networks trained for it, not found in a cache.
        seconds: wall time.
    """

    tasks: tuple[str, ...]
    seeds: tuple[int, ...]
    codes: NDArray[np.int64]
    valid: NDArray[np.float64]
    test: NDArray[np.float64]
    notes: tuple[str, ...] = ()
    trained: int = 0
    seconds: float = 0.0

    def rows(self, plan: Iterable[int]) -> NDArray[np.int64]:
        """Places of a plan's groups.

        Raises:
            TaskvizError: a group that was not trained.
        """
        wanted = np.array(list(plan), dtype=np.int64)
        at = np.clip(np.searchsorted(self.codes, wanted), 0, len(self.codes) - 1)
        if (self.codes[at] != wanted).any():
            code = int(wanted[self.codes[at] != wanted][0])
            names = "+".join(self.tasks[t] for t in members_of(code))
            raise TaskvizError(f"The group {names} was not trained for the truth.")
        return np.asarray(at, dtype=np.int64)

    def sums(self, split: str = "test") -> NDArray[np.float64]:
        """``(K, 2^T)`` mean over all T tasks of the losses of a group's own tasks.

        So the entries of a disjoint plan's groups add up to its mean loss. NaN for groups that
        were not trained, and where a loss is missing.
        """
        losses = self.test if split == "test" else self.valid
        inside = (self.codes[:, None] >> np.arange(len(self.tasks)) & 1).astype(bool)
        found = np.full((len(self.seeds), 2 ** len(self.tasks)), np.nan)
        found[:, self.codes] = np.where(inside, losses, 0.0).sum(axis=2) / len(self.tasks)
        return found

    def plan_losses(self, plan: Plan, split: str = "test") -> NDArray[np.float64]:
        """``(K,)`` mean loss over tasks, each served by its best group on validation."""
        rows = self.rows(plan)
        valid = np.where(np.isnan(self.valid[:, rows]), np.inf, self.valid[:, rows])
        serving = valid.argmin(axis=1)
        losses = (self.test if split == "test" else self.valid)[:, rows]
        served = np.take_along_axis(losses, serving[:, None], axis=1)[:, 0]
        return np.asarray(served.mean(axis=1))

    def mean_table(self, seeds: NDArray[np.int64], split: str = "test") -> SubsetTable:
        """Losses averaged over some seeds (numbers from 0), for the exact solver."""
        losses = (self.test if split == "test" else self.valid)[seeds].mean(axis=0)
        inside = (self.codes[:, None] >> np.arange(len(self.tasks)) & 1).astype(bool)
        return SubsetTable(self.tasks, inside, losses, np.ones(len(self.codes)), None, split)


def measure_truth(
    collection: TaskCollection,
    plans: Iterable[Plan],
    seeds: Sequence[int],
    options: SubsetOptions,
    context: RunContext,
) -> Truth:
    """Train every group of some plans once in each seed.

    Args:
        plans: all groups that occur in them are trained.
        seeds: of the networks.
        options: how to train.
        context: device, progress, cache, engine.

    Raises:
        TaskvizError: what :func:`taskviz.training.subsets.train_subsets` raises, and no group.
    """
    codes = np.array(sorted({int(code) for plan in plans for code in plan}), dtype=np.int64)
    if not len(codes):
        raise TaskvizError("There is no group to train: give at least one plan.")
    names = collection.names
    groups = [tuple(names[t] for t in members_of(int(code))) for code in codes]
    subsets = [Subset(group, seed) for seed in seeds for group in groups]
    run = train_subsets(collection, subsets, options, context)
    # Rows come back in the order asked for.
    shape = (len(seeds), len(codes), len(names))
    return Truth(
        names,
        tuple(seeds),
        codes,
        run.valid.losses.reshape(shape),
        run.test.losses.reshape(shape),
        run.notes,
        run.trained,
        run.seconds,
    )


def measure_each(
    collection: TaskCollection,
    plans: Mapping[int, Iterable[Plan]],
    options: SubsetOptions,
    context: RunContext,
) -> dict[int, Truth]:
    """As :func:`measure_truth`, with other plans in each seed: seed → truth of that seed alone."""
    names = collection.names
    codes = {
        seed: np.array(sorted({int(c) for plan in own for c in plan}), dtype=np.int64)
        for seed, own in plans.items()
    }
    subsets = [
        Subset(tuple(names[t] for t in members_of(int(code))), seed)
        for seed, own in codes.items()
        for code in own
    ]
    run = train_subsets(collection, subsets, options, context)
    found, at = {}, 0
    for seed, own in codes.items():
        rows = slice(at, at + len(own))
        at = rows.stop
        found[seed] = Truth(
            names,
            (seed,),
            own,
            run.valid.losses[rows][None],
            run.test.losses[rows][None],
            run.notes,
        )
    return found


def all_groups(tasks: int) -> list[Plan]:
    """Every group as a plan of one, for :func:`measure_truth`."""
    return [(code,) for code in range(1, 2**tasks)]


def together(tasks: int) -> Plan:
    """All tasks in one network."""
    return ((1 << tasks) - 1,)


def separate(tasks: int) -> Plan:
    """A network a task."""
    return tuple(code_of([t]) for t in range(tasks))


def plan_of(groups: Iterable[Iterable[str]], tasks: Sequence[str]) -> Plan:
    """Codes of named groups, ascending."""
    where = {task: number for number, task in enumerate(tasks)}
    return tuple(sorted(code_of([where[task] for task in group]) for group in groups))


def table_codes(table: SubsetTable | None) -> set[int]:
    """Codes of the groups that a table holds."""
    return set() if table is None else set(codes_of(table.membership).tolist())
