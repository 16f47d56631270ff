"""Gradient-based estimation: milliseconds a subset once the joint network is trained.

The joint training is left out by fitting twice: the estimator's own time for all subsets of ten
tasks of digits, less its joint training, over the number of subsets; beside it what training one
subset takes, stacked and alone.
"""

import time
from statistics import median
from typing import Any

from taskviz.affinity import make_estimator
from taskviz.affinity.gradient import train_start
from taskviz.data.builtin import load_built_in
from taskviz.engines import RunContext
from taskviz.training.subsets import Subset, SubsetOptions, draw_subsets, train_subsets
from taskviz.training.subsets.speed import forget


def run(*, quick: bool = False, repeats: int = 3) -> dict[str, Any]:
    """Digits, T = 10, d = 200, linear scoring."""
    collection = load_built_in("digits", 0)
    epochs, repeats = (2, 1) if quick else (60, repeats)
    if quick:
        collection = collection.select(4)
    drawn = draw_subsets(collection.names, 8 if quick else 32, seed=0)
    found: dict[str, list[float]] = {"joint": [], "whole": [], "stacked": [], "alone": []}
    subsets = 0
    for _ in range(repeats):
        estimator = make_estimator("gradient", epochs=epochs)
        start = time.process_time()
        train_start(collection, estimator.options, RunContext(), share=1.0)
        found["joint"].append(time.process_time() - start)
        start = time.process_time()
        fitted = estimator.fit(collection, RunContext())
        found["whole"].append(time.process_time() - start)
        assert fitted.table_ is not None
        subsets = len(fitted.table_)
        for mode in ("stacked", "sequential"):
            forget()
            start = time.process_time()
            options = SubsetOptions(epochs=epochs, mode=mode)
            train_subsets(collection, [Subset(names, 0) for names in drawn], options, RunContext())
            name = "stacked" if mode == "stacked" else "alone"
            found[name].append((time.process_time() - start) / len(drawn))
    a_subset = (median(found["whole"]) - median(found["joint"])) / subsets
    return {
        "subsets": subsets,
        "ms_a_subset": 1e3 * a_subset,
        "training_ms_a_subset_stacked": 1e3 * median(found["stacked"]),
        "training_ms_a_subset_alone": 1e3 * median(found["alone"]),
        "faster_than_stacked_training": median(found["stacked"]) / a_subset,
        "faster_than_training_alone": median(found["alone"]) / a_subset,
    }
