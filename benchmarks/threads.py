"""Threads on an idle and on a busy machine: few of them, and short waits.

First a small network: the same epochs of yeast's tasks with
:func:`taskviz.training.threads.threads_for` and without it, in turns. Then stacks of subset
networks with :class:`taskviz.training.threads.QuickestThreads` and on all threads. Then
gradient-based estimation of yeast, whose many operations are shared among threads, in processes
with :func:`taskviz.engines.spinning.short_waits` and without. Busy means that one process more than
there are cores multiplies matrices beside it. Ratios are of wall time, which is what threads are
for.

Run: ``GOMP_SPINCOUNT=1000 python benchmarks/threads.py [--epochs N] [--repeats N] [--json FILE]``:
the first two wait as workers do.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import chain, combinations, islice
from pathlib import Path

import numpy as np
import torch

from taskviz.data.builtin import load_built_in
from taskviz.data.tensors import to_tensors
from taskviz.engines.spinning import CHOICES, short_waits
from taskviz.progress import Progress
from taskviz.training.options import TrainingOptions
from taskviz.training.subsets import SubsetOptions
from taskviz.training.subsets.run import make_trainer
from taskviz.training.subsets.seed_data import SeedData
from taskviz.training.subsets.stacked import StackTrainer
from taskviz.training.subsets.unit import Unit
from taskviz.training.threads import threads_for
from taskviz.training.trainer import GroupTrainer

EPOCHS = 20
"""Of a stack."""
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


def stack_seconds(stack: int, ruled: bool) -> float:
    """Wall seconds of an epoch of so many networks on six of yeast's tasks, in one stack."""
    yeast = load_built_in("yeast")
    members = tuple(islice(chain.from_iterable(combinations(range(6), n) for n in (2, 3)), stack))
    unit = Unit(yeast, 0, members, SubsetOptions(width=16, epochs=EPOCHS), stack=stack)
    trainer = make_trainer(unit, members, SeedData.of(yeast, 0, "cpu", torch.float32))
    assert isinstance(trainer, StackTrainer)
    if not ruled:
        trainer.turn = nullcontext
    start = time.perf_counter()
    trainer.train(Progress())
    return (time.perf_counter() - start) / EPOCHS


ESTIMATION = """
import time, torch
from taskviz.verbs import compute_affinity, load_collection
torch.set_num_threads({threads})
yeast = load_collection("yeast")
start = time.perf_counter()
compute_affinity(yeast, "gradient", epochs=10, use_cache=False)
print(time.perf_counter() - start)
"""


def estimation_seconds(threads: int, short: bool) -> float:
    """Wall seconds of the estimation in a process of its own."""
    environment = {n: v for n, v in os.environ.items() if n not in CHOICES}
    found = subprocess.run(
        [sys.executable, "-c", ESTIMATION.format(threads=threads)],
        env=environment | (short_waits({}) if short else {}),
        capture_output=True,
        text=True,
        check=True,
    )
    return float(found.stdout.split()[-1])


def told(machine: str, what: str, runs: list[list[float]]) -> dict[str, object]:
    """A row of the table, printed."""
    times = np.array(runs)
    ruled, plain = np.median(times, axis=0)
    ratio = float(np.median(times[:, 0] / times[:, 1]))
    print(f"{machine:>8}{what:>26}{ruled:12.1f}{plain:12.1f}{ratio:8.2f}", flush=True)
    return {"machine": machine, "what": what, "with": ruled, "without": plain, "ratio": ratio}


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
    print(f"{cores} cores; medians of {given.repeats}, of the estimation of 3")
    print(f"{'machine':>8}{'what':>26}{'with':>12}{'without':>12}{'ratio':>8}")
    for machine in ("idle", "busy"):
        with busy(cores + 1) if machine == "busy" else nullcontext():
            for count in (1, 6, 14):
                trainer = GroupTrainer(data, range(count), TrainingOptions())
                trainer.run_epoch()
                runs = [
                    [1000 * epoch_seconds(trainer, given.epochs, ruled) for ruled in (True, False)]
                    for _ in range(given.repeats)
                ]
                found.append(told(machine, f"epoch of {count} tasks, ms", runs))
            for stack in (4, 16, 35):
                runs = [
                    [1000 * stack_seconds(stack, ruled) for ruled in (True, False)]
                    for _ in range(given.repeats)
                ]
                found.append(told(machine, f"epoch of {stack} stacked, ms", runs))
            runs = [[estimation_seconds(max(2, cores), s) for s in (True, False)] for _ in range(3)]
            found.append(told(machine, "estimation, s", runs))
    if given.json:
        given.json.write_text(json.dumps(found, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
