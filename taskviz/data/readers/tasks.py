"""From label columns and what is asked for to tasks with their targets."""

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from taskviz.data.columns import as_numbers, describe_column, encode_levels, plain_column
from taskviz.data.contents import Block
from taskviz.data.propose import guess_kind
from taskviz.data.readers.base import DataSet, Findings, Target
from taskviz.data.target_problems import target_problems
from taskviz.values import Task, TaskKind, TaskvizError

if TYPE_CHECKING:
    import pandas as pd


def default_targets(data: DataSet, separate: bool) -> tuple[Target, ...]:
    """The tasks of a data set that nobody asked for by name.

    A data set of a separate collection is one task; in a joint one, classes are each a task
    against the rest.
    """
    if data.default:
        first = data.default[0]
        if not separate and len(data.default) == 1 and first.kind == "multilabel":
            return tuple(Target(column, (column,), "binary") for column in first.columns)
        return data.default
    if data.class_column and separate:
        return (Target(data.class_column, (data.class_column,)),)
    if data.class_column:
        column = data.labels[data.class_column].dropna()
        if column.nunique() == 2:
            # Each against the rest would be one task twice.
            return (Target(data.class_column, (data.class_column,)),)
        return tuple(Target(str(name), (str(name),)) for name in sorted(column.unique(), key=str))
    return tuple(Target(str(name), (str(name),)) for name in data.labels.columns)


def block_of(data: DataSet, targets: tuple[Target, ...], findings: Findings) -> Block | None:
    """Tasks and targets; None where an error was noted."""
    tasks: list[Task] = []
    values: dict[str, NDArray[np.float64]] = {}
    before = len(findings.errors)
    for target in targets:
        try:
            made = _task(data, target, findings)
        except TaskvizError as error:
            findings.error(str(error))
            continue
        if made is not None:
            tasks.append(made[0])
            values[made[0].name] = made[1]
    if len(findings.errors) > before:
        return None
    return Block(data.inputs, tuple(tasks), values, data.split)


def _task(
    data: DataSet, target: Target, findings: Findings
) -> tuple[Task, NDArray[np.float64]] | None:
    labels = data.labels
    if target.kind == "multilabel" or len(target.columns) > 1:
        return _multilabel(labels, target, findings)
    name = target.columns[0]
    if name not in labels.columns:
        against = _against_rest(data, target)
        if against is not None:
            return against
        findings.error(_no_column(data, target, name))
        return None
    column = plain_column(labels[name])
    wrong = target_problems(labels, name, column, target.kind or None)
    for problem in wrong:
        findings.add(problem.severity, problem.message)
    if any(problem.severity == "error" for problem in wrong):
        return None
    kind = target.kind or guess_kind(column, describe_column(column, name))[0]
    if kind == "regression":
        return Task(target.name, "regression", metric=target.metric), as_numbers(column)[0]
    codes, classes = encode_levels(column)
    return Task(target.name, cast(TaskKind, kind), classes, target.metric), codes


def _against_rest(data: DataSet, target: Target) -> tuple[Task, NDArray[np.float64]] | None:
    """The task of one class against the others, where the target names a class."""
    if not data.class_column or target.kind not in ("", "binary"):
        return None
    column: pd.Series[Any] = data.labels[data.class_column]
    text = column.map(str, na_action="ignore")
    same = (text == target.columns[0]).to_numpy()
    if not same.any():
        return None
    codes = np.where(column.isna().to_numpy(), np.nan, same.astype(np.float64))
    return Task(target.name, "binary", ("rest", target.columns[0]), target.metric), codes


def _multilabel(
    labels: "pd.DataFrame", target: Target, findings: Findings
) -> tuple[Task, NDArray[np.float64]] | None:
    columns = []
    for name in target.columns:
        if name not in labels.columns:
            findings.error(f"Task {target.name!r} needs the column {name!r}, which is not there.")
            continue
        values, stray = as_numbers(plain_column(labels[name]))
        wrong = stray | ~(np.isnan(values) | (values == 0) | (values == 1))
        if wrong.any():
            row = int(wrong.argmax())
            findings.error(
                f"Task {target.name!r}: column {name!r} holds {labels[name].iloc[row]!r} in sample "
                f"{row + 1}, but the columns of a multilabel task hold 0, 1 or nothing."
            )
        columns.append(values)
    if len(columns) < len(target.columns) or findings.errors:
        return None
    task = Task(target.name, "multilabel", target.columns, target.metric)
    return task, np.stack(columns, axis=1)


def _no_column(data: DataSet, target: Target, name: str) -> str:
    names = [str(column) for column in data.labels.columns]
    if data.class_column:
        names += [str(level) for level in data.labels[data.class_column].dropna().unique()]
    near = get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names[:12])}."
    return f"Task {target.name!r} has the target {name!r}, which is not there: {hint}"
