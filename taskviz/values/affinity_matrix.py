"""How much each task helps each other."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taskviz.values.checks import check_path
from taskviz.values.errors import TaskvizError
from taskviz.values.escaping import spreadsheet_plain, spreadsheet_safe
from taskviz.values.storage import dumps, nullable, read_json, unreadable, write_text
from taskviz.values.task import check_unique

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class AffinityMatrix:
    """Affinity of every ordered pair of tasks. Immutable.

    Args:
        values: ``(T, T)`` float64, ``[source, target]``: how much learning *source* beside
            *target* helps *target*; higher helps more, always. NaN only where ``support`` is 0.
        tasks: names, in the order of the rows.
        method: estimator name.
        options: the estimator's options in full, as plain data.
        seed: the seed it was computed with.
        seconds: wall time of the computation (not of a later read from the cache).
        standard_error: ``(T, T)``, or None where none was measured.
        support: ``(T, T)`` how many units (networks, initial states, steps) each entry rests on,
            or None where the question makes no sense.
        networks_trained: networks that had to be trained.
        collection: name of the collection.
        fingerprint: of the collection.
        notes: sentences a reader must see beside the matrix.
        unit: what one unit of the value means, in words.
        reliability: of a matrix that was measured repeatedly, as plain data; see
            :class:`taskviz.affinity.reliability.Reliability`.
    """

    values: NDArray[np.float64]
    tasks: tuple[str, ...]
    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    seconds: float = 0.0
    standard_error: NDArray[np.float64] | None = None
    support: NDArray[np.int64] | None = None
    networks_trained: int = 0
    collection: str = ""
    fingerprint: str = ""
    notes: tuple[str, ...] = ()
    unit: str = ""
    reliability: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        size = len(self.tasks)
        where = f"Affinity matrix ({self.method})"
        check_unique(self.tasks, where)
        for label, array in self._arrays().items():
            if array.shape != (size, size):
                raise TaskvizError(
                    f"{where}: {label} have shape {array.shape}, but {size} tasks need "
                    f"({size}, {size})."
                )
            array.flags.writeable = False
        bad = ~np.isfinite(self.values)
        if self.support is not None:
            bad &= ~((self.support == 0) & np.isnan(self.values))
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise TaskvizError(
                f"{where}: the entry from {self.tasks[row]!r} to {self.tasks[column]!r} is "
                f"{self.values[row, column]}; a finite number is needed."
            )

    def _arrays(self) -> dict[str, NDArray[Any]]:
        given = {
            "values": self.values,
            "standard errors": self.standard_error,
            "supports": self.support,
        }
        return {label: array for label, array in given.items() if array is not None}

    @property
    def missing(self) -> NDArray[np.bool_]:
        """``(T, T)``: entries that rest on no data."""
        return np.isnan(self.values)

    def symmetric(self) -> NDArray[np.float64]:
        """``(A + Aᵀ)/2``; NaN where both directions are missing, else the one that is known."""
        both = np.stack([self.values, self.values.T])
        known = (~np.isnan(both)).sum(axis=0)
        total = np.where(np.isnan(both), 0.0, both).sum(axis=0)
        return np.asarray(np.where(known > 0, total / np.maximum(known, 1), np.nan))

    def to_frame(self) -> "pd.DataFrame":
        """Rows are sources, columns are targets."""
        import pandas as pd

        names = list(self.tasks)
        frame = pd.DataFrame(self.values.copy(), index=names, columns=names)
        return frame.rename_axis(index="source", columns="target")

    def to_json(self) -> dict[str, Any]:
        """Plain data for JSON; missing entries are null."""
        return {
            "collection": self.collection,
            "fingerprint": self.fingerprint,
            "tasks": list(self.tasks),
            "values": nullable(self.values),
            "method": self.method,
            "options": dict(self.options),
            "seed": self.seed,
            "seconds": self.seconds,
            "networks_trained": self.networks_trained,
            "standard_error": None
            if self.standard_error is None
            else nullable(self.standard_error),
            "support": None if self.support is None else self.support.tolist(),
            "notes": list(self.notes),
            "unit": self.unit,
            "reliability": None if self.reliability is None else dict(self.reliability),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "AffinityMatrix":
        """The inverse of :meth:`to_json`."""
        try:
            error, support = data.get("standard_error"), data.get("support")
            trust = data.get("reliability")
            return cls(
                values=np.array(data["values"], dtype=np.float64),
                tasks=tuple(str(name) for name in data["tasks"]),
                method=str(data["method"]),
                options=dict(data.get("options") or {}),
                seed=data.get("seed"),
                seconds=float(data.get("seconds") or 0.0),
                standard_error=None if error is None else np.array(error, dtype=np.float64),
                support=None if support is None else np.array(support, dtype=np.int64),
                networks_trained=int(data.get("networks_trained") or 0),
                collection=str(data.get("collection") or ""),
                fingerprint=str(data.get("fingerprint") or ""),
                notes=tuple(data.get("notes") or ()),
                unit=str(data.get("unit") or ""),
                reliability=None if trust is None else dict(trust),
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise TaskvizError(
                f"This is not a saved affinity matrix ({type(error).__name__}: {error}): "
                "it needs tasks, values and method."
            ) from None

    def save(self, path: Path | str) -> Path:
        """Write ``.json`` (everything) or ``.csv`` (names and values), atomically."""
        path = check_path(path, "The file")
        if path.suffix == ".json":
            return write_text(path, dumps(self.to_json()))
        if path.suffix == ".csv":
            out = io.StringIO()
            writer = csv.writer(out, lineterminator="\n")
            names = [spreadsheet_safe(name) for name in self.tasks]
            writer.writerow(["source \\ target", *names])
            for name, row in zip(names, self.values, strict=True):
                writer.writerow([name, *("" if np.isnan(v) else repr(float(v)) for v in row)])
            return write_text(path, out.getvalue())
        raise TaskvizError(f"Cannot write a matrix to {path.name!r}: use .csv or .json.")

    @classmethod
    def read(cls, path: Path | str) -> "AffinityMatrix":
        """Read what :meth:`save` wrote, or a square CSV made elsewhere.

        Raises:
            TaskvizError: not square, names that repeat or differ, a cell that is no number.
        """
        path = check_path(path, "The file")
        if path.suffix == ".json":
            return cls.from_json(read_json(path, "affinity matrix"))
        if path.suffix != ".csv":
            raise TaskvizError(f"Cannot read a matrix from {path.name!r}: use .csv or .json.")
        try:
            rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
        except FileNotFoundError:
            raise TaskvizError(f"There is no file {path}.") from None
        except (UnicodeDecodeError, csv.Error) as error:
            raise TaskvizError(f"{path.name} is not a CSV file in UTF-8 ({error}).") from None
        except OSError as error:
            raise unreadable(path, error) from None
        return _from_rows(path, [row for row in rows if row])


def _from_rows(path: Path, rows: list[list[str]]) -> AffinityMatrix:
    if not rows or len(rows) - 1 != len(rows[0]) - 1 or len(rows) < 3:
        columns = max(len(rows[0]) - 1, 0) if rows else 0
        raise TaskvizError(
            f"{path.name} has {max(len(rows) - 1, 0)} rows and {columns} columns of values: a "
            "square matrix with a header row, a name column and at least 2 tasks is needed."
        )
    names = tuple(map(spreadsheet_plain, rows[0][1:]))
    for j, name in enumerate(names):
        if name in names[:j]:
            raise TaskvizError(
                f"{path.name}, row 1: columns {names.index(name) + 2} and {j + 2} are both named "
                f"{name!r}; names must be unique."
            )
    values = np.full((len(names), len(names)), np.nan)
    for i, row in enumerate(rows[1:]):
        if spreadsheet_plain(row[0]) != names[i]:
            raise TaskvizError(
                f"{path.name}, row {i + 2}: the row is named {row[0]!r} but column {i + 2} is "
                f"named {names[i]!r}; rows and columns need the same names in the same order."
            )
        if len(row) != len(names) + 1:
            raise TaskvizError(
                f"{path.name}, row {i + 2} has {len(row) - 1} values: {len(names)} are needed."
            )
        for j, cell in enumerate(row[1:]):
            try:
                values[i, j] = float(cell)
            except ValueError:
                raise TaskvizError(
                    f"{path.name}, row {row[0]!r}, column {names[j]!r}: {cell!r} is not a number."
                ) from None
            if not np.isfinite(values[i, j]):
                raise TaskvizError(
                    f"{path.name}, row {i + 2}, column {j + 2}: the entry from {names[i]!r} to "
                    f"{names[j]!r} is {cell.strip()}; a finite number is needed."
                )
    return AffinityMatrix(values, names, method="imported", options={"file": path.name})
