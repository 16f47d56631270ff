"""What is wrong with a column as a target."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taskviz.data.columns import as_numbers, describe_column, encode_levels
from taskviz.data.problem import Problem, row_of, show_cell
from taskviz.data.propose import guess_kind
from taskviz.values import TASK_KINDS

if TYPE_CHECKING:
    import pandas as pd

MANY_CLASSES = 20
LARGEST = 1e30
"""Within single precision, which ends at 3e38, and far from where sums of squares overflow."""


def target_problems(
    frame: "pd.DataFrame", name: str, column: "pd.Series[Any]", kind: str | None
) -> list[Problem]:
    """Problems of one target column of a kind, or of the kind guessed."""
    info = describe_column(column, name)
    where = f"Target {name!r}"

    def error(message: str, row: int | None = None) -> list[Problem]:
        return [Problem("error", message, name, row)]

    if kind is not None and kind not in TASK_KINDS:
        return error(
            f"{where} has the unknown kind {kind!r}: choose one of {', '.join(TASK_KINDS)}."
        )
    if kind == "multilabel":
        return error(
            f"{where} is one column and cannot be multilabel: make each label a binary task."
        )
    if info.kind == "empty":
        return error(f"{where} has no label in any row: fill the column or leave it out.")
    if info.distinct == 1:
        value = column.dropna().iloc[0]
        return error(f"{where} is constant ({show_cell(value)} in every row): leave it out.")
    guessed = guess_kind(column, info)[0]
    kind = kind or guessed
    if kind is None:
        what = "dates" if info.kind == "date" else f"free text ({info.distinct:,} different values)"
        return error(
            f"{where} holds {what}: a target needs numbers or classes, so leave it out.",
            row_of(frame, int(column.notna().to_numpy().argmax())),
        )
    if kind == "regression":
        return number_problems(frame, name, column, where)
    return _class_problems(frame, name, column, kind, info.distinct)


def number_problems(
    frame: "pd.DataFrame", name: str, column: "pd.Series[Any]", where: str
) -> list[Problem]:
    """Text, infinite and huge values where plain numbers belong, each with its first row."""
    values, stray = as_numbers(column)
    with np.errstate(invalid="ignore"):
        huge = np.isfinite(values) & (np.abs(values) > LARGEST)
    cell = column.iloc[int(stray.argmax())] if stray.any() else None
    checks = (
        (
            stray,
            f"{show_cell(cell)} is not a number",
            "correct the cell, or empty it where the value is not known.",
        ),
        (np.isinf(values), "the value is infinite", "a finite number or an empty cell is needed."),
        (huge, f"the value is beyond ±{LARGEST:g}", "give the column in a larger unit."),
    )
    found = []
    for bad, what, remedy in checks:
        if bad.any():
            row, others = row_of(frame, int(bad.argmax())), int(bad.sum()) - 1
            more = f" (and in {others:,} more row{'' if others == 1 else 's'})" if others else ""
            message = f"{where}, row {row}: {what}{more}; {remedy}"
            found.append(Problem("error", message, name, row))
    return found


def _class_problems(
    frame: "pd.DataFrame", name: str, column: "pd.Series[Any]", kind: str, distinct: int
) -> list[Problem]:
    where = f"Target {name!r}"
    codes, levels = encode_levels(column)
    if kind == "binary" and distinct != 2:
        third = int(np.argmax(_first_seen(codes) == 2))
        row = row_of(frame, third)
        return [
            Problem(
                "error",
                f"{where}, row {row}: {show_cell(column.iloc[third])} is a third value, but a "
                "binary target has two; make it multiclass or regression.",
                name,
                row,
            )
        ]
    if kind == "multiclass" and distinct == 2:
        return [
            Problem(
                "error", f"{where} is called multiclass but has 2 classes: make it binary.", name
            )
        ]
    found = []
    numbers, stray = as_numbers(column)
    if np.isinf(numbers).any() and not stray.any():
        found += number_problems(frame, name, column, where)
    known = int((~np.isnan(codes)).sum())
    if kind == "multiclass" and distinct * 2 > known:
        message = (
            f"{where} has {distinct:,} classes in {known:,} rows, fewer than two rows a class: "
            + ("leave it out." if stray.any() else "make it regression.")
        )
        return [*found, Problem("error", message, name)]
    if not stray.any() and distinct > MANY_CLASSES:
        message = (
            f"{where} has {distinct:,} different numbers in {known:,} rows, many for classes: "
            "consider regression."
        )
        found.append(Problem("warning", message, name))
    counts = np.bincount(codes[~np.isnan(codes)].astype(np.int64), minlength=len(levels))
    single = np.flatnonzero(counts == 1)
    if len(single):
        row = row_of(frame, int((codes == single[0]).argmax()))
        more = f" (and {len(single) - 1:,} more classes)" if len(single) > 1 else ""
        found.append(
            Problem(
                "warning",
                f"{where}, row {row}: class {show_cell(levels[single[0]])} has this one row{more}, "
                "so it cannot be both learnt and tested; merge it with another or drop the row.",
                name,
                row,
            )
        )
    return found


def _first_seen(codes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Codes renumbered in the order in which they occur; NaN stays."""
    order: dict[float, float] = {}
    return np.array([c if np.isnan(c) else order.setdefault(c, float(len(order))) for c in codes])
