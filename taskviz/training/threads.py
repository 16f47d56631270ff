"""Threads of small work: one, whatever the machine has, or what is faster just now."""

import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache

import torch
from torch import nn

from taskviz.networks import MLPTrunk, MultiHeadNetwork

SMALL = 8_000_000
"""Multiplications of a forward pass of one batch, below which threads bring a fifth at most."""
TRIALS = 0.05
"""Share of the time that trials of the slower number of threads may take."""
LAST = 3
"""Turns that :class:`QuickestThreads` remembers of each."""


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


class QuickestThreads:
    """One thread or all of them for work that comes again and again: what the clock says.

    Whether threads help depends on the work and on what else the machine does: beside three busy
    processes a stack of four small networks takes three and a half times as long on two threads as
    on one, on an idle machine as long (``benchmarks/threads.py``). The slower way is tried again
    now and then, which takes no more than :data:`TRIALS` of the time.

    Args:
        clock: seconds of wall time.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock, self._all = clock, torch.get_num_threads()
        # The best of the last turns counts: a burst of other work decides nothing.
        self._taken = {count: deque[float](maxlen=LAST) for count in sorted({1, self._all})}
        self._since = 0.0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A piece of the work, all pieces of like size; afterwards as many threads as before."""
        count = self._next()
        with one_thread(count == 1):
            start = self._clock()
            yield
            seconds = self._clock() - start
        self._since = 0.0 if count != self._quickest() else self._since + seconds
        self._taken[count].append(seconds)

    def _next(self) -> int:
        for count, taken in self._taken.items():
            if not taken:
                return count
        quickest = self._quickest()
        for count, taken in self._taken.items():
            if count != quickest and taken[-1] <= TRIALS * self._since:
                return count
        return quickest

    def _quickest(self) -> int:
        return min(self._taken, key=lambda count: min(self._taken[count], default=0.0))


@cache
def quickest_threads(threads: int, *work: Hashable) -> QuickestThreads:
    """What is known of such work in this process, where so many threads are allowed."""
    return QuickestThreads()
