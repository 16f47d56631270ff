"""Units that tests send to a cluster: importable there by name."""

import os
import time
from pathlib import Path

from taskviz.progress import Progress
from taskviz.values import TaskvizError


def note(spec: tuple[str, float, int], progress: Progress) -> tuple[int, int]:
    """Write a file when it starts and one when it ends; gives the number and its process."""
    folder, seconds, number = spec
    progress.begin("", 4)
    Path(folder, f"start-{number}-{os.getpid()}").touch()
    for quarter in range(4):
        time.sleep(seconds / 4)
        progress.record({"step": quarter, "value": float(number)})
        progress.advance(1)
    Path(folder, f"end-{number}-{os.getpid()}").touch()
    return number, os.getpid()


class OnCuda:
    """A spec that says it is for CUDA."""

    def __init__(self, number: int) -> None:
        self.number, self.device = number, "cuda:0"


def share_of_a_gpu(spec: OnCuda, progress: Progress) -> tuple[int, list[str], float]:
    """Which GPU the unit was given, and its share."""
    import ray

    given = ray.get_runtime_context()
    time.sleep(0.2)
    return spec.number, given.get_accelerator_ids()["GPU"], given.get_assigned_resources()["GPU"]


def refuse(spec: int, progress: Progress) -> None:
    """Fail as a unit fails for a user's mistake."""
    raise TaskvizError(f"Unit {spec} cannot be done: choose another.")
