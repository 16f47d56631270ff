"""Tables whose text no spreadsheet takes for a formula.

Streamlit's own toolbar downloads a table as CSV, and Ctrl-C copies its cells; both hand on what is
shown. So a name such as ``=cmd()`` is shown as it has to stand in a spreadsheet, with a quote
before its sign.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from taskviz.values.escaping import spreadsheet_safe


def show(
    data: pd.DataFrame | Styler, *, column_config: Mapping[str, Any] | None = None, **how: Any
) -> Any:
    """``st.dataframe``, harmless; style a table only after :func:`harmless`."""
    config = {spreadsheet_safe(name): value for name, value in (column_config or {}).items()}
    shown = harmless(data) if isinstance(data, pd.DataFrame) else data
    return st.dataframe(shown, column_config=config or None, **how)


def harmless(table: pd.DataFrame) -> pd.DataFrame:
    """The same with a quote before every text, heading and label that is like a formula."""
    found = table.rename(columns=_safe, index=_safe)
    for name, column in enumerate(found.dtypes):
        if not pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            cells = found.iloc[:, name]
            safe = cells.map(_safe)
            if not safe.equals(cells):
                found.isetitem(name, safe.to_numpy())
    return found


def _safe(cell: Any) -> Any:
    return spreadsheet_safe(cell) if isinstance(cell, str) else cell
