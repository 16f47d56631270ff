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
from taskviz.networks import MultiHeadNetwork, NetworkOptions, network_kind, network_options
from taskviz.optima.layers import closed_form_layers
from taskviz.training.subsets import SubsetOptions
from taskviz.training.subsets.plan import stacks
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
        network: kind of its trunk, such as ``mlp``; "" where none was tried.
        way: how the work is done where that decides what a step costs beside its trial: networks
            ``stacked`` or ``one by one``, gradients ``by layer`` or ``by sample``; else "".
    """

    networks: int
    seconds: float | None
    effort: float | None = None
    memory: int | None = None
    network: str = ""
    way: str = ""

    @property
    def like(self) -> dict[str, str]:
        """By what past jobs are found whose cost tells of this one."""
        return {"network": self.network, "way": self.way}


def price(estimator: Estimator, collection: TaskCollection, device: torch.device) -> Price:
    """Price of an estimator with its options on a collection."""
    networks = estimator.networks_needed(len(collection.tasks))
    options = estimator.options
    epochs = getattr(options, "epochs", None) if networks else None
    batch = BATCH if epochs is None else int(getattr(options, "batch_size", BATCH))
    longest = max(len(block.indices("train")) for block in collection.samples)
    if not isinstance(options, NetworkOptions):
        return Price(networks, None)
    try:
        trial = _trial(collection, options, batch, device)
        way = _way(estimator, trial.network, collection)
        if epochs is None and way == "by sample":
            # Unit by unit: what a step costs that is all but empty, not what a full batch does.
            batch = 1
            trial = _trial(collection, options, batch, device)
        one = _seconds_a_step(trial, device)
        kind = network_kind(collection, options)
    except (TaskvizError, RuntimeError, ValueError, ArithmeticError):
        # What is wrong with the data is told by the computation itself.
        return Price(networks, None)
    if epochs is None:
        rows = min(int(getattr(options, "n", longest) or longest), longest)
        steps = int(getattr(options, "inits", 1)) * math.ceil(rows / batch)
    else:
        share = float(getattr(options, "share", 1.0))
        steps = networks * math.ceil(epochs * share) * math.ceil(longest / batch)
    parameters = sum(p.numel() for p in trial.network.parameters())
    beside = int(getattr(options, "memory_mb", 0)) * 2**20
    memory = _data_bytes(collection) + COPIES * 4 * parameters + beside
    seconds = steps * one
    return Price(networks, seconds if networks else None, seconds, memory, kind, way)


def _way(estimator: Estimator, network: MultiHeadNetwork, collection: TaskCollection) -> str:
    if isinstance(estimator.options, SubsetOptions):
        return "stacked" if stacks(network, collection, estimator.options) else "one by one"
    if estimator.by_sample:
        return "by layer" if closed_form_layers(network.trunk)[0] else "by sample"
    return ""


def _trial(
    collection: TaskCollection, options: NetworkOptions, batch: int, device: torch.device
) -> JointTraining:
    """A training of one network over all tasks."""
    joint = JointOptions(
        **network_options(options), epochs=TRIAL_STEPS + 1, batch_size=max(2, batch)
    )
    return JointTraining(collection, joint, RunContext(device=device))


def _seconds_a_step(run: JointTraining, device: torch.device) -> float:
    """Fastest of a few steps."""
    context = RunContext(device=device)
    times = []
    for _ in islice(run.steps(context), TRIAL_STEPS + 1):
        if device.type != "cpu":
            torch.accelerator.synchronize(device)
        times.append(time.perf_counter())
    taken = np.diff(times)
    return float(taken.min())


def _data_bytes(collection: TaskCollection) -> int:
    """Of inputs and targets in single precision, with their masks."""
    total = 0
    for block in collection.samples:
        inputs = block.inputs
        size = math.prod(inputs.shape) if isinstance(inputs, InputSource) else inputs.size
        total += 4 * size + sum(5 * target.size for target in block.targets)
    return int(total)
