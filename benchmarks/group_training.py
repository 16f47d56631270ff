"""Training of a group against a plain PyTorch loop with the same batches, in one run.

The plain loop trains and validates and does nothing else; ours also draws its curves, keeps its
checkpoint and scores the three splits at the end. A second table sets the same training with live
metrics in a job store and checkpoints on disk beside one without either. Validation losses are
training time in both: early stopping and the kept state need one in every epoch; so are training
losses, by which an explosion is told. All else of an epoch is overhead: metrics of both splits,
points, rows of the store, files.

Run: ``python benchmarks/group_training.py [--json FILE] [--epochs N] [--repeats N]``. Must
reach: ratio ≤ 1.05, overhead ≤ 5 %.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from taskviz.data.builtin import load_built_in
from taskviz.data.tensors import CollectionTensors, to_tensors
from taskviz.jobs.process import Identity
from taskviz.jobs.reporter import JobProgress
from taskviz.jobs.store import JobStore
from taskviz.networks import build_network
from taskviz.training.checkpoint import Checkpoints
from taskviz.training.group import _final_metrics, train_group
from taskviz.training.options import TrainingOptions
from taskviz.training.trainer import GroupTrainer
from taskviz.values import TaskCollection


def plain(data: CollectionTensors, tasks: Sequence[int], options: TrainingOptions) -> None:
    """One loss a task, an optimizer step a batch, a validation loss an epoch."""
    network = build_network(data.collection, options, seed=0, tasks=tasks)
    optimizer = torch.optim.AdamW(network.parameters(), lr=options.learning_rate)
    rows, valid = data.rows("train"), data.rows("valid")
    whole = [bool(data.masks[task].all()) for task in tasks]
    generator = torch.Generator().manual_seed(5)

    def loss_of(batch: torch.Tensor) -> torch.Tensor:
        total = torch.zeros(())
        for head, output in enumerate(network(data.inputs[0][batch])):
            target = data.targets[tasks[head]][batch]
            if not whole[head]:
                known = data.masks[tasks[head]][batch]
                output, target = output[known], target[known]
            total = total + F.binary_cross_entropy_with_logits(output, target)
        return total

    for _ in range(options.epochs):
        for batch in rows[torch.randperm(len(rows), generator=generator)].split(options.batch_size):
            optimizer.zero_grad()
            loss_of(batch).backward()
            optimizer.step()
        with torch.no_grad():
            loss_of(valid).item()


def bare(data: CollectionTensors, tasks: Sequence[int], options: TrainingOptions) -> None:
    """Our own steps and validation losses, without curves, checkpoints and final metrics."""
    trainer = GroupTrainer(data, tasks, options)
    objective, valid = trainer.objective, data.rows("valid")
    labels = objective.labels.take(valid)
    for _ in range(options.epochs):
        order = torch.randperm(len(trainer._train_rows), generator=trainer.batches)
        for rows in trainer._train_rows[order].split(options.batch_size):
            features = trainer.network.trunk(data.inputs[0].index_select(0, rows))
            outputs = objective.outputs(trainer.network, features)
            trainer.optimizer.zero_grad()
            objective.losses(outputs, objective.labels.take(rows)).sum().backward()
            trainer.optimizer.step()
        with torch.no_grad():
            outputs = objective.outputs(
                trainer.network, trainer.network.trunk(data.inputs[0][valid])
            )
            objective.losses(outputs, labels).tolist()


Times = tuple[float, float]
"""Processor and wall seconds."""


class TimedCheckpoints(Checkpoints):
    """Counts the writes and their seconds, waiting for the disk included."""

    writes, seconds = 0, 0.0

    def save(self, epoch: int, state: dict[str, object], what: str) -> None:
        """See :meth:`Checkpoints.save`."""
        start = time.perf_counter()
        super().save(epoch, state, what)
        self.writes, self.seconds = self.writes + 1, self.seconds + time.perf_counter() - start


def watched(
    data: CollectionTensors, tasks: Sequence[int], options: TrainingOptions, told: dict[str, float]
) -> Times:
    """As in a worker: live metrics into a job store, checkpoints onto the disk.

    Making the store is not counted: that is once a job, not once a training.
    """
    with TemporaryDirectory() as folder:
        store = JobStore(Path(folder))
        job = store.add("training", {}, "benchmark", "cpu")
        store.attach(job.id, Identity.of(os.getpid()))
        progress = JobProgress(store, job.id, 1)
        checkpoints = TimedCheckpoints(Path(folder) / "checkpoints")
        progress.start()

        def run() -> None:
            try:
                train_group(data, tasks, options, progress=progress, checkpoints=checkpoints)
            finally:
                progress.stop()
                progress.flush()

        taken = timed(run)
        points = store.metrics(job.id)
        if len(points) != 4 * len(tasks) * options.epochs:
            raise SystemExit(f"{len(points)} points were told: not every epoch has its own.")
        told["writes"] = checkpoints.writes
        told["write_share"] = checkpoints.seconds / taken[1]
    return taken


def unwatched(data: CollectionTensors, tasks: Sequence[int], options: TrainingOptions) -> None:
    """What training needs in any case and nothing else: the same steps, the epoch's training losses
    that tell an explosion, the validation losses that stop it and choose the best state, that
    state, the final metrics. No metric of an epoch, no point, no file."""
    trainer = GroupTrainer(data, tasks, options)
    trainer._seen_of = lambda outputs, losses, order: trainer._epoch_losses(  # type: ignore[method-assign,assignment,return-value]
        torch.stack(losses).cpu(), order
    )
    names = tuple(data.collection.names[task] for task in tasks)
    labels = trainer.objective.labels.take(data.rows("valid"))
    best, kept = float("inf"), trainer.weights()
    for _ in range(options.epochs):
        trainer.run_epoch()
        losses = trainer.objective.losses(trainer.outputs("valid")[0], labels)
        score = float(losses.mean())
        if score < best:
            best, kept = score, trainer.weights(kept)
    _final_metrics(trainer, names, 0)


def timed(run: Callable[[], object]) -> Times:
    """Processor seconds of the whole process, its other threads included, and wall seconds."""
    start, begun = time.process_time(), time.perf_counter()
    run()
    return time.process_time() - start, time.perf_counter() - begun


def overhead(name: str, count: int, epochs: int, repeats: int) -> dict[str, Any]:
    """What live metrics and checkpoints add to the training of some tasks of a built-in collection.

    The median over pairs of runs, one straight after the other in changing order, of the second's
    time over the first's; the quartiles tell how far the machine was at rest.
    """
    data = to_tensors(load_built_in(name))
    options = TrainingOptions(epochs=epochs, patience=0)
    told: dict[str, float] = {}
    without, with_all = [], []
    unwatched(data, range(count), TrainingOptions(epochs=min(epochs, 10), patience=0))
    for number in range(repeats):
        if number % 2:
            with_all.append(watched(data, range(count), options, told))
        without.append(timed(lambda: unwatched(data, range(count), options)))
        if not number % 2:
            with_all.append(watched(data, range(count), options, told))
    plain_times, live_times = np.array(without), np.array(with_all)
    more = live_times / plain_times - 1
    low, middle, high = np.quantile(more[:, 0], [0.25, 0.5, 0.75])
    return {
        "collection": name,
        "tasks": count,
        "epochs": epochs,
        "pairs": repeats,
        "unwatched_ms": 1000 * float(np.median(plain_times[:, 0])) / epochs,
        "watched_ms": 1000 * float(np.median(live_times[:, 0])) / epochs,
        "overhead": float(middle),
        "overhead_quartiles": [float(low), float(high)],
        "overhead_wall": float(np.median(more[:, 1])),
        **told,
    }


def holed(collection: TaskCollection) -> TaskCollection:
    """The collection with a tenth of its labels missing."""
    rng = np.random.default_rng(0)
    block = collection.samples[0]
    targets = {
        name: np.where(rng.random(target.shape) < 0.1, np.nan, target)
        for name, target in zip(collection.names, block.targets, strict=True)
    }
    return TaskCollection.from_arrays(
        f"{collection.name}, 10 % missing", block.inputs, targets, collection.tasks, block.split
    )


def best_of(repeats: int, *runs: Callable[[], object]) -> list[float]:
    """Least processor seconds of each run (one thread), the runs taken in turns."""
    least = [float("inf")] * len(runs)
    for _ in range(repeats):
        for i, run in enumerate(runs):
            start = time.process_time()
            run()
            least[i] = min(least[i], time.process_time() - start)
    return least


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--watched-epochs", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    options = TrainingOptions(epochs=given.epochs, patience=0)
    found = []
    yeast = load_built_in("yeast")
    print(f"{'collection':22}{'tasks':>6}{'plain ms/epoch':>16}{'ours':>8}{'ratio':>8}{'live':>8}")
    for collection in (yeast, load_built_in("digits"), holed(yeast)):
        data = to_tensors(collection)
        for count in (1, 3, len(collection.tasks)):
            tasks = list(range(count))
            seconds = best_of(
                given.repeats,
                lambda d=data, t=tasks: plain(d, t, options),
                lambda d=data, t=tasks: train_group(d, t, options),
                lambda d=data, t=tasks: bare(d, t, options),
            )
            theirs, ours, steps = (1000 * s / given.epochs for s in seconds)
            row = {
                "collection": collection.name,
                "tasks": count,
                "plain_ms": theirs,
                "ours_ms": ours,
                "ratio": ours / theirs,
                "live_share": (ours - steps) / theirs,
            }
            found.append(row)
            print(
                f"{collection.name:22}{count:6}{theirs:16.2f}{ours:8.2f}{ours / theirs:8.2f}"
                f"{row['live_share']:8.1%}"
            )
    print("live: curves, checkpoints and final metrics, as a share of the plain loop's time")
    print(
        f"\n{'live and checkpoints':22}{'tasks':>6}{'without ms/epoch':>18}{'with':>8}{'more':>8}"
        f"{'quartiles':>16}{'wall':>8}{'writes':>8}{'of the time':>13}"
    )
    long, many = given.watched_epochs, 3 * given.repeats
    cases = [("yeast", count, long, many) for count in (1, 3, 14)]
    # A convolutional trunk, whose epochs are hundreds of times as long.
    for case in (*cases, ("mnist", 3, max(2, long // 40), given.repeats)):
        row = overhead(*case)
        found.append(row)
        low, high = row["overhead_quartiles"]
        print(
            f"{row['collection']:22}{row['tasks']:6}{row['unwatched_ms']:18.2f}{row['watched_ms']:8.2f}"
            f"{row['overhead']:8.1%}{low:8.1%}{high:8.1%}{row['overhead_wall']:8.1%}"
            f"{row['writes']:8.0f}{row['write_share']:13.1%}"
        )
    if given.json:
        given.json.write_text(json.dumps(found, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
