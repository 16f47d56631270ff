"""The networks of a run, each distinct one trained once: what an engine is given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from taskviz.data.splits import resplit
from taskviz.data.tensors import CollectionTensors, Scaling, to_tensors
from taskviz.engines import RunContext
from taskviz.progress import Progress
from taskviz.training.checkpoint import Checkpoints
from taskviz.training.group import GroupOutcome, group_name, tell_history, train_group
from taskviz.training.options import TrainingOptions
from taskviz.training.stored import GroupStore
from taskviz.training.weighting import check_weighting
from taskviz.values import TaskCollection

Key = tuple[tuple[int, ...], str, int]
"""Task numbers, weighting and seed: what decides a network beside data and options."""


@dataclass(frozen=True)
class GroupUnit:
    """One network to train: the unit that an engine runs.

    Args:
        tasks: task numbers, ascending.
        group: index of the group in its grouping.
        contender: label of the grouping, "" where there is only one.
        weighting: name.
        seed: of split (where there are several seeds), initial state and batches.
    """

    tasks: tuple[int, ...]
    group: int = 0
    contender: str = ""
    weighting: str = "equal"
    seed: int = 0

    @property
    def key(self) -> Key:
        """A task by itself has nothing to be weighed against: it is the same in every weighting."""
        return self.tasks, self.weighting if len(self.tasks) > 1 else "equal", self.seed

    @property
    def label(self) -> dict[str, str | int]:
        """Keys of the unit's live points."""
        named = {"contender": self.contender} if self.contender else {}
        return {**named, "group": self.group}


@dataclass(frozen=True, eq=False)
class Trained:
    """What :func:`train_units` gave.

    Args:
        outcomes: key → trained group.
        scalings: seed → scaling of its data.
    """

    outcomes: Mapping[Key, GroupOutcome]
    scalings: Mapping[int, Scaling]


def seed_splits(collection: TaskCollection, seeds: Sequence[int]) -> dict[int, TaskCollection]:
    """The data of each seed.

    One seed trains on the split that the collection has. Of several, each draws training and
    validation rows anew, as the subset engine does, so that their spread is that of the whole
    procedure; test rows stay test rows.
    """
    if len(seeds) == 1:
        return {seeds[0]: collection}
    return {seed: resplit(collection, seed) for seed in seeds}


def train_units(
    splits: Mapping[int, TaskCollection],
    units: Sequence[GroupUnit],
    options: TrainingOptions,
    *,
    context: RunContext,
    dtype: torch.dtype = torch.float32,
) -> Trained:
    """Train every distinct network of some units once; those in the cache are taken from there.

    Args:
        splits: seed → the collection under its split.
        context: device, progress (one unit a network), cache and engine; its seed is not used.
    """
    distinct: dict[Key, GroupUnit] = {}
    for unit in units:
        distinct.setdefault(unit.key, unit)
    for weighting in {key[1] for key in distinct}:
        check_weighting(weighting)
    count = len(distinct)
    context.progress.begin(f"Training {count} network{'' if count == 1 else 's'}", count)
    outcomes: dict[Key, GroupOutcome] = {}
    scalings: dict[int, Scaling] = {}
    for seed, collection in splits.items():
        own = {key: unit for key, unit in distinct.items() if key[2] == seed}
        stores = {
            weighting: GroupStore(
                context.cache,
                collection,
                options,
                weighting=weighting,
                seed=seed,
                device=context.device,
                dtype=dtype,
            )
            for weighting in {key[1] for key in own}
        }
        missing: list[GroupUnit] = []
        for key, unit in own.items():
            context.progress.check()
            found = stores[key[1]].find(unit.tasks)
            if found is None:
                missing.append(unit)
            else:
                outcomes[key] = found
                _tell_again(found, unit, context.progress)
        data = to_tensors(collection, context.device, dtype)
        scalings[seed] = data.scaling
        keep = context.engine.shares_disk
        specs = [
            (unit, stores[unit.key[1]].checkpoints(unit.tasks) if keep else None)
            for unit in missing
        ]
        train = partial(_train_unit, data, options)
        for index, outcome in context.engine.run(train, specs, context.progress):
            unit, checkpoints = specs[index]
            stores[unit.key[1]].put(unit.tasks, outcome)
            if checkpoints is not None:
                checkpoints.prune()
            outcomes[unit.key] = outcome
    return Trained(outcomes, scalings)


def _tell_again(found: GroupOutcome, unit: GroupUnit, progress: Progress) -> None:
    """A run that was killed may have kept the network but not yet told its last epochs, and another
    run never told them here."""
    tell_history(found.history, {**unit.label, "tasks": ", ".join(found.network.tasks)}, progress)
    progress.advance(1, f"{group_name(found.network.tasks)}: trained before")


def _train_unit(
    data: CollectionTensors,
    options: TrainingOptions,
    spec: tuple[GroupUnit, Checkpoints | None],
    progress: Progress,
) -> GroupOutcome:
    unit, checkpoints = spec
    return train_group(
        data,
        unit.tasks,
        options,
        weighting=unit.key[1],
        seed=unit.seed,
        progress=progress,
        label=unit.label,
        checkpoints=checkpoints,
    )
