"""What an estimator will cost on a device, told before it is started."""

import math
import time
from dataclasses import dataclass

import torch

from taskviz.affinity.base import Estimator
from taskviz.data.tensors import to_tensors
from taskviz.networks import NetworkOptions, build_network
from taskviz.training.losses import mean_loss
from taskviz.values import TaskCollection

TRIAL_STEPS = 4


@dataclass(frozen=True)
class Price:
    """Cost of one run.

    Args:
        networks: networks to train.
        seconds: time to train them one after another, from a trial on this device; stacked they
            take less, and what an estimator does beside training comes on top. None where no
            network is trained or the data cannot be tried.
    """

    networks: int
    seconds: float | None


def price(estimator: Estimator, collection: TaskCollection, device: torch.device) -> Price:
    """Price of an estimator with its options on a collection."""
    networks = estimator.networks_needed(len(collection.tasks))
    options = estimator.options
    epochs, batch = getattr(options, "epochs", None), getattr(options, "batch_size", None)
    if not networks or epochs is None or batch is None or collection.layout != "joint":
        return Price(networks, None)
    share = float(getattr(options, "share", 1.0))
    rows = len(collection.samples[0].indices("train"))
    steps = math.ceil(epochs * share) * math.ceil(rows / batch)
    return Price(networks, networks * steps * _seconds_a_step(collection, options, batch, device))


def _seconds_a_step(
    collection: TaskCollection, options: NetworkOptions, batch: int, device: torch.device
) -> float:
    """Fastest of a few optimizer steps of a network over all tasks."""
    rows = collection.samples[0].indices("train")[:batch]
    data = to_tensors(collection, device)
    network = build_network(collection, options, seed=0, device=device)
    optimizer = torch.optim.Adam(network.parameters())
    chosen = torch.from_numpy(rows).to(device)
    inputs = data.inputs[0][chosen]
    targets = [
        (target[chosen], mask[chosen])
        for target, mask in zip(data.targets, data.masks, strict=True)
    ]
    best = math.inf
    for _ in range(TRIAL_STEPS):
        start = time.perf_counter()
        outputs = network(inputs)
        losses = [
            mean_loss(task, output, target, mask)
            for task, output, (target, mask) in zip(collection.tasks, outputs, targets, strict=True)
        ]
        optimizer.zero_grad()
        torch.autograd.backward([torch.stack(losses).mean()])
        optimizer.step()
        if device.type != "cpu":
            torch.accelerator.synchronize(device)
        best = min(best, time.perf_counter() - start)
    return best
