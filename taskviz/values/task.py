"""One task: a named target with a kind."""

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from taskviz.values.errors import TaskvizError, unknown_choice

TaskKind = Literal["regression", "binary", "multiclass", "multilabel"]
TASK_KINDS: tuple[str, ...] = get_args(TaskKind)
_OF_CLASSES = ("error", "balanced_accuracy", "auroc")
SHOWN_METRICS = {
    "regression": ("mae", "rmse", "r2"),
    "binary": _OF_CLASSES,
    "multiclass": _OF_CLASSES,
    "multilabel": _OF_CLASSES,
}
"""Task kind → metrics that can be shown first."""


@dataclass(frozen=True, slots=True)
class Task:
    """A prediction target.

    Args:
        name: unique within its collection.
        kind: decides loss and metrics.
        classes: class labels in the order of their integer codes; empty for regression. For
            ``multilabel``, the names of the binary columns.
        metric: the metric that is shown first; "" for the usual one of the kind.
    """

    name: str
    kind: TaskKind
    classes: tuple[str, ...] = ()
    # What is shown first changes nothing in the data: it stays out of equality and of fingerprints.
    metric: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.name:
            raise TaskvizError("A task has an empty name: give every task a name of its own.")
        if self.kind not in TASK_KINDS:
            raise unknown_choice("kind", self.kind, TASK_KINDS, f"task {self.name!r}")
        if self.kind == "binary" and len(self.classes) != 2:
            raise TaskvizError(
                f"Binary task {self.name!r} has {len(self.classes)} classes: it needs exactly 2."
            )
        if self.kind == "multiclass" and len(self.classes) < 3:
            raise TaskvizError(
                f"Multiclass task {self.name!r} has {len(self.classes)} classes: it needs 3."
            )
        if self.metric and self.metric not in SHOWN_METRICS[self.kind]:
            raise unknown_choice(
                "metric", self.metric, SHOWN_METRICS[self.kind], f"task {self.name!r}"
            )
        if self.kind == "multilabel" and not self.classes:
            raise TaskvizError(
                f"Multilabel task {self.name!r} names no columns: list them as its classes."
            )

    @property
    def width(self) -> int:
        """Columns of the stored target: 1, or the number of labels for ``multilabel``."""
        return len(self.classes) if self.kind == "multilabel" else 1

    @property
    def outputs(self) -> int:
        """Columns of the head: 1 for regression and binary, else the number of classes."""
        return 1 if self.kind in ("regression", "binary") else len(self.classes)

    def to_json(self) -> dict[str, Any]:
        """Plain data for JSON."""
        plain = {"name": self.name, "kind": self.kind, "classes": list(self.classes)}
        return plain | {"metric": self.metric} if self.metric else plain

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Task":
        """The inverse of :meth:`to_json`."""
        return cls(
            data["name"], data["kind"], tuple(data.get("classes", ())), data.get("metric", "")
        )


def check_unique(names: tuple[str, ...], where: str) -> None:
    """Raise unless every name occurs once."""
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise TaskvizError(
            f"{where}: the task name {repeated[0]!r} occurs more than once; names must be unique."
        )
