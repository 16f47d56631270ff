"""One network after another, as anyone would train it: the plain way, for every trunk."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from taskviz.networks import MultiHeadNetwork, build_network
from taskviz.progress import Progress
from taskviz.training.losses import mean_loss
from taskviz.training.subsets.checkpoints import Checkpoints
from taskviz.training.subsets.seed_data import SeedData
from taskviz.training.subsets.unit import Losses, Unit
from taskviz.values import Split

CHUNK = 4096
"""Rows that are scored at once."""


def train_sequential(unit: Unit, data: SeedData, progress: Progress) -> Losses:
    """Train the networks of a unit one after another.

    Each step of each network minimises the mean over its tasks of the masked mean loss of the
    batch with AdamW.
    """
    parts = [_train_one(unit, members, data, progress) for members in unit.members]
    return Losses(
        np.concatenate([part.valid for part in parts]),
        np.concatenate([part.test for part in parts]),
        np.concatenate([part.failed for part in parts]),
    )


def _train_one(unit: Unit, members: tuple[int, ...], data: SeedData, progress: Progress) -> Losses:
    options, tensors = unit.options, data.tensors
    network = build_network(
        data.collection,
        options,
        seed=unit.seed,
        tasks=members,
        device=tensors.device,
        dtype=tensors.dtype,
    )
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
    )
    checkpoints = Checkpoints(data.membership([members]), data.labelled, options.checkpoint)
    kept: dict[str, Tensor] = {}
    step = failed = 0
    for epoch, order in enumerate(data.orders(options.epochs)):
        progress.check()
        network.train()
        for rows in torch.split(order, options.batch_size):
            step += 1
            loss = batch_loss(network, members, data, rows)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if not failed and not bool(torch.isfinite(loss)):
                failed = step
        losses = split_losses(network, members, data, "valid")
        if failed or not checkpoints.finite(losses).all():
            progress.advance(options.epochs - epoch)
            missing = np.full_like(losses, np.nan)
            return Losses(missing, missing, np.array([failed or step]))
        better = checkpoints.offer(losses)
        if options.checkpoint == "task" and better.any():
            checkpoints.tested(split_losses(network, members, data, "test"), better)
        elif better.any():
            kept = {name: value.clone() for name, value in network.state_dict().items()}
        progress.advance(1)
    if kept:
        network.load_state_dict(kept)
        tested = split_losses(network, members, data, "test")
        checkpoints.tested(tested, np.ones_like(tested, dtype=bool))
    return Losses(checkpoints.valid, checkpoints.test, np.zeros(1, dtype=np.int64))


def batch_loss(
    network: MultiHeadNetwork, members: tuple[int, ...], data: SeedData, rows: Tensor
) -> Tensor:
    """Mean over the network's tasks of the masked mean loss of a batch."""
    tensors, tasks = data.tensors, data.collection.tasks
    outputs = network(tensors.inputs[0][rows])
    losses = [
        mean_loss(tasks[task], output, tensors.targets[task][rows], tensors.masks[task][rows])
        for task, output in zip(members, outputs, strict=True)
    ]
    return torch.stack(losses).mean()


@torch.no_grad()
def split_losses(
    network: MultiHeadNetwork, members: tuple[int, ...], data: SeedData, split: Split
) -> NDArray[np.float64]:
    """``(1, T)`` mean loss of each task; NaN for other tasks and where there is no label."""
    network.eval()
    tensors, rows = data.tensors, data.rows(split)
    parts = [network(tensors.inputs[0][chunk]) for chunk in torch.split(rows, CHUNK)]
    losses = np.full((1, len(data.collection.tasks)), np.nan)
    for head, task in enumerate(members):
        output, mask = torch.cat([part[head] for part in parts]), tensors.masks[task][rows]
        loss = mean_loss(data.collection.tasks[task], output, tensors.targets[task][rows], mask)
        losses[0, task] = float(loss) if bool(mask.any()) else np.nan
    return losses
