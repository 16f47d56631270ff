"""What training groups will cost on a device, told before it is started."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from taskviz.data.tensors import to_tensors
from taskviz.networks import network_kind
from taskviz.training.options import TrainingOptions
from taskviz.training.threads import threads_for
from taskviz.training.trainer import GroupTrainer, seeded
from taskviz.values import SPLITS, TaskCollection, TaskvizError

TRIAL_BATCHES = 6
"""Batches of the epoch that is tried."""


@dataclass(frozen=True)
class TrainingPrice:
    """Cost of training some groups.

    Args:
        networks: to train, over all seeds.
        seconds: at most, if none stops early: from a trial on this device; None where the data
            cannot be tried.
        memory: bytes of data, weights, gradients and optimizer on the device; None likewise.
        network: kind of the trunk, such as ``mlp``; "" where none was tried.
    """

    networks: int
    seconds: float | None = None
    memory: int | None = None
    network: str = ""

    @property
    def like(self) -> dict[str, str]:
        """By what past jobs are found whose cost tells of this one."""
        return {"network": self.network}


def training_price(
    collection: TaskCollection,
    groups: Sequence[Sequence[str]],
    options: TrainingOptions,
    *,
    weighting: str = "equal",
    seeds: int = 1,
    device: torch.device | str = "cpu",
) -> TrainingPrice:
    """Price of the distinct groups among ``groups``; they are trained one after another.

    A few batches of the largest and of the smallest group are trained; between them a step is
    taken to grow evenly with the number of tasks.
    """
    device = torch.device(device)
    distinct = {tuple(sorted(collection.index(name) for name in group)) for group in groups}
    networks = len(distinct) * seeds
    if not distinct or collection.layout != "joint":
        return TrainingPrice(networks)
    block = collection.samples[0]
    rows = block.indices("train")
    kept = rows[: TRIAL_BATCHES * options.batch_size]
    split = np.full(len(block), SPLITS.index("test"), dtype=np.int8)
    split[kept] = SPLITS.index("train")
    # As many to be scored as are trained: cheap, and enough to be timed.
    scored = block.indices("valid")
    some = scored[: len(kept)]
    split[some] = SPLITS.index("valid")
    sizes = sorted(distinct, key=len)
    try:
        data = to_tensors(collection.with_splits([split]), device)
        times: dict[int, tuple[float, float]] = {}
        parameters = 0
        for tasks in (sizes[0], sizes[-1]):
            if len(tasks) in times:
                continue
            with seeded(0, device):
                trainer = GroupTrainer(data, tasks, options, weighting=weighting, seed=0)
                with threads_for(trainer.network, options.batch_size, device):
                    trainer.run_epoch()
                    times[len(tasks)] = (
                        _timed(trainer.run_epoch),
                        _timed(partial(trainer.score, "valid")),
                    )
            parameters = sum(p.numel() for p in trainer.network.parameters())
    except (TaskvizError, RuntimeError):
        return TrainingPrice(networks)
    share = len(rows) / max(len(kept), 1), len(scored) / max(len(some), 1)
    epoch = {n: train * share[0] + valid * share[1] for n, (train, valid) in times.items()}
    few, many = min(epoch), max(epoch)
    slope = (epoch[many] - epoch[few]) / (many - few) if many > few else 0.0
    total = sum(max(epoch[few] + slope * (len(tasks) - few), 0.0) for tasks in distinct)
    held = [*data.inputs, *data.targets, *data.masks]
    size = sum(t.numel() * t.element_size() for t in held if isinstance(t, torch.Tensor))
    # Weights, gradients, two moments of the optimizer, the best checkpoint.
    memory = size + 5 * parameters * torch.finfo(data.dtype).bits // 8
    kind = network_kind(collection, options)
    return TrainingPrice(networks, total * options.epochs * seeds, memory, kind)


def _timed(work: Callable[[], object]) -> float:
    best = math.inf
    for _ in range(2):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best
