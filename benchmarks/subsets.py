"""Many subset networks: stacked against one after another, in one run.

Ways, each in seconds a network, medians over interleaved repeats on one thread:

- ``plain``: one after another by autograd and fused AdamW, a head and a loss a task;
- ``joblib``: the plain loop in 2 processes of one thread each;
- ``sequential``: one after another by our own kernel (a stack of one): the stiffer baseline;
- ``stacked``: the engine told to stack;
- ``auto``: the engine as it comes, its trial included.

Run: ``python -m benchmarks.subsets [--json FILE] [--widths 16,64,256] [--networks N] [--epochs N]
[--repeats N] [--no-exhaustive]``. Must reach, stacked to one after another: ≥ 6 at width 16, ≥ 2.5
at 64; auto never below 0.95. All 255 subset networks of 8 tasks, width 16, 2,000 rows, 60 epochs,
five seeds: ≤ 3 minutes on 2 cores.
"""

import argparse
import json
import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from taskviz.engines import RunContext
from taskviz.progress import SILENT
from taskviz.training.subsets import (
    Subset,
    SubsetOptions,
    all_subsets,
    draw_subsets,
    speed,
    train_subsets,
)
from taskviz.training.subsets.run import run_unit
from taskviz.training.subsets.unit import Unit
from taskviz.values import Task, TaskCollection

TASKS, ROWS, FEATURES = 8, 2000, 64
# Networks a timing of the slow ways; all figures are seconds a network.
FEW = {"plain": 4, "joblib": 8, "sequential": 16}


def planted(rows: int = ROWS, features: int = FEATURES, tasks: int = TASKS) -> TaskCollection:
    """Binary tasks of random direction, a tenth of the labels missing."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(rows, features))
    scores = inputs @ rng.normal(size=(features, tasks)) + rng.normal(size=(rows, tasks))
    labels = np.where(rng.random(scores.shape) < 0.1, np.nan, scores > 0)
    made = [Task(f"t{i}", "binary", ("no", "yes")) for i in range(tasks)]
    targets = {task.name: labels[:, i] for i, task in enumerate(made)}
    return TaskCollection.from_arrays("planted", inputs, targets, made, np.zeros(rows))


def run(
    widths: Sequence[int] = (16, 64, 256),
    networks: int = 64,
    epochs: int = 60,
    repeats: int = 3,
    exhaustive: bool = True,
) -> dict[str, Any]:
    """Seconds a network of every way at every width, and their ratios."""
    collection = planted()
    drawn = draw_subsets(collection.names, networks, seed=0)
    result: dict[str, Any] = {
        "threads": torch.get_num_threads(),
        "networks": networks,
        "epochs": epochs,
        "repeats": repeats,
        "rows": ROWS,
        "tasks": TASKS,
        "widths": {},
    }
    for width in widths:
        options = SubsetOptions(width=width, epochs=epochs)
        ways = _ways(collection, drawn, options)
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(repeats):
            for name, way in ways.items():
                taken[name].append(way())
        seconds = {name: statistics.median(figures) for name, figures in taken.items()}
        result["widths"][str(width)] = {
            "seconds_per_network": seconds,
            "stacked_to_sequential": seconds["sequential"] / seconds["stacked"],
            "stacked_to_plain": seconds["plain"] / seconds["stacked"],
            "auto_to_sequential": seconds["sequential"] / seconds["auto"],
            "auto_to_plain": seconds["plain"] / seconds["auto"],
            "auto_to_joblib": seconds.get("joblib", math.nan) / seconds["auto"]
            if "joblib" in seconds
            else None,
        }
    if exhaustive:
        result["exhaustive"] = run_exhaustive(collection)
    return result


def run_exhaustive(collection: TaskCollection, seeds: int = 5) -> dict[str, Any]:
    """All subsets of all tasks, width 16, 60 epochs, several seeds."""
    wanted = [
        Subset(tasks, seed) for seed in range(seeds) for tasks in all_subsets(collection.names)
    ]
    speed.forget()
    done = train_subsets(collection, wanted, SubsetOptions(width=16, epochs=60), RunContext())
    return {
        "networks": done.trained,
        "seeds": seeds,
        "seconds": done.seconds,
        "seconds_per_network": done.seconds / done.trained,
    }


def _ways(
    collection: TaskCollection, drawn: list[tuple[str, ...]], options: SubsetOptions
) -> dict[str, Callable[[], float]]:
    members = tuple(tuple(collection.index(task) for task in subset) for subset in drawn)

    def plain() -> float:
        part = members[: FEW["plain"]]
        return _timed(lambda: _train_plain(Unit(collection, 0, part, options)), len(part))

    def joblib() -> float:
        from joblib import Parallel, delayed

        part = members[: FEW["joblib"]]
        pool = Parallel(n_jobs=2)
        pool(delayed(_train_plain)(unit) for unit in _halves(collection, part, _warm(options)))
        units = _halves(collection, part, options)
        return _timed(lambda: pool(delayed(_train_plain)(unit) for unit in units), len(part))

    def engine(mode: str, count: int) -> Callable[[], float]:
        def train() -> float:
            speed.forget()
            wanted = [Subset(subset) for subset in drawn[:count]]
            chosen = replace(options, mode=mode)
            return _timed(
                lambda: train_subsets(collection, wanted, chosen, RunContext()), len(wanted)
            )

        return train

    ways = {
        "plain": plain,
        "sequential": engine("sequential", FEW["sequential"]),
        "stacked": engine("stacked", len(drawn)),
        "auto": engine("auto", len(drawn)),
    }
    if find_spec("joblib"):
        ways["joblib"] = joblib
    return ways


def _train_plain(unit: Unit) -> None:
    torch.set_num_threads(1)
    run_unit(replace(unit, stack=0), SILENT)


def _warm(options: SubsetOptions) -> SubsetOptions:
    # The processes start and import before the clock does.
    return replace(options, epochs=1)


def _halves(
    collection: TaskCollection, members: tuple[tuple[int, ...], ...], options: SubsetOptions
) -> list[Unit]:
    return [Unit(collection, 0, members[first::2], options) for first in (0, 1)]


def _timed(work: Callable[[], object], networks: int) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) / networks


def main() -> None:
    """Print a table; write JSON where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--widths", default="16,64,256")
    parser.add_argument("--networks", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-exhaustive", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    result = run(
        [int(width) for width in given.widths.split(",")],
        given.networks,
        given.epochs,
        given.repeats,
        not given.no_exhaustive,
    )
    names = ("plain", "joblib", "sequential", "stacked", "auto")
    print(f"{'width':>6}" + "".join(f"{name:>12}" for name in names) + "   (ms a network)")
    for width, row in result["widths"].items():
        cells = [row["seconds_per_network"].get(name, math.nan) for name in names]
        print(f"{width:>6}" + "".join(f"{1e3 * cell:12.2f}" for cell in cells))
        print(
            f"       stacked {row['stacked_to_sequential']:.1f}× one after another, "
            f"{row['stacked_to_plain']:.1f}× the plain loop; auto "
            f"{row['auto_to_sequential']:.2f}× one after another"
        )
    if "exhaustive" in result:
        row = result["exhaustive"]
        print(f"{row['networks']} networks ({row['seeds']} seeds): {row['seconds']:.1f} s")
    if given.json:
        given.json.write_text(json.dumps(result, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
