"""A small study, really trained, and one whose every text is an attack."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from taskviz.training.compare import compare
from taskviz.training.options import TrainingOptions
from taskviz.values import (
    HISTORY_COLUMNS,
    METRIC_COLUMNS,
    AffinityMatrix,
    Grouping,
    Origin,
    Task,
    TaskCollection,
    TrainingResult,
)

PAYLOAD = (
    "</script></style></textarea><script>window.pwned=1</script>"
    '<img src=x onerror=window.pwned=1>"\'><a href="https://evil.example/">\u2028{{7*7}}%{x}'
)
"""Text that would run, load or link something wherever it is not escaped."""


@pytest.fixture(scope="session")
def payload() -> str:
    """:data:`PAYLOAD`, for tests."""
    return PAYLOAD


@dataclass(frozen=True)
class Study:
    """All that a report is made from."""

    collection: TaskCollection
    affinity: AffinityMatrix
    plan: Grouping
    frontier: tuple[Grouping, ...]
    results: dict[str, TrainingResult]


@pytest.fixture(scope="session")
def study(toy: TaskCollection) -> Study:
    """The toy collection, trained for four epochs under every contender."""
    rng = np.random.default_rng(0)
    affinity = AffinityMatrix(
        rng.normal(size=(4, 4)),
        toy.names,
        "sca",
        options={"n": 100, "inits": 1, "heads": "own"},
        seed=0,
        seconds=0.4,
        collection=toy.name,
        fingerprint=toy.fingerprint,
        notes=("The training split has 96 rows, fewer than n = 100: all of them were used.",),
        unit="share of the row's largest distance",
    )
    plan = Grouping.of(
        [["t0", "t3"], ["t1", "t2", "t0"]],
        score=0.5,
        objective="density, higher is better",
        method="gat-gmm",
        options={"threshold": 0.25},
        seed=0,
        notes=("A note of the grouper.",),
    )
    frontier = tuple(
        Grouping.of([toy.names[k::b] for k in range(b)], budget=b, score=0.1 * b)
        for b in (1, 2, 3, 4)
    )
    groupings = {
        "chosen": plan,
        "all-together": Grouping.of([toy.names], method="all-together"),
        "all-separate": Grouping.of([[name] for name in toy.names], method="all-separate"),
        "random 1": Grouping.of([["t0", "t1"], ["t2", "t3"]], method="random"),
        "random 2": Grouping.of([["t0", "t2"], ["t1", "t3"]], method="random"),
    }
    results = compare(toy, groupings, TrainingOptions(epochs=4, width=8))
    return Study(toy, affinity, plan, frontier, results)


@pytest.fixture(scope="session")
def hostile() -> Study:
    """A study whose every text that a user or a file controls is :data:`PAYLOAD`."""
    rng = np.random.default_rng(1)
    names = tuple(f"{PAYLOAD}{i}" for i in range(3))
    tasks = [
        Task(names[0], "binary", (f"{PAYLOAD}no", f"{PAYLOAD}yes")),
        Task(names[1], "multiclass", tuple(f"{PAYLOAD}{c}" for c in "abc")),
        Task(names[2], "regression"),
    ]
    targets = {
        names[0]: rng.integers(0, 2, 30).astype(float),
        names[1]: rng.integers(0, 3, 30).astype(float),
        names[2]: rng.normal(size=30),
    }
    collection = TaskCollection.from_arrays(
        PAYLOAD,
        rng.normal(size=(30, 2)),
        targets,
        tasks,
        np.repeat([0, 1, 2], 10),
        feature_names=(PAYLOAD, "b"),
        origin=Origin(PAYLOAD, PAYLOAD, PAYLOAD, targets=names[:2], kinds=((PAYLOAD, "binary"),)),
    )
    values = rng.normal(size=(3, 3))
    values[0, 1] = np.nan
    support = np.ones((3, 3), dtype=np.int64)
    support[0, 1] = 0
    affinity = AffinityMatrix(
        values,
        names,
        PAYLOAD,
        options={PAYLOAD: PAYLOAD},
        seed=0,
        support=support,
        collection=PAYLOAD,
        fingerprint=PAYLOAD,
        notes=(PAYLOAD,),
        unit=PAYLOAD,
    )

    def grouping(groups: list[list[str]], **fields: object) -> Grouping:
        return Grouping.of(
            groups,
            score=1.0,
            objective=PAYLOAD,
            method=PAYLOAD,
            options={PAYLOAD: PAYLOAD},
            notes=(PAYLOAD,),
            affinity=PAYLOAD,
            **fields,
        )

    def result(plan: Grouping) -> TrainingResult:
        metrics = [
            (group, task, split, metric, rng.random(), 0)
            for group, members in enumerate(plan.groups)
            for task in members
            for split in ("train", "valid", "test")
            for metric in ("loss", "mae", "auroc", "balanced_accuracy")
        ]
        history = [
            (step, group, task, split, "loss", rng.random(), 0)
            for group, members in enumerate(plan.groups)
            for task in members
            for split in ("train", "valid")
            for step in (1, 2, 3)
        ]
        return TrainingResult(
            grouping=plan,
            metrics=pd.DataFrame(metrics, columns=list(METRIC_COLUMNS)),
            history=pd.DataFrame(history, columns=list(HISTORY_COLUMNS)),
            serving=plan.serving,
            settings={
                "tasks": [task.to_json() for task in tasks],
                "options": {PAYLOAD: PAYLOAD},
                "device": PAYLOAD,
                "device_name": PAYLOAD,
                "torch": PAYLOAD,
                "taskviz": PAYLOAD,
                PAYLOAD: PAYLOAD,
            },
            collection=PAYLOAD,
            fingerprint=PAYLOAD,
            notes=(PAYLOAD,),
        )

    plan = grouping([list(names[:2]), [names[2], names[0]]])
    alone = grouping([[name] for name in names])
    results = {f"{PAYLOAD}1": result(plan), f"{PAYLOAD}2": result(alone)}
    return Study(collection, affinity, plan, (plan, replace(alone, budget=3.0)), results)
