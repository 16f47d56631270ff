"""A first guess at which columns are targets and of which kind; the user has the last word."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from taskviz.data.columns import (
    ColumnInfo,
    as_numbers,
    describe_column,
    encode_levels,
    plain_column,
)
from taskviz.data.inputs import MAX_LEVELS, MOSTLY_NUMBERS
from taskviz.values import TaskKind

if TYPE_CHECKING:
    import pandas as pd

Role = Literal["target", "input", "leave out"]
MAX_CLASSES = 50
"""A text column with more levels is not proposed as a multiclass target."""

_WORD = r"(target|label|class|task|outcome|response|output|y)"
_NAMED = re.compile(
    rf"{_WORD}(s|es)?([ _\-.:]?\d+)?|{_WORD}[ _\-.:].+|.+[ _\-.:]{_WORD}([ _\-.]?\d+)?", re.I
)
_CAMEL = re.compile(r"([tT]arget|[lL]abel|[tT]ask)[A-Z].*")
_ID = re.compile(r"(.*[ _\-.])?(id|uuid|guid|identifier)", re.I)
_CAMEL_ID = re.compile(r".*[a-z](Id|ID)")
_COUNTER = re.compile(r"(index|idx|key|row|rownames?|nr|no|number|unnamed.*|column \d+_*)", re.I)


@dataclass(frozen=True)
class ColumnProposal:
    """What a column is proposed to be.

    Args:
        name: of the column.
        role: target, input or leave out.
        kind: the kind it has, or would have, as a target; None where it cannot be one.
        classes: of that kind; empty for regression.
        reason: one line for the user.
        missing_share: from 0 to 1.
    """

    name: str
    role: Role
    kind: TaskKind | None
    classes: tuple[str, ...]
    reason: str
    missing_share: float


def propose_targets(frame: "pd.DataFrame") -> list[ColumnProposal]:
    """One proposal a column, in the order of the table. Never raises for any flat table."""
    names = [str(name) for name in frame.columns]
    columns = [plain_column(frame.iloc[:, i]) for i in range(len(names))]
    infos = [describe_column(c, name) for c, name in zip(columns, names, strict=True)]
    kinds = [guess_kind(column, info) for column, info in zip(columns, infos, strict=True)]
    out = [why_left_out(column, info) for column, info in zip(columns, infos, strict=True)]
    named = [looks_named(name, names) for name in names]
    usable = [
        i
        for i, (kind, _) in enumerate(kinds)
        if kind is not None and (not out[i] or (named[i] and infos[i].distinct > 1))
    ]
    targets = _choose(usable, infos, named, kinds)
    proposals = []
    for i, info in enumerate(infos):
        kind, classes = kinds[i]
        role: Role = "target" if i in targets else "leave out" if out[i] else "input"
        reason = targets.get(i) or out[i] or _input_reason(info)
        if role == "target":
            reason += f" {_kind_reason(kind, classes)}"
        proposals.append(ColumnProposal(info.name, role, kind, classes, reason, info.missing_share))
    return proposals


def split_columns(
    frame: "pd.DataFrame", targets: Iterable[str], leave_out: Iterable[str] | None = None
) -> tuple[list[str], dict[str, str]]:
    """Which columns are inputs beside these targets, and why the others are not.

    Args:
        frame: the table.
        targets: names of the target columns.
        leave_out: exactly these columns are left out, and those that cannot be inputs (free text,
            dates, empty columns); None leaves out what is proposed.

    Returns:
        Names of the inputs; name → reason of the columns left out.
    """
    taken = set(targets)
    chosen = None if leave_out is None else set(leave_out)
    inputs: list[str] = []
    out: dict[str, str] = {}
    for i, name in enumerate(map(str, frame.columns)):
        if name in taken:
            continue
        column = plain_column(frame.iloc[:, i])
        info = describe_column(column, name)
        reason = _unusable(column, info)
        if chosen is None:
            reason = reason or why_left_out(column, info)
        elif name in chosen and info.kind != "empty":
            reason = "Left out by choice."
        if reason:
            out[name] = reason
        else:
            inputs.append(name)
    return inputs, out


def guess_kind(
    column: "pd.Series[Any]", info: ColumnInfo
) -> tuple[TaskKind | None, tuple[str, ...]]:
    """The kind a column has as a target, and its classes; None where it cannot be one."""
    known = info.rows - info.missing
    few = info.distinct * 5 <= known
    if info.kind in ("empty", "date") or info.distinct < 2:
        return None, ()
    if info.distinct == 2:
        return "binary", encode_levels(column)[1]
    if info.kind == "text":
        if numeric_share(column) >= MOSTLY_NUMBERS and info.distinct > 10:
            return "regression", ()
        if info.distinct <= MAX_CLASSES and info.distinct * 2 <= known:
            return "multiclass", encode_levels(column)[1]
        return None, ()
    most = 30 if re.search("class|label", info.name, re.I) else 10
    if info.kind == "whole number" and info.distinct <= most and few and _finite(column):
        return "multiclass", encode_levels(column)[1]
    return "regression", ()


def numeric_share(column: "pd.Series[Any]") -> float:
    """Share of the known cells that are numbers."""
    values, stray = as_numbers(column)
    numbers, text = int((~np.isnan(values)).sum()), int(stray.sum())
    return numbers / (numbers + text) if numbers + text else 0.0


def why_left_out(column: "pd.Series[Any]", info: ColumnInfo) -> str:
    """Why a column should be no input; "" where it can be one."""
    reason = _unusable(column, info)
    if reason:
        return reason
    if info.distinct == 1:
        return "Holds one value only: nothing can be learnt from it."
    known = info.rows - info.missing
    whole = info.kind in ("whole number", "text")
    many = info.distinct > 10 or info.distinct == known
    if whole and many and (_ID.fullmatch(info.name) or _CAMEL_ID.fullmatch(info.name)):
        return "Named like an ID: it names a row and says nothing about it."
    if whole and info.distinct == known and _COUNTER.fullmatch(info.name):
        return "Named like a row number, with a different value in every row."
    if info.kind == "whole number" and known == info.rows >= 10 and _counts_up(column):
        return "Counts the rows up by one: it says nothing about them."
    return ""


def looks_named(name: str, names: Sequence[str]) -> bool:
    """Whether a name says "target"; ``y_…`` does not where its twin ``x_…`` is there."""
    if re.match("y", name, re.I):
        twin = name[1:].lower()
        if twin and any(other.lower() == f"x{twin}" for other in names) and not _last_of(twin):
            return False
    return bool(_NAMED.fullmatch(name) or _CAMEL.fullmatch(name))


def _last_of(twin: str) -> bool:
    # x1, x2, y1, y2: numbered inputs and numbered targets, no coordinates.
    return bool(re.fullmatch(r"[ _\-.]?\d+", twin))


def _unusable(column: "pd.Series[Any]", info: ColumnInfo) -> str:
    if info.kind == "empty":
        return "Empty: no cell has a value."
    if info.kind == "date":
        return "Dates are no inputs: turn them into numbers first."
    if info.kind == "text" and info.distinct > 2:
        known = info.rows - info.missing
        if info.distinct > MAX_LEVELS or (info.distinct * 2 > known and known > 4):
            if numeric_share(column) >= MOSTLY_NUMBERS:
                return ""
            return f"Free text: {info.distinct:,} different values in {known:,} rows."
    return ""


def _finite(column: "pd.Series[Any]") -> bool:
    values = as_numbers(column)[0]
    return not np.isinf(values).any()


def _counts_up(column: "pd.Series[Any]") -> bool:
    values = as_numbers(column)[0]
    return bool((np.diff(values) == 1).all()) if np.isfinite(values).all() else False


def _choose(
    usable: list[int],
    infos: list[ColumnInfo],
    named: list[bool],
    kinds: list[tuple[TaskKind | None, tuple[str, ...]]],
) -> dict[int, str]:
    """Number of a column → why it is a target."""
    by_name = [i for i in usable if named[i]]
    if by_name and len(by_name) < len(usable):
        return dict.fromkeys(by_name, "Named like a target.")
    block = _trailing(usable, [kinds[i][0] in ("binary", "multiclass") for i in usable])
    if 2 <= len(block) < len(usable):
        family = _family(block, infos, digits_only=False)
        if 2 <= len(family) < len(block):
            block = family
        return {i: f"One of {len(block)} columns with few values at the end." for i in block}
    family = _family(usable, infos, digits_only=True)
    others = usable[: len(usable) - len(family)]
    if 2 <= len(family) <= len(others) and len(_family(others, infos, digits_only=True)) >= 2:
        stem = _stem(infos[family[0]].name, True)
        return {i: f"One of {len(family)} columns named {stem}… at the end." for i in family}
    return {}


def _trailing(usable: list[int], low: list[bool]) -> list[int]:
    start = len(usable)
    while start and low[start - 1]:
        start -= 1
    return usable[start:]


def _family(columns: list[int], infos: list[ColumnInfo], *, digits_only: bool) -> list[int]:
    """The columns at the end that share the stem of the last one."""
    if not columns:
        return []
    stem = _stem(infos[columns[-1]].name, digits_only)
    start = len(columns)
    while stem and start and _stem(infos[columns[start - 1]].name, digits_only) == stem:
        start -= 1
    return columns[start:]


def _stem(name: str, digits_only: bool) -> str:
    numbered = re.fullmatch(r"(.*?)[ _\-.:]?\d+", name)
    if numbered:
        return numbered[1]
    return (
        ""
        if digits_only
        else re.split(r"[ _\-.:]", name)[0]
        if re.search(r"[ _\-.:]", name)
        else ""
    )


def _input_reason(info: ColumnInfo) -> str:
    if info.kind == "text" and info.distinct > 2:
        return f"Text with {info.distinct} levels: one input a level."
    if info.kind == "yes/no" or info.distinct == 2:
        return "Two values."
    return "Numbers."


def _kind_reason(kind: TaskKind | None, classes: tuple[str, ...]) -> str:
    if kind == "binary":
        return f"Two values: {_short(classes[0])} and {_short(classes[1])}."
    return f"{len(classes)} classes." if kind == "multiclass" else "Numbers."


def _short(text: str) -> str:
    return text if len(text) <= 20 else text[:19] + "…"
