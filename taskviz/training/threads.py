"""Threads of a small network: one, whatever the machine has."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import nn

from taskviz.networks import MLPTrunk, MultiHeadNetwork

SMALL = 8_000_000
"""Multiplications of a forward pass of one batch, below which threads bring a fifth at most."""


def threads_for(
    network: MultiHeadNetwork, batch_size: int, device: torch.device
) -> AbstractContextManager[None]:
    """One thread within, where :func:`is_small`; else as many as before.

    Threads wait for each other at every operation. On an idle machine that eats what they save; on
    a busy one, where one of them has to wait for its turn, they are many times slower than one
    (``benchmarks/threads.py``). What is trained also no longer depends on their number.
    """
    return one_thread(is_small(network, batch_size, device))


def is_small(network: MultiHeadNetwork, batch_size: int, device: torch.device) -> bool:
    """Whether the layers are dense, on a CPU, and a batch is little work."""
    dense = isinstance(network.trunk, MLPTrunk) and all(
        type(head) is nn.Linear for head in network.heads
    )
    size = sum(parameter.numel() for parameter in network.parameters())
    return device.type == "cpu" and dense and batch_size * size < SMALL


@contextmanager
def one_thread(wanted: bool) -> Iterator[None]:
    """One thread within, if wanted; afterwards as many as before. Costs less than a microsecond."""
    threads = torch.get_num_threads()
    if not wanted or threads == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
