"""What each estimator costs: as a multiple of one joint training, and of the exhaustive truth.

Everything is timed in one process in turn, so that ratios hold where the machine's speed drifts.
"""

import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import torch

from taskviz.affinity import ESTIMATORS, make_estimator
from taskviz.data.builtin import load_built_in
from taskviz.engines import RunContext
from taskviz.training.subsets import Subset, SubsetOptions, train_subsets
from taskviz.training.subsets.speed import forget
from taskviz.values import TaskCollection

EPOCHS = 60
REPEATS = 3
COSTLY = ("exhaustive",)
"""Timed once: their work is so long that noise averages out."""


def seconds(work: Callable[[], Any], repeats: int) -> list[float]:
    """Processor time of each repeat: other load on the machine does not count."""
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return taken


def joint_training(collection: TaskCollection, epochs: int = EPOCHS) -> None:
    """One network on all tasks, by the same engine as the estimators'."""
    forget()
    options = SubsetOptions(epochs=epochs, mode="sequential")
    train_subsets(collection, [Subset(collection.names, 0)], options, RunContext())


def fit(collection: TaskCollection, method: str, options: Mapping[str, Any]) -> None:
    """Fit without a cache."""
    forget()
    make_estimator(method, **options).fit(collection, RunContext())


def run(
    *,
    tasks: int = 8,
    epochs: int = EPOCHS,
    repeats: int = REPEATS,
    methods: tuple[str, ...] | None = None,
) -> dict[str, Any]:
    """Every estimator on digits (its first ``tasks`` tasks), with its default options."""
    collection = load_built_in("digits", 0).select(tasks)
    joint = median(seconds(lambda: joint_training(collection, epochs), repeats))
    rows: dict[str, dict[str, float]] = {}
    for method in methods or tuple(ESTIMATORS):
        options = {"epochs": epochs} if hasattr(make_estimator(method).options, "epochs") else {}
        taken = seconds(
            lambda method=method, options=options: fit(collection, method, options),
            1 if method in COSTLY else repeats,
        )
        rows[method] = {
            "seconds": median(taken),
            "joint_trainings": median(taken) / joint,
            "networks": make_estimator(method, **options).networks_needed(tasks),
        }
    if "exhaustive" in rows:
        for row in rows.values():
            row["of_exhaustive"] = row["seconds"] / rows["exhaustive"]["seconds"]
    return {
        "collection": f"digits, {tasks} tasks",
        "threads": torch.get_num_threads(),
        "clock": "processor time",
        "joint_seconds": joint,
        "estimators": rows,
    }


def run_yeast(*, repeats: int = REPEATS, epochs: int = EPOCHS) -> dict[str, float]:
    """SCA against TAG and HOA on all 14 tasks of yeast."""
    collection = load_built_in("yeast", 0)
    taken: dict[str, list[float]] = {"sca": [], "tag": [], "hoa": []}
    for _ in range(repeats):
        for method, found in taken.items():
            options = {} if method == "sca" else {"epochs": epochs}
            found += seconds(
                lambda method=method, options=options: fit(collection, method, options), 1
            )
    middle = {method: median(found) for method, found in taken.items()}
    return {
        **{f"{method}_seconds": value for method, value in middle.items()},
        "sca_of_tag": middle["sca"] / middle["tag"],
        "sca_of_hoa": middle["sca"] / middle["hoa"],
    }
