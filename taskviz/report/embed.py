"""JSON inside HTML: what a script block may hold, and the values that a report carries along."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from taskviz.figures.curves import MOST_POINTS
from taskviz.figures.line_points import thinned
from taskviz.values import (
    HISTORY_COLUMNS,
    METRIC_COLUMNS,
    AffinityMatrix,
    Grouping,
    TaskCollection,
    TaskvizError,
    TrainingResult,
)
from taskviz.values.storage import dumps, nullable

if TYPE_CHECKING:
    import pandas as pd

DATA_ID: Final = "taskviz-data"
FORMAT: Final = 1
_ESCAPES: Final = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}
_LINE: Final = ("group", "task", "split", "metric", "seed")


@dataclass(frozen=True)
class ReportValues:
    """What :func:`read_report` finds in a report.

    Args:
        collection: name, fingerprint, layout, modality, sizes and tasks; the data are not in it.
        affinities: every matrix, whole.
        groupings: every plan.
        results: label → result: metrics whole, curves to six digits, no networks.
        notes: the text of the author.
    """

    collection: Mapping[str, Any]
    affinities: tuple[AffinityMatrix, ...]
    groupings: tuple[Grouping, ...]
    results: Mapping[str, TrainingResult]
    notes: str


def script_json(data: Any) -> str:
    """JSON that cannot leave a ``<script>`` block, whatever text it holds."""
    text = data if isinstance(data, str) else dumps(data)
    for letter, escape in _ESCAPES.items():
        text = text.replace(letter, escape)
    return text


def values_json(
    collection: TaskCollection,
    affinities: Sequence[AffinityMatrix],
    groupings: Sequence[Grouping],
    results: Mapping[str, TrainingResult],
    notes: str,
) -> dict[str, Any]:
    """Everything that the report shows, as plain data."""
    from taskviz import __version__

    return {
        "format": FORMAT,
        "taskviz": __version__,
        "collection": {
            "name": collection.name,
            "fingerprint": collection.fingerprint,
            "layout": collection.layout,
            "modality": collection.modality,
            "n": sum(len(block) for block in collection.samples),
            "reference": collection.origin.reference,
            "tasks": [task.to_json() for task in collection.tasks],
        },
        "affinities": [matrix.to_json() for matrix in affinities],
        "groupings": [grouping.to_json() for grouping in groupings],
        "results": [_result_json(label, result) for label, result in results.items()],
        "notes": notes,
    }


def read_report(path: Path | str) -> ReportValues:
    """The values inside a report.

    Raises:
        TaskvizError: no such file, or it is no report of taskviz.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise TaskvizError(f"There is no file {path}: give the path of a saved report.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise TaskvizError(f"{path.name} cannot be read as a report ({error}).") from None
    finder = _DataFinder()
    finder.feed(text)
    try:
        data = json.loads("".join(finder.parts))
        if data["format"] != FORMAT:
            raise TaskvizError(
                f"{path.name} is a report of format {data['format']}; this version of taskviz "
                f"reads format {FORMAT}."
            )
        results = [_result_from_json(entry) for entry in data["results"]]
        return ReportValues(
            collection=data["collection"],
            affinities=tuple(AffinityMatrix.from_json(entry) for entry in data["affinities"]),
            groupings=tuple(Grouping.from_json(entry) for entry in data["groupings"]),
            results=dict(results),
            notes=str(data["notes"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise TaskvizError(
            f"{path.name} holds no values of a taskviz report ({type(error).__name__}): give a "
            "report that taskviz wrote."
        ) from None


class _DataFinder(HTMLParser):
    """Collects the text of the data block."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag == "script" and dict(attrs).get("id") == DATA_ID

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.parts.append(data)


def _result_json(label: str, result: TrainingResult) -> dict[str, Any]:
    return {
        "label": label,
        "grouping": result.grouping.to_json(),
        "metrics": {name: nullable(result.metrics[name].to_numpy()) for name in METRIC_COLUMNS},
        "history": history_json(result.history),
        "serving": dict(result.serving),
        "settings": dict(result.settings),
        "seed": result.seed,
        "seconds": result.seconds,
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
    """The inverse of :func:`history_json`."""
    import pandas as pd

    rows = []
    for line in lines:
        first, count = line.get("run", (0, 0))
        steps = line["steps"] if "steps" in line else range(first, first + count)
        for step, value in zip(steps, line["values"], strict=True):
            point = {**{name: line[name] for name in _LINE}, "step": step, "value": value}
            rows.append([point[name] for name in HISTORY_COLUMNS])
    frame = pd.DataFrame(rows, columns=list(HISTORY_COLUMNS))
    frame["value"] = frame["value"].astype(float)
    return frame


def _result_from_json(data: Mapping[str, Any]) -> tuple[str, TrainingResult]:
    import pandas as pd

    metrics = pd.DataFrame(dict(data["metrics"]), columns=list(METRIC_COLUMNS))
    metrics["value"] = metrics["value"].astype(float)
    result = TrainingResult(
        grouping=Grouping.from_json(data["grouping"]),
        metrics=metrics,
        history=history_frame(data["history"]),
        serving={str(task): int(index) for task, index in data["serving"].items()},
        settings=data["settings"],
        seed=int(data["seed"]),
        seconds=float(data["seconds"]),
        collection=str(data["collection"]),
        fingerprint=str(data["fingerprint"]),
        notes=tuple(data["notes"]),
    )
    return str(data["label"]), result


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and np.isnan(value) else value
