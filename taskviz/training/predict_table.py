"""Predictions for the rows of a table whose columns are known by name."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taskviz.data.encode_again import encode_again
from taskviz.values import InputColumn, Task, TaskvizError, TrainingResult
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
            or a cell that is no number where one is needed.
    """
    settings = result.settings
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
    inputs, notes = encode_again(table.frame, plan, table.label)
    shape = tuple(int(size) for size in settings["input_shape"])
    values = result.predict(inputs.reshape(len(inputs), *shape))
    tasks = tuple(Task.from_json(task) for task in settings["tasks"])
    served = tuple(task for task in tasks if task.name in values)
    rows = np.asarray(table.frame.index, dtype=np.int64)
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
