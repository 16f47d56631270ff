"""A cache with something in it: a small one to explore, and one after months of work."""

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from taskviz.cache import Cache, key_of
from taskviz.data import CollectionRef, open_collection
from taskviz.jobs import JobStore
from taskviz.progress import Curves
from taskviz.values import Grouping
from taskviz.verbs import (
    affinity_key,
    compute_affinity,
    group_tasks,
    train_groups,
    training_key,
)

COLLECTION = "yeast"
TRAINING = {"epochs": 3, "patience": 0, "width": 16}


@dataclass(frozen=True)
class Contents:
    """What a link to the cache needs.

    Args:
        query: of the URL.
        results: of the training, as its job states them.
        plan: that was trained.
    """

    query: str
    results: dict[str, str]
    plan: Grouping


def fill(cache: Cache) -> Contents:
    """Three matrices of the yeast data, a plan, and a finished training of it."""
    collection = open_collection(CollectionRef(COLLECTION), cache)
    for method in ("label-correlation", "random", "gradient-cosine"):
        matrix = compute_affinity(collection, method, device="cpu", cache=cache)
    plan = group_tasks(matrix, "selection", budget=3)
    own: dict[str, Any] = {"device": "cpu", **TRAINING}
    train_groups(collection, plan, cache=cache, **own)
    results = {"chosen": training_key(collection, plan, **own)}
    key = key_of(plan=plan.to_json())
    cache.put("plan", key, lambda folder: plan.save(folder / "plan.json"), {})
    run = add_run(JobStore(cache), plan, results, "Training of yeast: 3 groups")
    matrix_key = affinity_key(collection, "gradient-cosine", device="cpu")
    found = {"collection": COLLECTION, "matrix": matrix_key, "plan": key, "run": run}
    return Contents(urlencode(found), results, plan)


def add_run(
    store: JobStore, plan: Grouping, results: dict[str, str], title: str, epochs: int = 40
) -> str:
    """A finished training in the job store, with its curves; returns its id."""
    spec = training_spec(plan) | {"options": dict(TRAINING)}
    job = store.add("training", spec, title, "cpu")
    curves = Curves(
        common={"group": 0},
        series=[{"task": task, "split": "valid", "metric": "loss"} for task in plan.tasks],
        steps=range(1, epochs + 1),
        values=[[1.0 / step] * len(plan.tasks) for step in range(1, epochs + 1)],
    )
    store.report(
        job.id, 1, progress=1, stage="Training", message="", seconds_left=0, points=[curves]
    )
    store.finish(job.id, 1, "done", result={"results": results})
    return job.id


def training_spec(plan: Grouping, **options: Any) -> dict[str, Any]:
    """The spec of a training of a plan."""
    from taskviz.jobs.kinds import parse_spec

    spec = {
        "collection": {"reference": COLLECTION},
        "grouping": plan.to_json(),
        "baselines": False,
        "options": options,
    }
    return parse_spec("training", spec).to_json()


def fill_for_months(cache: Cache, matrices: int, runs: int) -> tuple[Contents, float]:
    """The same with so many more matrices and runs; also the seconds that it took."""
    start = time.perf_counter()
    contents = fill(cache)
    collection = open_collection(CollectionRef(COLLECTION), cache)
    for seed in range(1, matrices + 1 - 3):
        compute_affinity(collection, "random", seed=seed, device="cpu", cache=cache)
    store = JobStore(cache)
    for number in range(1, runs):
        add_run(store, contents.plan, contents.results, f"Training of yeast, number {number}")
    return contents, time.perf_counter() - start
