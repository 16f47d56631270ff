"""New rows of a table, encoded as the rows of training were."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taskviz.data.columns import as_numbers, label_of, plain_column
from taskviz.data.inputs import one_hot
from taskviz.values import InputColumn, TaskvizError

if TYPE_CHECKING:
    import pandas as pd


def encode_again(
    frame: "pd.DataFrame", plan: Sequence[InputColumn], label: str
) -> tuple[NDArray[np.float64], list[str]]:
    """Columns by name, in the order of training; what is not known counts as missing, and is told.

    Args:
        frame: as :func:`taskviz.data.table.read_table` gives it; its index is the row in the file.
        plan: the columns of training.
        label: what messages call the table.

    Returns:
        ``(n, p)`` float64, NaN where missing; and sentences about missing cells, unknown levels
        and columns that were not used.

    Raises:
        TaskvizError: columns that are missing (all are named), text in a column of numbers, an
            infinite value.
    """
    missing = [column.name for column in plan if column.name not in frame.columns]
    if missing:
        which = ", ".join(map(repr, missing[:8])) + (", …" if len(missing) > 8 else "")
        lacks = f"column {which}" if len(missing) == 1 else f"{len(missing)} columns: {which}"
        raise TaskvizError(
            f"{label} lacks {lacks}, which the networks were trained on: give every input column "
            "under its name; their order does not matter."
        )
    notes: list[str] = []
    wanted = {column.name for column in plan}
    extra = [str(name) for name in frame.columns if name not in wanted]
    if extra:
        which = ", ".join(map(repr, extra[:8])) + (", …" if len(extra) > 8 else "")
        notes.append(
            f"Column {which} is no input and was not used."
            if len(extra) == 1
            else f"{len(extra)} columns are no input and were not used: {which}."
        )
    blocks = [np.empty((len(frame), 0))]
    for column in plan:
        cells = plain_column(frame[column.name])
        block, note = (_levels if column.levels else _numbers)(cells, column, label)
        blocks.append(block)
        notes += note
    return np.concatenate(blocks, axis=1), notes


def _numbers(
    cells: "pd.Series[Any]", column: InputColumn, label: str
) -> tuple[NDArray[np.float64], list[str]]:
    values, stray = as_numbers(cells)
    for bad, what in ((stray, "text"), (np.isinf(values), "an infinite value")):
        if bad.any():
            place = int(np.flatnonzero(bad)[0])
            raise TaskvizError(
                f"{label}, column {column.name!r}, row {cells.index[place]}: {what} "
                f"({str(cells.iloc[place])[:40]!r}) stands where the networks were trained on "
                "numbers; a finite number or an empty cell is needed."
            )
    absent = int(np.isnan(values).sum())
    return values[:, None], [_absent(column.name, absent)] if absent else []


def _levels(
    cells: "pd.Series[Any]", column: InputColumn, label: str
) -> tuple[NDArray[np.float64], list[str]]:
    code = {level: float(i) for i, level in enumerate(column.levels)}
    known = cells.notna().to_numpy(dtype=bool)
    names = [label_of(cell) if ok else None for cell, ok in zip(cells.tolist(), known, strict=True)]
    codes = np.array([code.get(name, np.nan) if name is not None else np.nan for name in names])
    strange = np.isnan(codes) & known
    notes = []
    if not known.all():
        notes.append(_absent(column.name, int((~known).sum())))
    if strange.any():
        place = int(np.flatnonzero(strange)[0])
        count = int(strange.sum())
        cell = "1 cell holds a level" if count == 1 else f"{count} cells hold levels"
        notes.append(
            f"Column {column.name!r}: {cell} that training did not meet (row "
            f"{cells.index[place]}: {str(names[place])[:40]!r}), taken as missing, which is the "
            "training mean."
        )
    return one_hot(codes.astype(np.float64), len(column.levels)), notes


def _absent(name: str, count: int) -> str:
    cells = "1 cell is" if count == 1 else f"{count} cells are"
    return f"Column {name!r}: {cells} missing, taken as the training mean."
