"""A collection from a table and a choice of targets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from taskviz.data.columns import as_numbers, describe_column, encode_levels, plain_column
from taskviz.data.inputs import encode_inputs
from taskviz.data.problems import find_problems
from taskviz.data.propose import guess_kind, split_columns
from taskviz.data.splits import make_split
from taskviz.values import Origin, Task, TaskCollection, TaskKind, TaskvizError

if TYPE_CHECKING:
    import pandas as pd


def collection_from_table(
    frame: "pd.DataFrame",
    name: str,
    targets: Sequence[str],
    kinds: Mapping[str, str],
    split_seed: int,
    origin: Origin,
    leave_out: Iterable[str] | None = None,
) -> TaskCollection:
    """Encode inputs and targets of a table and split its rows.

    Args:
        frame: as :func:`taskviz.data.table.read_table` gives it.
        name: of the collection.
        targets: target columns, in the order wanted.
        kinds: target → kind; guessed where it is not given.
        split_seed: of the split.
        origin: kept, with the targets filled in.
        leave_out: columns that are neither; see :func:`taskviz.data.propose.split_columns`.

    Raises:
        TaskvizError: the first error of :func:`taskviz.data.problems.find_problems`, with the
            number of others; no input column is left.
    """
    leave_out = None if leave_out is None else tuple(leave_out)
    errors = [p for p in find_problems(frame, targets, kinds, leave_out) if p.severity == "error"]
    if errors:
        others = len(errors) - 1
        more = f" ({others} more error{'' if others == 1 else 's'} found.)" if others else ""
        raise TaskvizError(f"{name}: {errors[0].message}{more}")
    inputs, out = split_columns(frame, targets, leave_out)
    if not inputs:
        why = f" ({next(iter(out.values()))})" if out else ""
        raise TaskvizError(
            f"{name}: no input column is left beside the targets{why}: at least one column of "
            "numbers, or of text with few levels, is needed."
        )
    encoded = encode_inputs(frame, inputs)
    tasks, values = [], {}
    for target in targets:
        task, values[target] = _task(frame[target], target, kinds.get(target))
        tasks.append(task)
    split = make_split([values[task.name] for task in tasks], tasks, split_seed)
    return TaskCollection.from_arrays(
        name,
        encoded.values,
        values,
        tasks,
        split,
        feature_names=encoded.features,
        origin=replace(origin, targets=tuple(targets)),
        input_columns=encoded.plan,
    )


def _task(
    column: "pd.Series[Any]", name: str, kind: str | None
) -> tuple[Task, NDArray[np.float64]]:
    column = plain_column(column)
    kind = kind or guess_kind(column, describe_column(column, name))[0]
    if kind == "regression":
        return Task(name, "regression"), as_numbers(column)[0]
    codes, classes = encode_levels(column)
    return Task(name, cast(TaskKind, kind), classes), codes
