"""How much fits on a device, and what to do where it did not."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import psutil
import torch

R = TypeVar("R")

SHARE = 0.8
"""Of the free memory that one computation plans to use."""


def free_memory(device: torch.device | str) -> int:
    """Bytes that are free on a device now; on a CPU what the system can hand out."""
    device = torch.device(device)
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        # What PyTorch holds and does not use can be had again.
        idle = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free + idle)
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return int(psutil.virtual_memory().available)


def memory_budget(memory_mb: int, device: torch.device | str) -> int:
    """Bytes to plan with: what was permitted, or less where less is free."""
    return min(memory_mb * 2**20, int(SHARE * free_memory(device)))


def out_of_memory(error: BaseException) -> bool:
    """PyTorch tells of it by an error of its own on a GPU, by a plain one on the CPU."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and (
        "out of memory" in text or "can't allocate memory" in text or "not enough memory" in text
    )


def halving(count: int, size: int, work: Callable[[int, int], R]) -> Iterator[R]:
    """``work(start, stop)`` for 0…count in pieces of ``size``, each given when it is asked for.

    A piece that runs out of memory is done again in halves, and so are all that follow; a single
    one that does not fit is an error. ``work`` must leave nothing behind where it fails.
    """
    start, size = 0, max(1, min(size, count))
    while start < count:
        stop = min(start + size, count)
        try:
            found = work(start, stop)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error) or stop - start == 1:
                raise
            size = (stop - start + 1) // 2
        else:
            yield found
            start = stop
            continue
        # Not within the handler: its traceback still holds the tensors of what failed.
        give_back()


def give_back() -> None:
    """Hand memory that PyTorch keeps for later back to the device."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
