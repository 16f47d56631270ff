"""What is wrong with a table as a collection of tasks, each with its column and row."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np

from taskviz.data.columns import as_numbers, describe_column, encode_levels, plain_column
from taskviz.data.inputs import MOSTLY_NUMBERS, encode_inputs
from taskviz.data.leaks import correlations, same_content
from taskviz.data.problem import Problem, Severity
from taskviz.data.propose import guess_kind, looks_named, numeric_share, split_columns
from taskviz.data.target_problems import number_problems, target_problems
from taskviz.values import TaskKind

if TYPE_CHECKING:
    import pandas as pd

_ORDER = {"error": 0, "warning": 1, "note": 2}
MIN_ROWS = 20
MIN_TASKS = 2
LEAK = 0.9999


def find_problems(
    frame: "pd.DataFrame",
    targets: Sequence[str],
    kinds: Mapping[str, str],
    leave_out: Iterable[str] | None = None,
) -> list[Problem]:
    """Every problem of a table, errors first, then in the order of the columns.

    Args:
        frame: as :func:`taskviz.data.table.read_table` gives it; any other index counts the rows
            from 2.
        targets: names of the target columns.
        kinds: target → kind, where it is not to be guessed.
        leave_out: as in :func:`taskviz.data.propose.split_columns`.
    """
    names = [str(name) for name in frame.columns]
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        message = f"More than one column is named {twice!r}: give each a name of its own."
        return [Problem("error", message, twice)]
    found = _table(frame, names, targets, kinds, leave_out)
    known = [name for name in dict.fromkeys(targets) if name in names]
    columns = {name: plain_column(frame[name]) for name in names}
    inputs, out = split_columns(frame, known, leave_out)
    for name in known:
        found += target_problems(frame, name, columns[name], kinds.get(name))
    for name in inputs:
        found += _input(frame, name, columns[name], names)
    found += [_left_out(name, why) for name, why in out.items() if why != "Left out by choice."]
    found += _duplicates(columns, known, inputs)
    found += _leaks(frame, columns, known, kinds, inputs)
    place = {name: i for i, name in enumerate(names)}
    return sorted(found, key=lambda p: (_ORDER[p.severity], place.get(p.column, -1)))


def _table(
    frame: "pd.DataFrame",
    names: list[str],
    targets: Sequence[str],
    kinds: Mapping[str, str],
    leave_out: Iterable[str] | None,
) -> list[Problem]:
    found = []
    for name in dict.fromkeys([*targets, *kinds, *(leave_out or ())]):
        if name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {_some(names)}."
            found.append(Problem("error", f"There is no column {name!r}: {hint}", name))
    for name in dict.fromkeys(targets):
        if list(targets).count(name) > 1:
            message = f"Column {name!r} is named as a target more than once: name it once."
            found.append(Problem("error", message, name))
    if len(set(targets)) < MIN_TASKS:
        count = len(set(targets))
        found.append(
            Problem(
                "error",
                f"The table has {count} target column{'' if count == 1 else 's'}: at least "
                f"{MIN_TASKS} tasks are needed, so name the columns to predict.",
            )
        )
    if len(frame) < MIN_ROWS:
        rows = f"{len(frame)} row{'' if len(frame) == 1 else 's'}"
        message = f"The table has {rows} of data: at least {MIN_ROWS} are needed."
        found.append(Problem("error", message))
    return found


def _some(names: list[str]) -> str:
    return ", ".join(map(repr, names[:8])) + (", …" if len(names) > 8 else "")


def _input(
    frame: "pd.DataFrame", name: str, column: "pd.Series[Any]", names: list[str]
) -> list[Problem]:
    where = f"Column {name!r}"
    stray = as_numbers(column)[1]
    found = []
    # Text with levels, one of which reads "inf", is no column of numbers.
    if not stray.any() or _mistaken(column):
        found += number_problems(frame, name, column, where)
    if looks_named(name, names):
        found.append(
            Problem("warning", f"{where} is named like a target but used as an input.", name)
        )
    return found


def _mistaken(column: "pd.Series[Any]") -> bool:
    """Whether text among numbers is a mistake: "4+" among few levels, often enough, is none."""
    if numeric_share(column) < MOSTLY_NUMBERS:
        return False
    counts = column.dropna()[as_numbers(column)[1][column.notna().to_numpy()]].value_counts()
    return describe_column(column).distinct > 10 or bool((counts < 5).any())


def _left_out(name: str, why: str) -> Problem:
    severity: Severity = "warning" if why.startswith(("Empty", "Free", "Dates")) else "note"
    return Problem(severity, f"Column {name!r} is left out: {why[0].lower()}{why[1:]}", name)


def _duplicates(
    columns: Mapping[str, "pd.Series[Any]"], targets: list[str], inputs: list[str]
) -> list[Problem]:
    found = []
    for first, second in same_content({name: columns[name] for name in [*targets, *inputs]}):
        pair = f"Columns {first!r} and {second!r} hold the same values in every row"
        if first in targets and second in targets:
            message = f"{pair}: they are one task, so leave one out."
        elif first in targets:
            continue  # told as a leak
        else:
            message = f"{pair}: one of them adds nothing."
        found.append(Problem("warning", message, second))
    return found


def _leaks(
    frame: "pd.DataFrame",
    columns: Mapping[str, "pd.Series[Any]"],
    targets: list[str],
    kinds: Mapping[str, str],
    inputs: list[str],
) -> list[Problem]:
    numbers = {}
    for name in targets:
        kind: str | TaskKind | None = kinds.get(name)
        kind = kind or guess_kind(columns[name], describe_column(columns[name], name))[0]
        values = as_numbers(columns[name])[0]
        codes = encode_levels(columns[name])[0] if kind in ("binary", "multiclass") else values
        numbers[name] = np.where(np.isfinite(codes), codes, np.nan)
    if not numbers or not inputs:
        return []
    encoded = encode_inputs(frame, [i for i in inputs if not _mistaken_text(columns[i])])
    values = np.where(np.isfinite(encoded.values), encoded.values, np.nan)
    strength = np.abs(correlations(values, np.stack(list(numbers.values()), axis=1)))
    found = []
    for t, name in enumerate(numbers):
        for p in np.flatnonzero(strength[:, t] >= LEAK):
            found.append(
                Problem(
                    "warning",
                    f"Column {encoded.columns[p]!r} tells target {name!r} almost exactly "
                    f"(correlation {strength[p, t]:.4f}): leave it out unless it is truly known "
                    "beforehand.",
                    encoded.columns[p],
                )
            )
    return found


def _mistaken_text(column: "pd.Series[Any]") -> bool:
    return bool(as_numbers(column)[1].any()) and _mistaken(column)
