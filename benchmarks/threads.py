"""A small network on one thread against as many as there are cores, idle and on a busy machine.

The same epochs of yeast's tasks are trained with :func:`taskviz.training.threads.threads_for` and
without it, in turns; busy means that as many processes as cores multiply matrices beside it. The
ratio is of wall time, which is what threads are for.

Run: ``python benchmarks/threads.py [--epochs N] [--repeats N] [--json FILE]``.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import torch

from taskviz.data.builtin import load_built_in
from taskviz.data.tensors import to_tensors
from taskviz.training.options import TrainingOptions
from taskviz.training.threads import threads_for
from taskviz.training.trainer import GroupTrainer

BUSY = "import torch\na = torch.randn(600, 600)\nwhile True:\n    a @ a"


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Other work on the machine."""
    others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(processes)]
    try:
        time.sleep(5)  # until they have imported torch
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def epoch_seconds(trainer: GroupTrainer, epochs: int, ruled: bool) -> float:
    """Wall seconds of an epoch with its validation loss."""
    rule = threads_for(trainer.network, trainer.options.batch_size, trainer.data.device)
    start = time.perf_counter()
    with rule if ruled else nullcontext():
        for _ in range(epochs):
            trainer.run_epoch()
            trainer.score("valid")
    return (time.perf_counter() - start) / epochs


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    cores = os.cpu_count() or 1
    torch.set_num_threads(max(2, cores))
    data, found = to_tensors(load_built_in("yeast")), []
    print(f"{cores} cores; milliseconds an epoch, medians of {given.repeats}")
    print(f"{'machine':>8}{'tasks':>7}{'one thread':>12}{'all':>10}{'ratio':>8}")
    for machine in ("idle", "busy"):
        with busy(cores + 1) if machine == "busy" else nullcontext():
            for count in (1, 6, 14):
                trainer = GroupTrainer(data, range(count), TrainingOptions())
                trainer.run_epoch()
                times = np.array(
                    [
                        [epoch_seconds(trainer, given.epochs, ruled) for ruled in (True, False)]
                        for _ in range(given.repeats)
                    ]
                )
                one, every = 1000 * np.median(times, axis=0)
                row = {
                    "machine": machine,
                    "cores": cores,
                    "tasks": count,
                    "one_ms": float(one),
                    "all_ms": float(every),
                    "ratio": float(np.median(times[:, 0] / times[:, 1])),
                }
                found.append(row)
                print(f"{machine:>8}{count:7}{one:12.1f}{every:10.1f}{row['ratio']:8.2f}")
    if given.json:
        given.json.write_text(json.dumps(found, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
