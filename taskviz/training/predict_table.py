"""Predictions for the rows of a table whose columns are known by name."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taskviz.training.named_columns import encode_named
from taskviz.training.predict import NoFinitePrediction
from taskviz.values import Task, TaskvizError, TrainingResult
from taskviz.values.escaping import spreadsheet_safe
from taskviz.values.storage import write_text

if TYPE_CHECKING:
    import pandas as pd

    from taskviz.data.table import Table


@dataclass(frozen=True, eq=False)
class TablePredictions:
    """Predictions of a table.

    Args:
        tasks: in the order of the collection.
        rows: ``(n,)`` row numbers in the file, the header being row 1.
        values: task → as :meth:`taskviz.values.TrainingResult.predict` gives it.
        notes: what was taken as missing or not used.
    """

    tasks: tuple[Task, ...]
    rows: NDArray[np.int64]
    values: dict[str, NDArray[np.float64]]
    notes: tuple[str, ...] = ()

    def to_frame(self) -> "pd.DataFrame":
        """One row a sample: ``row``; per task its value or class, and ``p(task=class)``.

        A multilabel task gives its labels of probability above ½, joined by ``+``.
        """
        import pandas as pd

        columns: dict[str, Any] = {"row": self.rows}
        for task in self.tasks:
            found = self.values[task.name]
            columns[task.name] = found if task.kind == "regression" else classes_of(task, found)
            if task.kind == "binary":
                columns[f"p({task.name}={task.classes[1]})"] = found
            elif task.kind != "regression":
                for i, name in enumerate(task.classes):
                    columns[f"p({task.name}={name})"] = found[:, i]
        return pd.DataFrame(columns)

    def to_csv(self) -> str:
        """The same as CSV; numbers in full, and text that no spreadsheet takes for a formula."""
        frame = self.to_frame()
        text = frame.select_dtypes(exclude="number").columns
        frame = frame.assign(**{str(name): frame[name].map(spreadsheet_safe) for name in text})
        frame.columns = frame.columns.map(spreadsheet_safe)
        return str(frame.to_csv(index=False, lineterminator="\n"))

    def save(self, path: Path | str) -> Path:
        """Write the CSV, whole or not at all."""
        return write_text(path, self.to_csv())

    def to_json(self) -> dict[str, Any]:
        """Plain data for JSON."""
        found = {}
        for task in self.tasks:
            values = self.values[task.name]
            entry: dict[str, Any] = {**task.to_json()}
            entry.pop("name")
            if task.kind == "regression":
                entry["prediction"] = values.tolist()
            else:
                entry["prediction"] = classes_of(task, values)
                entry["probability"] = values.tolist()
            found[task.name] = entry
        return {"rows": self.rows.tolist(), "tasks": found, "notes": list(self.notes)}


def predict_table(result: TrainingResult, table: "Table") -> TablePredictions:
    """Predict every row of a table, its columns matched by name.

    Missing cells, and levels that training did not meet, count as the training mean; notes say so.

    Raises:
        TaskvizError: the result was not trained on a table of named columns, a column is missing,
            a cell that is no number where one is needed, or a row that no finite value is
            predicted for.
    """
    inputs, notes = encode_named(table.frame, result.settings, table.label)
    rows = np.asarray(table.frame.index, dtype=np.int64)
    try:
        values = result.predict(inputs)
    except NoFinitePrediction as error:
        raise TaskvizError(error.told(f"{table.label}, row {rows[error.row]}")) from None
    tasks = tuple(Task.from_json(task) for task in result.settings["tasks"])
    served = tuple(task for task in tasks if task.name in values)
    return TablePredictions(served, rows, values, (*table.notes, *notes))


def classes_of(task: Task, probabilities: NDArray[np.float64]) -> list[str]:
    """The class of each row: the most probable, of binary and multilabel tasks by ½."""
    if task.kind == "multiclass":
        return [task.classes[i] for i in probabilities.argmax(axis=1)]
    if task.kind == "binary":
        return [task.classes[int(p > 0.5)] for p in probabilities]
    return [
        "+".join(name for name, p in zip(task.classes, row, strict=True) if p > 0.5)
        for row in probabilities
    ]
