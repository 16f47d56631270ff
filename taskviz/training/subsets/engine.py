"""Train many networks that differ in their task subset and seed."""

import time
from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import torch
from numpy.typing import NDArray

from taskviz.engines import RunContext
from taskviz.networks import trunk_key
from taskviz.training.subsets.plan import plan_units
from taskviz.training.subsets.request import Subset, SubsetOptions, SubsetRun
from taskviz.training.subsets.run import run_unit
from taskviz.training.subsets.store import Found, LossStore
from taskviz.training.subsets.unit import Members
from taskviz.values import SubsetTable, TaskCollection, TaskvizError

VERSION = 2
"""Part of every cache key: raise it whenever losses change."""
# How the work is done, not what comes out.
MEANS = ("mode", "memory_mb")


def train_subsets(
    collection: TaskCollection,
    subsets: Sequence[Subset],
    options: SubsetOptions,
    context: RunContext,
    *,
    dtype: torch.dtype = torch.float32,
) -> SubsetRun:
    """Losses of one network a subset, from the cache or trained now.

    Networks of one seed share split, initial state and batch order; each seed has its own. Each
    network minimises the mean over its tasks of the masked mean loss, with AdamW, for a fixed
    number of epochs, and is scored at its best epoch (``options.checkpoint``). A network whose
    loss is no longer finite is named in the notes and gets NaN; the others go on.

    Finished units are kept in ``context.cache``, so that a cancelled run resumes and a larger
    request trains only what is new. Whether networks are stacked or trained one after another, and
    in stacks of which size, changes their losses by rounding alone: about 1e-7 of a loss. The size
    comes from a trial on the clock, so only ``mode="sequential"`` repeats bit for bit; stacks of
    fully connected networks do on one CPU thread where the matrices of all of them lie alike in
    memory.

    Args:
        collection: joint, or separate: there each step takes a batch of every member's data set.
        subsets: the networks, in any order; repeats are trained once.
        options: how to train; subclasses may add fields, which play no part.
        context: device, progress, cache and engine; its seed is not used.
        dtype: of weights and data.

    Raises:
        TaskvizError: an unknown or repeated task, an empty subset, or a
            memory budget too small for one network.
    """
    start = time.perf_counter()
    wanted = [(subset.seed, _members(collection, subset)) for subset in subsets]
    stores = {
        seed: LossStore(
            context.cache,
            _parts(collection, options, seed, context.device, dtype),
            len(collection.tasks),
        )
        for seed in sorted({seed for seed, _ in wanted})
    }
    found: dict[int, Found] = {seed: store.find() for seed, store in stores.items()}
    missing = {
        seed: sorted({row for s, row in wanted if s == seed} - set(found[seed])) for seed in stores
    }
    trained = sum(map(len, missing.values()))
    units = plan_units(
        collection,
        missing,
        options,
        context.device,
        dtype,
        parallel=context.engine.parallel if trained else 1,
    )
    title = f"Training {trained} subset network{'' if trained == 1 else 's'}"
    context.progress.begin(title, max(len(units), 1))
    for index, losses in context.engine.run(run_unit, units, context.progress):
        unit = units[index]
        found[unit.seed].update(stores[unit.seed].put(unit.members, losses))
    if not units:
        context.progress.advance(1, "all found in the cache")
    tables = _tables(collection, wanted, found)
    notes = _notes(collection, wanted, found)
    return SubsetRun(*tables, notes, trained, time.perf_counter() - start)


def _members(collection: TaskCollection, subset: Subset) -> Members:
    numbers = sorted(collection.index(task) for task in subset.tasks)
    if not numbers:
        raise TaskvizError("A subset has no task: a network needs at least one.")
    if len(set(numbers)) < len(numbers):
        raise TaskvizError(f"The subset {'+'.join(subset.tasks)} names a task more than once.")
    return tuple(numbers)


def _parts(
    collection: TaskCollection,
    options: SubsetOptions,
    seed: int,
    device: torch.device,
    dtype: torch.dtype,
) -> dict[str, object]:
    names = [field.name for field in fields(SubsetOptions) if field.name not in MEANS]
    return {
        **trunk_key(options),
        "collection": collection.fingerprint,
        "options": {name: getattr(options, name) for name in names},
        "seed": seed,
        "device": device.type,
        "dtype": str(dtype),
        "version": VERSION,
    }


def _tables(
    collection: TaskCollection, wanted: Sequence[tuple[int, Members]], found: dict[int, Found]
) -> tuple[SubsetTable, SubsetTable]:
    shape = len(wanted), len(collection.tasks)
    membership = np.zeros(shape, dtype=bool)
    valid, test = np.full(shape, np.nan), np.full(shape, np.nan)
    for i, (seed, row) in enumerate(wanted):
        membership[i, list(row)] = True
        valid[i], test[i] = found[seed][row].valid, found[seed][row].test
    seeds = np.array([seed for seed, _ in wanted], dtype=np.int64)

    def table(losses: NDArray[np.float64], split: str) -> SubsetTable:
        cost = np.ones(len(wanted))
        return SubsetTable(collection.names, membership.copy(), losses, cost, seeds.copy(), split)

    return table(valid, "valid"), table(test, "test")


def _notes(
    collection: TaskCollection, wanted: Sequence[tuple[int, Members]], found: dict[int, Found]
) -> tuple[str, ...]:
    notes = []
    unlabelled: dict[str, set[int]] = {}
    for seed, row in dict.fromkeys(wanted):
        losses = found[seed][row]
        if losses.failed:
            names = "+".join(collection.names[task] for task in row)
            notes.append(
                f"The loss of the network on {names} (seed {seed}) was no longer finite at step "
                f"{losses.failed}: its losses are missing; a smaller learning rate may help."
            )
            continue
        for split, values in (("validation", losses.valid), ("test", losses.test)):
            for task in row:
                if np.isnan(values[task]):
                    key = f"Task {collection.names[task]!r} has no label in the {split} split"
                    unlabelled.setdefault(key, set()).add(seed)
    for text, seeds in unlabelled.items():
        which = ", ".join(map(str, sorted(seeds)))
        notes.append(f"{text} of seed {which}: its loss is missing there.")
    return tuple(notes)
