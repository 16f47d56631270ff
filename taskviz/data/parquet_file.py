"""Parquet files: flat columns of numbers, truth values, text and dates."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from taskviz.data.columns import parse_text_column
from taskviz.data.raw import Limits, RawTable, clean_names, megabytes
from taskviz.values import TaskvizError

if TYPE_CHECKING:
    import pandas as pd

MAGIC = b"PAR1"
_INDEX = re.compile(r"__index_level_\d+__")
_EXPANSION = 10  # times the size limit that the decoded columns may take


def read_parquet(path: Path, label: str, limits: Limits) -> RawTable:
    """Read a Parquet file whole, or say in one sentence why it is none.

    Raises:
        TaskvizError: not Parquet, damaged, too large, no rows, no usable column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    limits.check_size(path.stat().st_size, label)
    with path.open("rb") as file:
        if file.read(4) != MAGIC:
            raise TaskvizError(
                f"{label} is not a Parquet file (it does not begin with PAR1): "
                "save the table as Parquet or CSV."
            )
    try:
        with pq.ParquetFile(path) as file:
            metadata = file.metadata
            limits.check_shape(len(file.schema_arrow.names), metadata.num_rows, label)
            decoded = sum(
                metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups)
            )
            if decoded > _EXPANSION * limits.size:
                raise TaskvizError(
                    f"{label} takes {megabytes(decoded)} once decoded, more than the "
                    f"{megabytes(_EXPANSION * limits.size)} that are read: leave out columns."
                )
            return _convert(file.read(use_threads=False), label)
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise TaskvizError(
            f"{label} cannot be read as Parquet ({reason}): write the file again."
        ) from None


def _convert(table: Any, label: str) -> RawTable:
    if table.num_rows == 0:
        raise TaskvizError(f"{label} has no data rows: at least one is needed.")
    names, columns, notes = [], [], []
    for name, cells in zip(table.schema.names, table.columns, strict=True):
        if _INDEX.fullmatch(name):
            notes.append(f"Column {name!r} is the index that pandas stored and is left out.")
            continue
        column = _column(cells)
        if column is None:
            notes.append(
                f"Column {name!r} holds {cells.type}, neither numbers nor text, and is left out."
            )
            continue
        names.append(name)
        columns.append(column)
    if not columns:
        raise TaskvizError(f"{label} has no column of numbers or text: at least one is needed.")
    clean, named = clean_names(names, label)
    rows = np.arange(2, table.num_rows + 2)
    return RawTable(clean, tuple(columns), rows, tuple(notes + named))


def _column(cells: Any) -> "pd.Series[Any] | None":
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = cells.type
    if pa.types.is_dictionary(kind):
        return _column(pc.cast(cells, kind.value_type))
    if pa.types.is_null(kind):
        return pd.Series(np.full(len(cells), np.nan))
    if pa.types.is_boolean(kind):
        return pd.Series(cells.to_pandas()) if not cells.null_count else _floats(cells)
    if pa.types.is_integer(kind) and not cells.null_count:
        wide = pa.uint64() if pa.types.is_uint64(kind) else pa.int64()
        return pd.Series(np.asarray(pc.cast(cells, wide).to_numpy()))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _floats(cells)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind) or pa.types.is_time(kind):
        return _text(pc.cast(cells, pa.string()))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return parse_text_column(pc.cast(cells, pa.string()))[0]
    return None


def _text(cells: Any) -> "pd.Series[Any]":
    import pandas as pd

    text: pd.Series[Any] = pd.Series(pd.array(cells, dtype="str"))
    return text


def _floats(cells: Any) -> "pd.Series[Any]":
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = pc.cast(cells, pa.float64(), safe=False)
    return pd.Series(np.asarray(numbers.to_numpy(zero_copy_only=False), dtype=np.float64))
