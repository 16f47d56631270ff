"""Threads of a small network: one, whatever the machine has."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from taskviz.networks import MLPTrunk, MultiHeadNetwork

SMALL = 8_000_000
"""Multiplications of a forward pass of one batch, below which threads bring a fifth at most."""


@contextmanager
def threads_for(network: MultiHeadNetwork, batch_size: int, device: torch.device) -> Iterator[None]:
    """One thread within, where the network's layers are dense and a batch is little work.

    Threads wait for each other at every operation. On an idle machine that eats what they save; on
    a busy one, where one of them has to wait for its turn, they are many times slower than one
    (``benchmarks/threads.py``). What is trained also no longer depends on their number.
    """
    threads = torch.get_num_threads()
    if device.type != "cpu" or threads == 1 or not _small(network, batch_size):
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _small(network: MultiHeadNetwork, batch_size: int) -> bool:
    dense = isinstance(network.trunk, MLPTrunk) and all(
        type(head) is nn.Linear for head in network.heads
    )
    return dense and batch_size * sum(p.numel() for p in network.parameters()) < SMALL
