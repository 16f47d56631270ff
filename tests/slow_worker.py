"""A worker that computes as slowly as on a slow machine, whatever this one is."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from taskviz.jobs import JobStore

RUNS, RESTS = 0.02, 0.14
"""Seconds: an eighth of the speed, and never silent for long."""


@contextmanager
def slow_worker(store: JobStore, job: str, seconds: float = 120) -> Iterator[None]:
    """From the first progress of a job on, let its worker run a little and rest long.

    What a page shows in the middle of a job can then be looked at on any machine.
    """
    end = time.monotonic() + seconds
    while not store.get(job).progress:
        assert time.monotonic() < end, f"the job made no progress within {seconds} s"
        time.sleep(0.02)
    pid = store.get(job).pid
    assert pid
    awake = threading.Event()

    def rest() -> None:
        with suppress(ProcessLookupError):
            while not awake.wait(RUNS):
                os.kill(pid, signal.SIGSTOP)
                awake.wait(RESTS)
                os.kill(pid, signal.SIGCONT)

    thread = threading.Thread(target=rest)
    thread.start()
    try:
        yield
    finally:
        awake.set()
        thread.join()
