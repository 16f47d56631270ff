"""What a comparison of groupings holds: a table, gains, and what they cost."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from taskviz.training.intervals import interval, standard_error
from taskviz.training.metrics import primary_metric
from taskviz.values import Task, TaskvizError, TrainingResult

if TYPE_CHECKING:
    import pandas as pd

Results = Mapping[str, TrainingResult]

GAIN_COLUMNS = (
    "task",
    "contender",
    "group",
    "loss",
    "alone",
    "gain",
    "error",
    "gain_error",
    "seeds",
)
SEED_COLUMNS = ("task", "contender", "seed", "group", "loss", "alone", "gain")
QUALITY_COLUMNS = (
    "contender",
    "models",
    "weighting",
    "loss",
    "error",
    "gain",
    "gain_error",
    "gain_low",
    "gain_high",
    "affinity_seconds",
    "grouping_seconds",
    "training_seconds",
    "seconds",
)
ONE_NETWORK = {
    "standard MTL": "equal",
    "GradNorm": "gradnorm",
    "UW": "uw",
    "PCGrad": "pcgrad",
    "Nash-MTL": "nash-mtl",
}
"""The SCA paper's comparison: label → weighting of the contenders that train all tasks in one
network."""

ERROR = "± "
"""Beginning of the columns of :func:`comparison_table` that hold a standard error over seeds."""


def comparison_table(results: Results, split: str = "test") -> "pd.DataFrame":
    """One row a task, one column a contender; means over the seeds.

    Columns: ``task``; ``group``, index of its serving group in the first contender (and seed);
    ``metric``, the name of its primary metric; one column a contender with that metric; and, where
    training each task alone is among the contenders, ``gain: LABEL`` for each other: the part of
    the loss of the task alone that is saved, (L_t({t}) − L_t(S)) / L_t({t}), negative where it is
    worse. Of several seeds, ``± LABEL`` and ``± gain: LABEL`` hold the standard errors over them.
    NaN where a value is not defined on the split.

    Raises:
        TaskvizError: no result, or results of different tasks.
    """
    import pandas as pd

    first, tasks = check_comparable(results)
    table = pd.DataFrame(
        {
            "task": [task.name for task in tasks],
            "group": [first.serving[task.name] for task in tasks],
            "metric": [primary_metric(task) for task in tasks],
        }
    )
    errors = {}
    for label, result in results.items():
        found = [_values(result.of_seed(seed), split) for seed in result.seeds]
        primary = [
            [values.get((task.name, primary_metric(task)), np.nan) for values in found]
            for task in tasks
        ]
        table[label] = [float(np.mean(row)) for row in primary]
        if len(found) > 1:
            errors[ERROR + label] = [standard_error(row) for row in primary]
    alone = alone_label(results)
    if alone is not None:
        gains = gain_table(results, split).set_index(["contender", "task"])
        for label, result in results.items():
            if label != alone:
                own = gains.loc[label].reindex(table["task"])
                table[f"gain: {label}"] = own["gain"].to_list()
                if len(result.seeds) > 1:
                    errors[f"{ERROR}gain: {label}"] = own["gain_error"].to_list()
    return table.assign(**errors)


def seed_table(results: Results, split: str = "test") -> "pd.DataFrame":
    """One row a task, contender and seed: loss in the serving group, alone, and the gain.

    Columns :data:`SEED_COLUMNS`; ``alone`` and ``gain`` are NaN where no contender trains each
    task alone from that seed.
    """
    import pandas as pd

    _, tasks = check_comparable(results)
    alone = alone_label(results)
    own = {
        (seed, task.name): loss
        for seed in (results[alone].seeds if alone else ())
        for task in tasks
        for loss in [_loss(results[str(alone)].of_seed(seed), split, task.name)]
    }
    rows = []
    for label, result in results.items():
        for seed in result.seeds:
            run = result.of_seed(seed)
            values = _values(run, split)
            for task in tasks:
                loss = values.get((task.name, "loss"), float("nan"))
                base = own.get((seed, task.name), float("nan"))
                gain = (base - loss) / base if base > 0 else float("nan")
                rows.append((task.name, label, seed, run.serving[task.name], loss, base, gain))
    return pd.DataFrame(rows, columns=list(SEED_COLUMNS))


def gain_table(results: Results, split: str = "test") -> "pd.DataFrame":
    """One row a task and contender: means over seeds of :func:`seed_table`.

    Columns :data:`GAIN_COLUMNS`: ``group`` is that of the first seed, ``error`` and ``gain_error``
    are the standard errors of ``loss`` and ``gain`` (NaN for one seed), ``seeds`` counts.
    """
    import pandas as pd

    long = seed_table(results, split)
    rows = []
    for (label, task), part in long.groupby(["contender", "task"], sort=False):
        losses, gains = part["loss"].to_numpy(float), part["gain"].to_numpy(float)
        rows.append(
            (
                task,
                label,
                int(part["group"].iloc[0]),
                float(losses.mean()),
                float(part["alone"].to_numpy(float).mean()),
                float(gains.mean()),
                standard_error(losses),
                standard_error(gains),
                len(part),
            )
        )
    return pd.DataFrame(rows, columns=list(GAIN_COLUMNS))


def quality_table(
    results: Results,
    split: str = "test",
    *,
    affinity_seconds: Mapping[str, float] | None = None,
) -> "pd.DataFrame":
    """One row a contender: quality with its uncertainty, and beside it the time it cost.

    Columns :data:`QUALITY_COLUMNS`: ``loss`` is the mean over tasks, ``gain`` the mean over tasks
    of the gain over training alone, in per cent, with its standard error over seeds and the 95 %
    interval of Student's t; seconds are of all seeds, those of affinity and grouping once.

    Args:
        affinity_seconds: label → what its affinity took to compute; 0 where it used none.
    """
    import pandas as pd

    long = seed_table(results, split)
    rows = []
    for label, result in results.items():
        own = long[long["contender"] == label]
        losses = own.groupby("seed", sort=False)["loss"].mean().to_numpy(float)
        gains = 100 * own.groupby("seed", sort=False)["gain"].mean().to_numpy(float)
        low, high = interval(gains)
        affinity = float((affinity_seconds or {}).get(label, 0.0))
        grouping = float(result.grouping.seconds)
        rows.append(
            (
                label,
                len(result.grouping.groups),
                str(result.settings.get("weighting", "equal")),
                float(losses.mean()),
                standard_error(losses),
                float(gains.mean()),
                standard_error(gains),
                low,
                high,
                affinity,
                grouping,
                float(result.seconds),
                affinity + grouping + float(result.seconds),
            )
        )
    return pd.DataFrame(rows, columns=list(QUALITY_COLUMNS))


def alone_label(results: Results) -> str | None:
    """The contender that trains each task alone, else None."""
    return _label(results, lambda groups, tasks: len(groups) == tasks and max(groups) == 1)


def together_label(results: Results) -> str | None:
    """The contender that trains all tasks in one network, else None."""
    return _label(results, lambda groups, tasks: groups == [tasks])


def random_labels(results: Results) -> list[str]:
    """The contenders whose groups were drawn at random."""
    return [label for label, result in results.items() if result.grouping.method == "random"]


def is_papers(results: Results) -> bool:
    """Whether these are the contenders of the SCA paper's comparison."""
    return ONE_NETWORK.keys() <= results.keys()


def check_comparable(results: Results) -> tuple[TrainingResult, list[Task]]:
    """The first result and the tasks of all.

    Raises:
        TaskvizError: no result, or results of different tasks.
    """
    if not results:
        raise TaskvizError("There is no training result to compare: give at least one.")
    first = next(iter(results.values()))
    for label, result in results.items():
        if set(result.serving) != set(first.serving):
            raise TaskvizError(
                f"The results cannot be compared: {label!r} was trained on other tasks than "
                f"{next(iter(results))!r}."
            )
    return first, [Task.from_json(task) for task in first.settings["tasks"]]


def _values(result: TrainingResult, split: str) -> dict[tuple[str, str], float]:
    served = result.served(split)
    keys = zip(served["task"], served["metric"], strict=True)
    return dict(zip(keys, (float(v) for v in served["value"]), strict=True))


def _label(results: Results, fits: Callable[[list[int], int], bool]) -> str | None:
    for label, result in results.items():
        if fits([len(group) for group in result.grouping.groups], len(result.serving)):
            return label
    return None


def _loss(result: TrainingResult, split: str, task: str) -> float:
    return _values(result, split).get((task, "loss"), float("nan"))
