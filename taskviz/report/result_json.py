"""A training result as plain data: metrics whole, curves a line each, no networks."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from taskviz.figures.curves import MOST_POINTS
from taskviz.figures.line_points import thinned
from taskviz.report.checked import bounded, count, mapping, sequence
from taskviz.values import (
    HISTORY_COLUMNS,
    METRIC_COLUMNS,
    SPLITS,
    Grouping,
    TaskvizError,
    TrainingResult,
)
from taskviz.values.storage import nullable

if TYPE_CHECKING:
    import pandas as pd

_LINE: Final = ("group", "task", "split", "metric", "seed")
MOST_SEEDS: Final = 1_000
MOST_METRICS: Final = 500_000
MOST_STEPS: Final = 2_000_000
"""Points of all curves of a report that is read."""


def result_json(label: str, result: TrainingResult) -> dict[str, Any]:
    """Label and result."""
    return {
        "label": label,
        "grouping": result.grouping.to_json(),
        "metrics": {name: nullable(result.metrics[name].to_numpy()) for name in METRIC_COLUMNS},
        "history": history_json(result.history),
        "serving": dict(result.serving),
        "settings": dict(result.settings),
        "seed": result.seed,
        "seconds": result.seconds,
        # Metrics and curves name their seed; this is what else differs between seeds.
        "runs": [
            {"seed": run.seed, "serving": dict(run.serving), "seconds": run.seconds}
            for run in result.runs
        ],
        "collection": result.collection,
        "fingerprint": result.fingerprint,
        "notes": list(result.notes),
        "networks": [
            {
                "tasks": list(network.tasks),
                "seed": network.seed,
                "best_step": network.best_step,
                "seconds": network.seconds,
            }
            for network in result.networks
        ],
    }


def history_json(history: "pd.DataFrame") -> list[dict[str, Any]]:
    """Curves a line each: far smaller than a row a point. Six digits; thinned beyond 2,000 points.

    ``steps`` is a list, or ``[first, count]`` under ``run`` where steps follow one another.
    """
    lines = []
    for key, part in history.groupby(list(_LINE), sort=False, dropna=False):
        ordered = part.sort_values("step")
        values = ordered["value"].to_numpy(dtype=np.float64)
        keep = thinned(values, MOST_POINTS)
        steps = ordered["step"].to_numpy(dtype=np.int64)[keep]
        line: dict[str, Any] = dict(zip(_LINE, map(_plain, key), strict=True))
        if len(steps) and (np.diff(steps) == 1).all():
            line["run"] = [int(steps[0]), len(steps)]
        else:
            line["steps"] = steps.tolist()
        line["values"] = [None if np.isnan(v) else float(f"{v:.6g}") for v in values[keep]]
        lines.append(line)
    return lines


def history_frame(lines: Sequence[Mapping[str, Any]]) -> "pd.DataFrame":
    """The inverse of :func:`history_json`.

    Raises:
        ValueError: a line of another form.
        TaskvizError: more points than are read.
    """
    import pandas as pd

    columns: dict[str, list[Any]] = {name: [] for name in HISTORY_COLUMNS}
    for line in lines:
        values = mapping(line, "a curve")["values"]
        steps = _steps(line)
        if len(columns["step"]) + len(steps) > MOST_STEPS:
            raise TaskvizError(f"The curves of this report have over {MOST_STEPS:,} points.")
        if not isinstance(values, list) or len(values) != len(steps):
            raise ValueError("a curve has not as many values as steps")
        columns["step"] += steps
        columns["value"] += values
        for name in _LINE:
            columns[name] += [line[name]] * len(steps)
    frame = pd.DataFrame(columns, columns=list(HISTORY_COLUMNS))
    frame["value"] = frame["value"].astype(float)
    return frame


def _steps(line: Mapping[str, Any]) -> list[int]:
    if "steps" in line:
        return [int(step) for step in sequence(line, "steps", MOST_STEPS)]
    first, length = (int(number) for number in line.get("run", (0, 0)))
    if not 0 <= length <= MOST_STEPS:
        raise ValueError("a curve has no such number of steps")
    return list(range(first, first + length))


def result_from_json(data: Mapping[str, Any]) -> tuple[str, TrainingResult]:
    """Label and result; the inverse of :func:`result_json`, without networks.

    Raises:
        ValueError, KeyError, TypeError: an entry of another kind.
    """
    import pandas as pd

    given = mapping(data["metrics"], "metrics")
    columns = {name: sequence(given, name, MOST_METRICS) for name in METRIC_COLUMNS}
    metrics = pd.DataFrame(columns, columns=list(METRIC_COLUMNS))
    metrics["value"] = metrics["value"].astype(float)
    grouping = Grouping.from_json(mapping(data["grouping"], "a grouping"))
    history = history_frame(sequence(data, "history", 200_000))
    for frame in (metrics, history):
        _check(frame, grouping)
    result = TrainingResult(
        grouping=grouping,
        metrics=metrics,
        history=history,
        serving=_serving(data, grouping),
        settings=dict(mapping(data["settings"], "settings")),
        seed=count(data, "seed"),
        seconds=float(data["seconds"]),
        collection=bounded(data["collection"], "collection"),
        fingerprint=bounded(data["fingerprint"], "fingerprint"),
        notes=tuple(bounded(note, "a note") for note in sequence(data, "notes")),
    )
    runs = [_run(result, mapping(run, "a run")) for run in sequence(data, "runs", MOST_SEEDS)]
    if len({run.seed for run in runs}) < len(runs):
        raise ValueError("a seed comes twice")
    if runs:
        result = replace(result, runs=tuple(runs))
    return bounded(data["label"], "label", 2000), result


def _serving(data: Mapping[str, Any], grouping: Grouping) -> dict[str, int]:
    serving = {str(t): int(i) for t, i in mapping(data["serving"], "serving").items()}
    if any(task not in grouping.tasks for task in serving):
        raise ValueError("a task is served that no group holds")
    if any(not 0 <= index < len(grouping.groups) for index in serving.values()):
        raise ValueError("a task is served by a group that is not there")
    return serving


def _run(whole: TrainingResult, data: Mapping[str, Any]) -> TrainingResult:
    """The result of one seed: its rows of the whole, its own serving groups."""
    seed = count(data, "seed")
    parts = [frame[frame["seed"] == seed] for frame in (whole.metrics, whole.history)]
    metrics, history = (part.reset_index(drop=True) for part in parts)
    return replace(
        whole,
        metrics=metrics,
        history=history,
        serving=_serving(data, whole.grouping),
        seed=seed,
        seconds=float(data["seconds"]),
    )


def _check(frame: "pd.DataFrame", grouping: Grouping) -> None:
    if not set(frame["split"]) <= set(SPLITS):
        raise ValueError("a split is none of train, valid and test")
    if not set(frame["task"]) <= set(grouping.tasks):
        raise ValueError("a task is measured that no group holds")
    if not all(isinstance(metric, str) for metric in set(frame["metric"])):
        raise ValueError("a metric has no name")
    groups = set(frame["group"])
    if not groups <= set(range(len(grouping.groups))):
        raise ValueError("a group is measured that is not there")


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and np.isnan(value) else value
