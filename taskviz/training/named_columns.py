"""A table's columns matched by name with those of training."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taskviz.data.encode_again import encode_again
from taskviz.values import InputColumn, TaskvizError

if TYPE_CHECKING:
    import pandas as pd


def is_table(inputs: object) -> bool:
    """Whether inputs are a table of columns, such as a pandas or polars ``DataFrame``."""
    return hasattr(inputs, "columns")


def plain_frame(table: Any) -> "pd.DataFrame":
    """As pandas has it, its rows counted from 1 as messages count them."""
    import pandas as pd

    frame: pd.DataFrame = table.to_pandas() if hasattr(table, "to_pandas") else table
    return frame.set_axis(pd.RangeIndex(1, len(frame) + 1), axis=0)


def encode_named(
    frame: "pd.DataFrame", settings: Mapping[str, Any], label: str
) -> tuple[NDArray[np.float64], list[str]]:
    """Rows of a table as the networks of a result take them, and notes on its columns.

    Args:
        frame: its index is what messages call the row.
        settings: of the training result.
        label: what messages call the table.

    Returns:
        ``(n, *shape)`` float64, NaN where missing; and the notes of
        :func:`taskviz.data.encode_again.encode_again`.

    Raises:
        TaskvizError: the result was not trained on a table of named columns, a name that stands
            twice, or as ``encode_again``.
    """
    names = tuple(str(name) for name in settings.get("feature_names", ()))
    if settings.get("layout", "joint") != "joint" or not names:
        what = f"{settings.get('layout', '')} {settings.get('modality', '')}".strip()
        raise TaskvizError(
            f"This result was trained on {what} data without named columns, so a table cannot be "
            "predicted: use predict of taskviz.load_result with inputs as in the collection."
        )
    plan = tuple(InputColumn.from_json(entry) for entry in settings.get("input_columns", ()))
    # Built-in tables are numbers throughout: their features are their columns.
    plan = plan or tuple(InputColumn(name) for name in names)
    twice = [name for name in frame.columns[frame.columns.duplicated()] if name in set(names)]
    if twice:
        raise TaskvizError(f"{label} has two columns {twice[0]!r}: give each name once.")
    inputs, notes = encode_again(frame, plan, label)
    shape = tuple(int(size) for size in settings["input_shape"])
    return inputs.reshape(len(inputs), *shape), notes
