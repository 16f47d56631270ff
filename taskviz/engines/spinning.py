"""How long the threads of GNU OpenMP, PyTorch's on Linux, wait for each other before they sleep."""

from collections.abc import Mapping

ROUNDS = 1_000
"""Of a waiting loop, of the usual 300,000: enough for threads that run side by side."""

CHOICES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
"""What a user sets who wants it otherwise."""


def short_waits(environment: Mapping[str, str]) -> dict[str, str]:
    """What to add to the environment of a process that computes, before it imports torch.

    By default a thread that waits keeps its core for 300,000 rounds. Where other processes need the
    core, the thread that is waited for may be the one that is kept from it: work of many small
    operations then takes many times as long (``benchmarks/threads.py``). Nothing where the user
    chose.
    """
    if any(name in environment for name in CHOICES):
        return {}
    return {"GOMP_SPINCOUNT": str(ROUNDS)}
