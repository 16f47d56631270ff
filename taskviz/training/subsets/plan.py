"""Which networks are trained together, and whether stacked."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from taskviz.networks import MultiHeadNetwork, build_network
from taskviz.training.subsets.columns import Columns
from taskviz.training.subsets.memory import network_bytes, networks_that_fit
from taskviz.training.subsets.request import SubsetOptions
from taskviz.training.subsets.seed_data import SeedData
from taskviz.training.subsets.speed import seconds_a_step, trial_steps
from taskviz.training.subsets.stacked_mlp import fits
from taskviz.training.subsets.stacked_module import can_stack
from taskviz.training.subsets.unit import Members, Unit
from taskviz.values import TaskCollection

# Stacks that are tried. For narrow networks the gain levels off at about 64; wide ones are
# fastest where a stack still fits the processor's cache.
SIZES = (4, 16, 64, 256)
# A trial may cost this share of the steps to be made; below, the rule of thumb decides.
TRIAL_SHARE = 0.03
# Rule of thumb: memory of a stack that runs well. Measured on one core with 2 MB of L2 cache.
CPU_STACK, GPU_STACK = 16 * 2**20, 2**30
# Finished units are kept in the cache: a cancelled run loses at most about this much work.
UNIT_SECONDS = 10.0
UNTIMED_UNIT = 16
SHARES = 4
"""Units for each that runs at once, so that none waits long for the last."""


@dataclass(frozen=True)
class Pace:
    """How networks are trained: ``stack`` at once (0: plain loop), ``seconds`` a step or None."""

    stack: int
    seconds: float | None


def plan_units(
    collection: TaskCollection,
    missing: Mapping[int, Sequence[Members]],
    options: SubsetOptions,
    device: torch.device,
    dtype: torch.dtype,
    *,
    parallel: int = 1,
) -> list[Unit]:
    """Units of work for the networks that are missing, by seed.

    Args:
        parallel: units that run at once: there are at least a few for each, where the stacks that
            are fastest allow it.

    Raises:
        TaskvizError: the memory budget is too small for one network.
    """
    missing = {seed: rows for seed, rows in missing.items() if rows}
    if not missing:
        return []
    seed, rows = max(missing.items(), key=lambda item: len(item[1]))
    name = str(dtype).removeprefix("torch.")
    trial = Unit(collection, seed, tuple(rows), options, str(device), name)
    limit = networks_that_fit(collection, options, dtype.itemsize, device)
    longest = max(len(block.indices("train")) for block in collection.samples)
    steps = options.epochs * math.ceil(longest / options.batch_size)
    pace = _pace(trial, limit, steps * sum(map(len, missing.values())))
    units = []
    for seed, rows in missing.items():
        stacks = math.ceil(len(rows) / max(pace.stack, 1))
        stack = math.ceil(len(rows) / stacks)
        if pace.seconds is None:
            together = UNTIMED_UNIT
        else:
            together = int(UNIT_SECONDS / (pace.seconds * steps))
        if parallel > 1:
            together = min(together, max(1, len(rows) // (SHARES * parallel)))
        size = stack * max(1, together // stack)
        units += [
            Unit(
                collection,
                seed,
                tuple(rows[first : first + size]),
                options,
                str(device),
                name,
                stack if pace.stack else 0,
            )
            for first in range(0, len(rows), size)
        ]
    return units


def _pace(trial: Unit, limit: int, steps: int) -> Pace:
    """The fastest way, by a trial where it pays, else by rule of thumb."""
    options, most = trial.options, min(limit, len(trial.members))
    by_hand, stackable = _stackable(trial)
    alone = 1 if by_hand else 0
    if options.mode == "sequential" or not stackable or most < 2:
        return Pace(alone, None)
    stacks = sorted({min(size, most) for size in SIZES})
    candidates = stacks if options.mode == "stacked" else [alone, *stacks]
    if len(candidates) > 1 and trial_steps(candidates) <= TRIAL_SHARE * steps:
        taken = seconds_a_step(trial, candidates)
        best = min(candidates, key=taken.__getitem__)
        return Pace(best, taken[best])
    if not by_hand and options.mode == "auto":
        return Pace(alone, None)
    one = network_bytes(trial.collection, options, getattr(torch, trial.dtype).itemsize)
    room = (CPU_STACK if torch.device(trial.device).type == "cpu" else GPU_STACK) // one
    return Pace(max(candidates[0], min(room, most)), None)


def stacks(network: MultiHeadNetwork, collection: TaskCollection, options: SubsetOptions) -> bool:
    """Whether many such networks are surely trained at once, without a trial that tells.

    Other networks are at best a little faster in a stack (vmap), and most are not.
    """
    return collection.layout == "joint" and options.mode != "sequential" and fits(network)


def _stackable(trial: Unit) -> tuple[bool, bool]:
    """Whether the network is stacked by hand, and whether it can be stacked at all."""
    if trial.collection.layout == "separate":
        # Members differ in their inputs: no batch serves the networks of a stack.
        return False, False
    dtype: torch.dtype = getattr(torch, trial.dtype)
    network = build_network(
        trial.collection, trial.options, seed=trial.seed, device=trial.device, dtype=dtype
    )
    if fits(network):
        return True, True
    if trial.options.mode == "sequential":
        return False, False
    data = SeedData.of(trial.collection, trial.seed, trial.device, dtype)
    rows = data.tensors.inputs[0][:3]
    return False, can_stack(network, Columns(data.collection.tasks), rows)
