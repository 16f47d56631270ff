"""Training of a group against a plain PyTorch loop with the same batches, in one run.

The plain loop trains and validates and does nothing else; ours also draws its curves, keeps its
checkpoint and scores the three splits at the end. Run: ``python benchmarks/group_training.py
[--json FILE] [--epochs N] [--repeats N]``. Must reach: ratio ≤ 1.05.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from taskviz.data.builtin import load_built_in
from taskviz.data.tensors import CollectionTensors, to_tensors
from taskviz.networks import build_network
from taskviz.training.group import train_group
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
    if given.json:
        given.json.write_text(json.dumps(found, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
