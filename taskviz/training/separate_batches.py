"""Batches of separate data sets: one of each set at every step."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from taskviz.data.tensors import CollectionTensors


def steps_an_epoch(data: CollectionTensors, size: int) -> int:
    """Batches that cover the largest training split of the collection once.

    Of the collection and not of a group, so that a task is trained for as many steps alone as in
    any group.
    """
    longest = max(len(data.rows("train", task)) for task in range(len(data.targets)))
    return max(1, -(-longest // size))


def separate_batches(
    data: CollectionTensors, tasks: Sequence[int], size: int, *, seed: int, epoch: int
) -> Iterator[tuple[Tensor, ...]]:
    """Row numbers for each step of an epoch, one tensor a task.

    A data set is shuffled and gone through; one that is smaller than the largest of the collection
    is shuffled and gone through again. The order depends on seed, epoch and the task's number
    alone, so that a task sees the same batches in every group.

    Args:
        tasks: numbers of the tasks.
        size: rows of a batch, at most.
        epoch: from 0.
    """
    steps = steps_an_epoch(data, size)
    orders = [_parts(data.rows("train", task), task, size, steps, seed, epoch) for task in tasks]
    return zip(*orders, strict=True)


def _parts(
    rows: Tensor, task: int, size: int, steps: int, seed: int, epoch: int
) -> Iterator[Tensor]:
    generator = torch.Generator().manual_seed(
        (seed * 1_000_003 + task * 7_919 + epoch * 104_729 + 5) % (2**63 - 1)
    )
    parts: list[Tensor] = []
    for _ in range(steps):
        if not parts:
            order = torch.randperm(len(rows), generator=generator)
            parts = list(torch.split(rows[order.to(rows.device)], size))
        yield parts.pop(0)
