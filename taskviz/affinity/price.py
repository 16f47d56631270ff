"""What an estimator will cost on a device, told before it is started."""

import math
import time
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch

from taskviz.affinity.base import Estimator
from taskviz.affinity.joint_training import JointOptions, JointTraining
from taskviz.engines import RunContext
from taskviz.networks import NetworkOptions
from taskviz.networks.spec import network_options
from taskviz.values import InputSource, TaskCollection, TaskvizError

TRIAL_STEPS = 4
BATCH = 64
"""Of an estimator that trains nothing: samples that cost about what a training step costs."""
COPIES = 5
"""Weights, gradients, two moments of the optimizer, the best checkpoint."""


@dataclass(frozen=True)
class Price:
    """Cost of one run.

    Args:
        networks: networks to train.
        seconds: time to train them one after another, from a trial on this device; stacked they
            take less, and what an estimator does beside training comes on top. None where no
            network is trained or the data cannot be tried.
        effort: the same for estimators that look at samples only: a training step for every 64
            samples and initial state. What it takes is a multiple that past jobs tell; None where
            neither is done.
        memory: bytes of data, of one network in training, and of what the estimator may hold
            beside them; None where the data cannot be tried.
    """

    networks: int
    seconds: float | None
    effort: float | None = None
    memory: int | None = None


def price(estimator: Estimator, collection: TaskCollection, device: torch.device) -> Price:
    """Price of an estimator with its options on a collection."""
    networks = estimator.networks_needed(len(collection.tasks))
    options = estimator.options
    epochs, batch = getattr(options, "epochs", None), getattr(options, "batch_size", None)
    longest = max(len(block.indices("train")) for block in collection.samples)
    steps = 0
    if networks and epochs is not None and batch is not None:
        share = float(getattr(options, "share", 1.0))
        steps = networks * math.ceil(epochs * share) * math.ceil(longest / batch)
    elif isinstance(options, NetworkOptions):
        rows = min(int(getattr(options, "n", longest) or longest), longest)
        steps = int(getattr(options, "inits", 1)) * math.ceil(rows / BATCH)
    if not steps or not isinstance(options, NetworkOptions):
        return Price(networks, None)
    try:
        one, parameters = _seconds_a_step(collection, options, batch or BATCH, device)
    except (TaskvizError, RuntimeError, ValueError, ArithmeticError):
        # What is wrong with the data is told by the computation itself.
        return Price(networks, None)
    beside = int(getattr(options, "memory_mb", 0)) * 2**20
    memory = _data_bytes(collection) + COPIES * 4 * parameters + beside
    seconds = steps * one
    return Price(networks, seconds if networks else None, seconds, memory)


def _seconds_a_step(
    collection: TaskCollection, options: NetworkOptions, batch: int, device: torch.device
) -> tuple[float, int]:
    """Fastest of a few steps of a network over all tasks, and its number of parameters."""
    joint = JointOptions(
        **network_options(options), epochs=TRIAL_STEPS + 1, batch_size=max(2, batch)
    )
    context = RunContext(device=device)
    run = JointTraining(collection, joint, context)
    times = []
    for _ in islice(run.steps(context), TRIAL_STEPS + 1):
        if device.type != "cpu":
            torch.accelerator.synchronize(device)
        times.append(time.perf_counter())
    taken = np.diff(times)
    return float(taken.min()), sum(p.numel() for p in run.network.parameters())


def _data_bytes(collection: TaskCollection) -> int:
    """Of inputs and targets in single precision, with their masks."""
    total = 0
    for block in collection.samples:
        inputs = block.inputs
        size = math.prod(inputs.shape) if isinstance(inputs, InputSource) else inputs.size
        total += 4 * size + sum(5 * target.size for target in block.targets)
    return int(total)
