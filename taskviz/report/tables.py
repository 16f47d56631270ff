"""Tables of the report: text in cells, numbers to the right."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from taskviz.figures.comparison import GAIN
from taskviz.figures.curves import best_step
from taskviz.figures.style import group_letter, signed, three_digits
from taskviz.report.checked import count, listed_texts, sequence
from taskviz.training.comparison import ERROR
from taskviz.values import AffinityMatrix, Grouping, TaskCollection, TrainingResult

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 400
"""Rows shown of a table; the rest is counted, and is in the data inside the file."""


@dataclass(frozen=True)
class Table:
    """A table as it is shown.

    Args:
        columns: headings.
        rows: text of each cell.
        numeric: positions of the columns that hold numbers.
        left_out: rows that are not shown.
        row_heads: the first column names its row.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()
    left_out: int = 0
    row_heads: bool = True

    def to_json(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "columns": list(self.columns),
            "rows": [list(row) for row in self.rows],
            "numeric": sorted(self.numeric),
            "left_out": self.left_out,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Table":
        """The inverse of :meth:`to_json`; a row of another length is refused."""
        columns = listed_texts(sequence(data, "columns"), "columns")
        rows = tuple(listed_texts(row, "a cell") for row in sequence(data, "rows"))
        if any(len(row) != len(columns) for row in rows):
            raise ValueError("a row of a table has another length")
        numeric = frozenset(int(place) for place in sequence(data, "numeric"))
        return cls(columns, rows, numeric, count(data, "left_out"))

    @classmethod
    def of(cls, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> "Table":
        """A table of text and numbers; numbers to three digits."""
        given = [list(row) for row in rows]
        numeric = frozenset(
            i
            for i in range(len(columns))
            if given and all(isinstance(row[i], int | float | np.number) for row in given)
        )
        shown = tuple(tuple(_cell(value) for value in row) for row in given[:MOST_ROWS])
        return cls(tuple(columns), shown, numeric, max(0, len(given) - MOST_ROWS))


def _cell(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{int(value):,}"
    if isinstance(value, float | np.floating):
        return three_digits(float(value))
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_cell(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_cell(each) for each in value)
    return str(value)


def settings_table(*parts: Mapping[str, Any]) -> Table:
    """Names and values, exactly as they were set."""
    rows = [
        (name.replace("_", " "), _exact(value)) for part in parts for name, value in part.items()
    ]
    return Table(("setting", "value"), tuple(rows))


def _exact(value: Any) -> str:
    """Settings are repeated to the letter, never rounded."""
    if isinstance(value, bool) or value is None or not isinstance(value, int | float):
        return _cell(value)
    return repr(value)


def tasks_table(collection: TaskCollection) -> Table:
    """Kind, labels, missing share and balance of each task."""
    rows = []
    for i, task in enumerate(collection.tasks):
        target = collection.target_of(i)
        known = ~np.isnan(target)
        rows.append(
            (
                task.name,
                task.kind,
                int(known.any(axis=1).sum()),
                f"{1 - known.mean():.1%}" if known.size else "no data",
                _spread(task.kind, task.classes, target),
            )
        )
    return Table.of(("task", "kind", "labelled samples", "missing", "values"), rows)


def _spread(kind: str, classes: tuple[str, ...], target: Any) -> str:
    known = target[~np.isnan(target)]
    if not len(known):
        return "no label is known"
    if kind == "regression":
        error = f"standard deviation {three_digits(float(known.std()))}"
        return f"mean {three_digits(float(known.mean()))}, {error}"
    if kind == "multilabel":
        return f"{len(classes)} labels, {np.nansum(target == 1) / len(target):.3g} a sample"
    shares = [(float((known == code).mean()), name) for code, name in enumerate(classes)]
    shares.sort(key=lambda pair: -pair[0])
    rest = f", {len(shares) - 4} more" if len(shares) > 4 else ""
    return ", ".join(f"{name}: {share:.1%}" for share, name in shares[:4]) + rest


MOST_SQUARE = 60
"""Tasks up to which a matrix is shown as a square."""


def matrix_table(matrix: AffinityMatrix) -> Table:
    """The whole matrix, sources down, targets across; beyond 60 tasks its strongest pairs."""
    if len(matrix.tasks) > MOST_SQUARE:
        return _pairs_table(matrix)
    errors = matrix.standard_error
    rows = []
    for i, source in enumerate(matrix.tasks):
        cells = [
            three_digits(
                float(matrix.values[i, j]), None if errors is None else float(errors[i, j])
            )
            for j in range(len(matrix.tasks))
        ]
        rows.append((source, *cells))
    columns = ("source \\ target", *matrix.tasks)
    return Table(columns, tuple(rows), frozenset(range(1, len(columns))))


def _pairs_table(matrix: AffinityMatrix) -> Table:
    values = matrix.values.copy()
    np.fill_diagonal(values, np.nan)
    order = np.argsort(-values, axis=None, kind="stable")
    known = int(np.isfinite(values).sum())
    size = len(matrix.tasks)
    rows = tuple(
        (
            matrix.tasks[place // size],
            matrix.tasks[place % size],
            three_digits(float(values.flat[place])),
        )
        for place in order[: min(known, MOST_ROWS)]
    )
    columns = ("source, strongest first", "target", "affinity")
    return Table(columns, rows, frozenset({2}), known - len(rows))


def groups_table(grouping: Grouping, serving: Mapping[str, int] | None = None) -> Table:
    """A row a group: its tasks, and which of them it serves."""
    serving = grouping.serving if serving is None else serving
    rows: list[tuple[Any, ...]] = []
    for i, group in enumerate(grouping.groups):
        served = [task for task in group if serving.get(task) == i]
        serves = "all of them" if len(served) == len(group) else ", ".join(served) or "none"
        cost = grouping.costs[i] if grouping.costs else 1.0
        rows.append((group_letter(i), len(group), ", ".join(group), serves, cost))
    return Table.of(("group", "size", "tasks", "serves", "cost"), rows)


def frontier_table(groupings: Sequence[Grouping]) -> Table:
    """Budget, score, bound and groups of each plan."""
    rows = [
        (
            g.budget,
            "no score" if g.score is None else three_digits(g.score),
            "none proven" if g.bound is None else three_digits(g.bound),
            "; ".join(f"{group_letter(i)}: {', '.join(group)}" for i, group in enumerate(g.groups)),
        )
        for g in sorted(groupings, key=lambda g: g.budget)
    ]
    return Table.of(("budget", "score", "bound", "groups"), rows)


def results_table(table: "pd.DataFrame", random: Sequence[str]) -> Table:
    """Task against contender; draws of the random baseline as their mean.

    Args:
        table: from :func:`taskviz.training.compare.comparison_table`.
        random: labels of the random contenders.
    """
    labels = [
        str(name)
        for name in table.columns
        if name not in ("task", "group", "metric", *random)
        and not str(name).startswith((GAIN, ERROR))
    ]
    rows = []
    for _, row in table.iterrows():
        cells = [str(row["task"]), group_letter(int(row["group"])), _words(row["metric"])]
        cells += [_with_error(row, label) for label in labels]
        if random:
            cells.append(three_digits(float(np.mean([float(row[name]) for name in random]))))
        rows.append(tuple(cells))
    columns = ("task", "served by", "metric", *labels, *_mean_heading(random))
    return Table(columns, tuple(rows), frozenset(range(3, len(columns))))


def gains_table(table: "pd.DataFrame", random: Sequence[str], labels: Sequence[str]) -> Table:
    """Gain of each task over training it alone, in percent of its loss; a column a contender.

    Args:
        table: as in :func:`results_table`.
        random: labels of the random contenders.
        labels: the contenders that have a gain.
    """
    shown = [label for label in labels if label not in random]
    drawn = [label for label in labels if label in random]
    rows = []
    for _, row in table.iterrows():
        cells = [str(row["task"]), *(_percent(float(row[GAIN + label])) for label in shown)]
        if drawn:
            cells.append(_percent(float(np.mean([float(row[GAIN + name]) for name in drawn]))))
        rows.append(tuple(cells))
    columns = ("task", *shown, *_mean_heading(drawn))
    return Table(columns, tuple(rows), frozenset(range(1, len(columns))))


def _with_error(row: "pd.Series[Any]", label: str) -> str:
    """A mean over seeds with its standard error, where there are several seeds."""
    value = three_digits(float(row[label]))
    error = float(row.get(ERROR + label, float("nan")))
    return f"{value} ± {three_digits(error)}" if np.isfinite(error) else value


def _mean_heading(random: Sequence[str]) -> tuple[str, ...]:
    return (f"random (mean of {len(random)})",) if random else ()


def _words(name: Any) -> str:
    return str(name).replace("_", " ")


def _percent(value: float) -> str:
    return f"{signed(100 * value)} %" if np.isfinite(value) else "no value"


def metrics_table(result: TrainingResult) -> Table:
    """Every measured metric: a row a group, task and metric; a column a split."""
    wide = result.metrics.pivot_table(
        index=["group", "task", "metric", "seed"], columns="split", values="value", sort=False
    )
    splits = [name for name in ("train", "valid", "test") if name in wide.columns]
    rows = []
    for key, row in wide[splits].iterrows():
        group, task, metric, seed = key if isinstance(key, tuple) else (key, "", "", "")
        serving = result.serving.get(str(task)) == group
        cells = [three_digits(float(row[name])) for name in splits]
        rows.append(
            (
                str(task),
                group_letter(int(group)) + (" (serves)" if serving else ""),
                _words(metric),
                *cells,
                str(seed),
            )
        )
    columns = ("task", "group", "metric", *splits, "seed")
    shown = frozenset(range(3, len(columns)))
    return Table(columns, tuple(rows[:MOST_ROWS]), shown, max(0, len(rows) - MOST_ROWS))


def checkpoint_table(result: TrainingResult, group: int, metric: str = "loss") -> Table:
    """Values of each task of a group at its kept checkpoint."""
    # Of several seeds, the first: its networks are those that predict.
    rows = result.of_seed(result.seed).history
    rows = rows[(rows["group"] == group) & (rows["metric"] == metric)]
    kept = kept_step(result, group)
    at = rows[rows["step"] == kept] if kept is not None else rows.iloc[:0]
    found = {
        (str(task), str(split)): float(value)
        for task, split, value in zip(at["task"], at["split"], at["value"], strict=True)
    }
    splits = [name for name in ("train", "valid") if (rows["split"] == name).any()]
    return Table.of(
        ("task", *(f"{name} {metric}" for name in splits), "kept epoch"),
        [
            (task, *(found.get((task, name), float("nan")) for name in splits), kept)
            for task in result.grouping.groups[group]
        ],
    )


def kept_step(result: TrainingResult, group: int) -> int | None:
    """Epoch of a group's kept checkpoint; from the curves where the network is not at hand."""
    if group < len(result.networks):
        return result.networks[group].best_step
    rows = result.history[result.history["group"] == group]
    return best_step(rows)
