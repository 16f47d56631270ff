"""Losses of networks trained (or estimated) on subsets of the tasks."""

import csv
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from taskviz.values.checks import check_path
from taskviz.values.errors import TaskvizError
from taskviz.values.escaping import spreadsheet_plain, spreadsheet_safe
from taskviz.values.storage import unreadable, write_text
from taskviz.values.task import check_unique

MOST_COLUMNS = 5000


@dataclass(frozen=True, eq=False)
class SubsetTable:
    """One row a network: which tasks it was trained on and the loss of each. Immutable.

    Args:
        tasks: names, in the order of the columns.
        membership: ``(m, T)`` bool.
        losses: ``(m, T)`` float64, lower is better; NaN outside the subset.
        cost: ``(m,)`` inference cost of each network; 1 is a full-size network.
        seeds: ``(m,)`` int64 seed of each network, or None where unknown.
        split: the split the losses were measured on.
        estimated: True where the losses were predicted and not measured.
    """

    tasks: tuple[str, ...]
    membership: NDArray[np.bool_]
    losses: NDArray[np.float64]
    cost: NDArray[np.float64]
    seeds: NDArray[np.int64] | None = None
    split: str = "valid"
    estimated: bool = False

    def __post_init__(self) -> None:
        check_unique(self.tasks, "Subset table")
        m, size = self.membership.shape
        if size != len(self.tasks) or self.losses.shape != (m, size) or self.cost.shape != (m,):
            raise TaskvizError(
                f"Subset table: membership {self.membership.shape}, losses {self.losses.shape} and "
                f"cost {self.cost.shape} do not fit {len(self.tasks)} tasks."
            )
        if self.seeds is not None and self.seeds.shape != (m,):
            raise TaskvizError(f"Subset table: {m} rows need {m} seeds, not {self.seeds.shape}.")
        if not self.membership.any(axis=1).all():
            row = int(np.flatnonzero(~self.membership.any(axis=1))[0])
            raise TaskvizError(f"Subset table, row {row + 1}: the subset is empty.")
        wrong = np.argwhere(np.isfinite(self.losses) & ~self.membership)
        if len(wrong):
            row, column = wrong[0]
            raise TaskvizError(
                f"Subset table, row {row + 1}: task {self.tasks[column]!r} has a loss but is not "
                "in the subset."
            )
        if not (np.isfinite(self.cost) & (self.cost > 0)).all():
            raise TaskvizError("Subset table: every cost must be a positive number.")
        for array in (self.membership, self.losses, self.cost):
            array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.membership)

    def subset(self, row: int) -> tuple[str, ...]:
        """Task names of a row."""
        return tuple(
            t for t, inside in zip(self.tasks, self.membership[row], strict=True) if inside
        )

    def rows_of(self, group: Iterable[str]) -> NDArray[np.int64]:
        """Rows trained on exactly this group."""
        wanted = set(group)
        mask = np.array([task in wanted for task in self.tasks])
        return np.flatnonzero((self.membership == mask).all(axis=1))

    def take(self, rows: NDArray[np.int64]) -> "SubsetTable":
        """Some networks, any of them more than once."""
        return SubsetTable(
            self.tasks,
            self.membership[rows],
            self.losses[rows],
            self.cost[rows],
            None if self.seeds is None else self.seeds[rows],
            self.split,
            self.estimated,
        )

    def save(self, path: Path | str) -> Path:
        """Write a CSV that :meth:`read` reads back."""
        path = check_path(path, "The file")
        if path.suffix != ".csv":
            raise TaskvizError(f"Cannot write a subset table to {path.name!r}: use .csv.")
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        head = ["subset", "cost"] + (["seed"] if self.seeds is not None else [])
        writer.writerow([*head, *map(spreadsheet_safe, self.tasks)])
        for i in range(len(self)):
            lead = [spreadsheet_safe("+".join(self.subset(i))), repr(float(self.cost[i]))]
            lead += [str(int(self.seeds[i]))] if self.seeds is not None else []
            cells = ("" if np.isnan(v) else repr(float(v)) for v in self.losses[i])
            writer.writerow([*lead, *cells])
        return write_text(path, out.getvalue())

    @classmethod
    def read(cls, path: Path | str) -> "SubsetTable":
        """Read a CSV with ``subset``, optional ``cost`` and ``seed``, and one column a task.

        ``subset`` holds task names joined by ``+``, or one letter each.

        Raises:
            TaskvizError: names the row and column of the first cell that does not fit.
        """
        path = check_path(path, "The file")
        try:
            reader = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")))
            rows = list(reader)
        except FileNotFoundError:
            raise TaskvizError(f"There is no file {path}.") from None
        except (UnicodeDecodeError, csv.Error) as error:
            raise TaskvizError(f"{path.name} is not a CSV file in UTF-8 ({error}).") from None
        except OSError as error:
            raise unreadable(path, error) from None
        if not rows or "subset" not in rows[0]:
            raise TaskvizError(
                f"{path.name} has no column 'subset' with rows below it: a subset table has one "
                "row a network, with the columns subset, cost (optional) and one a task."
            )
        head = [spreadsheet_plain(name) for name in reader.fieldnames or ()]
        if len(head) > MOST_COLUMNS:
            raise TaskvizError(
                f"{path.name} has {len(head):,} columns, more than the {MOST_COLUMNS:,} that are "
                "read."
            )
        # A row with too many cells keeps them under None.
        rows = [
            {k if k is None else spreadsheet_plain(k): v for k, v in row.items()} for row in rows
        ]
        twice = [name for name, count in Counter(head).items() if count > 1]
        if twice:
            raise TaskvizError(
                f"{path.name}: the column {twice[0]!r} occurs twice; name each once."
            )
        tasks = tuple(name for name in rows[0] if name and name not in ("subset", "cost", "seed"))
        membership = np.zeros((len(rows), len(tasks)), dtype=bool)
        losses = np.full((len(rows), len(tasks)), np.nan)
        cost = np.ones(len(rows))
        seeds = np.zeros(len(rows), dtype=np.int64) if "seed" in rows[0] else None
        for i, row in enumerate(rows):
            for name in _members(
                spreadsheet_plain(row["subset"] or ""), tasks, f"{path.name}, row {i + 2}"
            ):
                membership[i, tasks.index(name)] = True
            for j, name in enumerate(tasks):
                if membership[i, j] or (row[name] or "").strip():
                    losses[i, j] = _number(row[name], f"{path.name}, row {i + 2}, column {name!r}")
            if "cost" in row:
                cost[i] = _number(row["cost"], f"{path.name}, row {i + 2}, column 'cost'")
            if seeds is not None:
                seeds[i] = int(_number(row["seed"], f"{path.name}, row {i + 2}, column 'seed'"))
        return cls(tasks, membership, losses, cost, seeds)


def _members(text: str, tasks: tuple[str, ...], where: str) -> list[str]:
    names = [text] if text in tasks else [part.strip() for part in text.split("+")]
    if len(names) == 1 and names[0] not in tasks and all(letter in tasks for letter in text):
        names = list(text)
    for name in names:
        if name not in tasks:
            raise TaskvizError(
                f"{where}: the subset {text!r} names {name!r}, which is no column; the tasks are "
                f"{', '.join(tasks)}."
            )
    return names


def _number(text: str | None, where: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise TaskvizError(f"{where}: {text!r} is not a finite number.")
    return value
