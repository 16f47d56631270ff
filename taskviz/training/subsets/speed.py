"""How fast networks train in stacks of different sizes: a few steps of each, timed once."""

import time
from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import cycle, islice

import torch

from taskviz.networks import NetworkOptions
from taskviz.training.subsets.run import make_trainer
from taskviz.training.subsets.seed_data import SeedData
from taskviz.training.subsets.unit import Members, Unit

PASSES, BLOCK = 2, 32
"""Each candidate is built twice and runs a block of 32 network-steps, or one step where that is
more, after one step that is not timed; the faster block counts. Blocks of like length suffer alike
from other load on the machine."""
# What a step costs beside its networks, in steps of one narrow network (measured at width 16).
OVERHEAD = 16

# Seconds a network-step by what decides it, measured once a process.
_MEASURED: dict[tuple[object, ...], float] = {}


def forget() -> None:
    """Drop what was measured, so that the next plan measures again."""
    _MEASURED.clear()


def trial_steps(candidates: Sequence[int]) -> int:
    """What :func:`seconds_a_step` costs, in steps of one network in a large stack."""
    sizes = [max(size, 1) for size in candidates]
    return PASSES * sum((size + OVERHEAD) * (1 + _steps_a_block(size)) for size in sizes)


def _steps_a_block(size: int) -> int:
    return max(1, BLOCK // size)


def seconds_a_step(unit: Unit, candidates: Sequence[int]) -> dict[int, float]:
    """Seconds that one step of one network takes in stacks of each candidate size.

    Args:
        unit: networks like those to train.
        candidates: stack sizes; 0 is the plain loop.
    """
    shape = _shape(unit)
    unknown = [size for size in candidates if (*shape, size) not in _MEASURED]
    if unknown:
        data = SeedData.of(unit.collection, unit.seed, unit.device, getattr(torch, unit.dtype))
        # Passes in turn, so that a burst of other load does not fall on one candidate alone.
        for _ in range(PASSES):
            for size in unknown:
                taken = _time(replace(unit, stack=size), data)
                key = (*shape, size)
                _MEASURED[key] = min(taken, _MEASURED.get(key, float("inf")))
    return {size: _MEASURED[*shape, size] for size in candidates}


def _time(unit: Unit, data: SeedData) -> float:
    members: tuple[Members, ...] = tuple(islice(cycle(unit.members), max(unit.stack, 1)))
    trainer = make_trainer(unit, members, data)
    batch = next(data.orders(1))[: unit.options.batch_size]
    # With one thread its own time leaves out what other processes take.
    alone = data.tensors.device.type == "cpu" and torch.get_num_threads() == 1
    clock = time.thread_time if alone else time.perf_counter
    list(trainer.steps(batch))
    steps = _steps_a_block(len(members))
    _wait(data.tensors.device)
    start = clock()
    for _ in range(steps):
        list(trainer.steps(batch))
    _wait(data.tensors.device)
    return (clock() - start) / steps / len(members)


def _wait(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def _shape(unit: Unit) -> tuple[object, ...]:
    network = [getattr(unit.options, field.name) for field in fields(NetworkOptions)]
    return (
        *network,
        unit.collection.samples[0].inputs.shape[1:],
        min(unit.options.batch_size, len(unit.collection.samples[0])),
        tuple((task.kind, task.outputs) for task in unit.collection.tasks),
        unit.device,
        unit.dtype,
        torch.get_num_threads(),
    )
