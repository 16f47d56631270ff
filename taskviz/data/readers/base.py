"""What every reader takes and gives."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taskviz.cache import Cache
from taskviz.data.problem import Problem, Severity
from taskviz.values import TASK_KINDS, InputColumn, Modality, TaskvizError

if TYPE_CHECKING:
    import pandas as pd

MOST_FINDINGS = 500


class Findings:
    """Problems as they are met; a reader notes one and reads on where it can."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, severity: Severity, message: str) -> None:
        """Note a problem; the same one is noted once."""
        problem = Problem(severity, message)
        if problem not in self.problems and len(self.problems) < MOST_FINDINGS:
            self.problems.append(problem)

    def error(self, message: str) -> None:
        """What stops the collection from being made."""
        self.add("error", message)

    def note(self, message: str) -> None:
        """What the reader had to assume."""
        self.add("note", message)

    @property
    def errors(self) -> list[Problem]:
        """The errors alone."""
        return [problem for problem in self.problems if problem.severity == "error"]

    def stop(self, name: str) -> None:
        """Raise the first error, with the number of others, where there is one."""
        if self.errors:
            others = len(self.errors) - 1
            more = f" ({others} more error{'' if others == 1 else 's'} found.)" if others else ""
            raise TaskvizError(f"{name}: {self.errors[0].message}{more}")


@dataclass(frozen=True)
class Target:
    """A task that is asked for.

    Args:
        name: of the task.
        columns: label columns; more than one for ``multilabel``.
        kind: "" where it is to be guessed.
        metric: shown first; "" for the usual one.
    """

    name: str
    columns: tuple[str, ...]
    kind: str = ""
    metric: str = ""


@dataclass(frozen=True, eq=False)
class Request:
    """What is to be read.

    Args:
        files: role → path, each checked to lie in the collection and to be there.
        options: of the format; the reader knows their names.
        targets: what is asked for; empty takes the reader's own choice.
        split_column: a column that says which part a sample belongs to; it is kept as a label.
        findings: where problems go.
        thorough: decode every file now, so that each broken one is found.
        cache: keeps what takes minutes to read.
    """

    files: Mapping[str, Path]
    options: Mapping[str, Any] = field(default_factory=dict)
    targets: tuple[Target, ...] = ()
    split_column: str = ""
    findings: Findings = field(default_factory=Findings)
    thorough: bool = False
    cache: Cache = field(default_factory=Cache)

    @property
    def wanted(self) -> tuple[str, ...]:
        """All label columns that are asked for; empty where the choice is the reader's."""
        return tuple(dict.fromkeys(c for target in self.targets for c in target.columns))


@dataclass(frozen=True, eq=False)
class DataSet:
    """Inputs and everything known about them.

    Args:
        inputs: in the form of the modality.
        labels: one row a sample, one column a label; NaN or None where missing.
        default: tasks where none is asked for.
        class_column: the column whose classes can each be a task against the rest.
        split: published partition, 0 train, 1 valid, 2 test; None where there is none.
        feature_names: of a table.
        input_columns: how the columns of a table became inputs.
    """

    inputs: Any
    labels: "pd.DataFrame"
    default: tuple[Target, ...] = ()
    class_column: str = ""
    split: NDArray[np.int8] | None = None
    feature_names: tuple[str, ...] = ()
    input_columns: tuple[InputColumn, ...] = ()


@dataclass(frozen=True)
class Reader:
    """One layout of files.

    Args:
        name: the ``format`` of a manifest.
        modality: of what it reads.
        title: for people.
        roles: role → what it is, for the ``files`` of a manifest, the chief one first; a role that
            ends in ``?`` may be left out.
        options: name → what it is, for the ``options`` of a manifest.
        recognise: folder → role → path relative to it; None where the layout is another one.
        read: reads it.
    """

    name: str
    modality: Modality
    title: str
    roles: Mapping[str, str]
    options: Mapping[str, str]
    recognise: Callable[[Path], dict[str, str] | None]
    read: Callable[[Request], DataSet]

    @property
    def needed(self) -> tuple[str, ...]:
        """Roles that must be filled."""
        return tuple(role for role in self.roles if not role.endswith("?"))

    @property
    def known(self) -> tuple[str, ...]:
        """All roles."""
        return tuple(role.rstrip("?") for role in self.roles)


def whole_option(request: Request, name: str, default: int, least: int, most: int) -> int:
    """A whole number among the options.

    Raises:
        TaskvizError: it is something else or out of range.
    """
    value = request.options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise TaskvizError(
            f"Option {name!r} is {value!r}: a whole number from {least} to {most} is needed."
        )
    return value


def text_option(request: Request, name: str, default: str) -> str:
    """A text among the options."""
    value = request.options.get(name, default)
    if not isinstance(value, str):
        raise TaskvizError(f"Option {name!r} is {value!r}: a text is needed.")
    return value


def check_kind(kind: str, where: str) -> str | None:
    """What is wrong with the kind of a task; None where nothing is."""
    if kind and kind not in TASK_KINDS:
        return f"{where} has the unknown kind {kind!r}: choose one of {', '.join(TASK_KINDS)}."
    return None


def frame_of(columns: Mapping[str, Any]) -> "pd.DataFrame":
    """Label columns as a frame; text columns hold plain text and None."""
    import pandas as pd

    return pd.DataFrame(dict(columns))
