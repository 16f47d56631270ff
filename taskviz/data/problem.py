"""One thing that is wrong with a table, and where."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from taskviz.data.columns import label_of

if TYPE_CHECKING:
    import pandas as pd

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Problem:
    """One finding.

    Args:
        severity: an error stops the collection from being made; a warning should be looked at.
        message: one sentence: where, what, and what would be right.
        column: its column, or "" where it concerns the whole table.
        row: its row in the file, the header being row 1; None where it concerns all rows.
    """

    severity: Severity
    message: str
    column: str = ""
    row: int | None = None


def row_of(frame: "pd.DataFrame", position: int) -> int:
    """Row in the file of a position in the frame."""
    return int(frame.index[position]) if frame.index.name == "row" else int(position) + 2


def show_cell(value: object) -> str:
    """A cell in a message: quoted and not too long."""
    text = label_of(value)
    return repr(text if len(text) <= 40 else text[:39] + "…")
