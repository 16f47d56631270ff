"""A collection of tasks with its data and splits."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from taskviz.values.checks import check_names
from taskviz.values.errors import TaskvizError, unknown_choice
from taskviz.values.input_column import InputColumn
from taskviz.values.inputs import Inputs, InputSource, content
from taskviz.values.task import Task, check_unique

Layout = Literal["joint", "separate"]
Modality = Literal["table", "image", "series", "graph", "nodes"]
Split = Literal["train", "valid", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)


@dataclass(frozen=True, eq=False)
class Samples:
    """Inputs with the targets measured on them.

    Args:
        inputs: an array ``(n, *shape)``, or an :class:`~taskviz.values.inputs.InputSource`. By
            modality: table ``(n, features)``, NaN where missing; image ``(n, channels, height,
            width)``; series ``(n, channels, length)``, NaN inside where missing, trailing steps
            that are NaN in every channel for padding; graph :class:`~taskviz.values.Graphs`; nodes
            :class:`~taskviz.values.GraphNodes`.
        targets: one array a task, ``(n, task.width)`` float64: the value, or the class code;
            NaN marks a missing label.
        split: ``(n,)`` int8, an index into :data:`SPLITS`.
    """

    inputs: Inputs
    targets: tuple[NDArray[np.float64], ...]
    split: NDArray[np.int8]

    sent_once: ClassVar[bool] = True
    """A cluster gets each once, however many units work on it."""

    def __post_init__(self) -> None:
        n = len(self.inputs)
        lengths = [len(target) for target in self.targets] + [len(self.split)]
        for length in lengths:
            if length != n:
                raise TaskvizError(
                    f"Inputs have {n} rows but targets or split have {length}: "
                    "they must have the same number of rows."
                )
        for array in (self.inputs, *self.targets, self.split):
            if not isinstance(array, InputSource):
                array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.inputs)

    def indices(self, split: Split) -> NDArray[np.int64]:
        """Rows of a split, ascending."""
        return np.flatnonzero(self.split == SPLITS.index(split))


@dataclass(frozen=True)
class Origin:
    """Where a collection came from, for people and for the command that repeats a result.

    Args:
        reference: what :func:`taskviz.load_collection` was given.
        description: one line.
        licence: of the data, as far as it is known.
        targets: the target columns chosen by the user, for a table of their own.
        split_seed: of the split into train, valid and test.
        kinds: column and kind of task, where the user corrected the guess.
        leave_out: columns that are neither input nor target; None: those proposed.
    """

    reference: str
    description: str = ""
    licence: str = ""
    targets: tuple[str, ...] = ()
    split_seed: int = 0
    kinds: tuple[tuple[str, str], ...] = ()
    leave_out: tuple[str, ...] | None = None


@dataclass(frozen=True, eq=False)
class TaskCollection:
    """Tasks with their data; the start of every computation. Immutable.

    ``layout="joint"``: one :class:`Samples` with a target an every task (multi-task learning).
    ``layout="separate"``: one :class:`Samples` a task, each with one target (several data sets;
    the meta-learning setting of the SCA paper).

    Raises:
        TaskvizError: shapes that do not fit, repeated names, an unknown layout or modality.
    """

    name: str
    tasks: tuple[Task, ...]
    samples: tuple[Samples, ...]
    layout: Layout = "joint"
    modality: Modality = "table"
    feature_names: tuple[str, ...] = ()
    origin: Origin = field(default_factory=lambda: Origin(""))
    input_columns: tuple[InputColumn, ...] = ()
    """Of a table: the columns that the features come from, so that new rows can be encoded."""

    def __post_init__(self) -> None:
        if self.layout not in get_args(Layout):
            raise unknown_choice("layout", self.layout, get_args(Layout))
        if self.modality not in get_args(Modality):
            raise unknown_choice("modality", self.modality, get_args(Modality))
        check_unique(self.names, f"Collection {self.name!r}")
        blocks = [(self.samples[0], self.tasks)] if self.layout == "joint" else []
        if self.layout == "separate":
            blocks = [(s, (t,)) for s, t in zip(self.samples, self.tasks, strict=True)]
        elif len(self.samples) != 1:
            raise TaskvizError(
                f"Collection {self.name!r} is joint but has {len(self.samples)} sample blocks: "
                "a joint collection has one."
            )
        for samples, tasks in blocks:
            if len(samples.targets) != len(tasks):
                raise TaskvizError(
                    f"Collection {self.name!r} has {len(tasks)} tasks but "
                    f"{len(samples.targets)} targets: one target a task is needed."
                )
            for task, target in zip(tasks, samples.targets, strict=True):
                if target.ndim != 2 or target.shape[1] != task.width:
                    raise TaskvizError(
                        f"Target of task {task.name!r} has shape {target.shape}: "
                        f"(n, {task.width}) is needed."
                    )

    @property
    def names(self) -> tuple[str, ...]:
        """Task names in order."""
        return tuple(task.name for task in self.tasks)

    @property
    def n(self) -> int:
        """Number of samples: of the joint inputs, or summed over the data sets."""
        return sum(len(s) for s in self.samples)

    def index(self, task: str) -> int:
        """Position of a task; :class:`TaskvizError` where there is none of that name."""
        if task not in self.names:
            raise unknown_choice("task", task, self.names, f"collection {self.name!r}")
        return self.names.index(task)

    def samples_of(self, task: int) -> Samples:
        """The sample block that holds task number ``task``."""
        return self.samples[0 if self.layout == "joint" else task]

    def target_of(self, task: int) -> NDArray[np.float64]:
        """``(n, width)`` target of task number ``task``; NaN where missing."""
        return self.samples_of(task).targets[task if self.layout == "joint" else 0]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of data, tasks, names of features and splits; part of every cache key."""
        # Names of columns too: what is trained is served by them.
        named = (self.layout, self.modality, self.tasks, self.feature_names, self.input_columns)
        digest = hashlib.sha256(repr(named).encode())
        for block in self.samples:
            for array in (block.inputs, *block.targets, block.split):
                digest.update(repr((array.shape, array.dtype.str)).encode())
                digest.update(content(array))
        return digest.hexdigest()

    def select(self, tasks: Iterable[str] | int) -> "TaskCollection":
        """The same data with some tasks only, in the order given; a number takes the first ones."""
        names = (
            self.names[:tasks] if isinstance(tasks, int) else check_names(tasks, "The selection")
        )
        if isinstance(tasks, int) and not 1 <= tasks <= len(self.tasks):
            raise TaskvizError(
                f"Cannot take the first {tasks} tasks of {self.name!r}: it has {len(self.tasks)}."
            )
        if not names:
            raise TaskvizError("No task is selected: choose at least one.")
        picked = [self.index(name) for name in names]
        samples: tuple[Samples, ...]
        if self.layout == "joint":
            block = self.samples[0]
            samples = (replace(block, targets=tuple(block.targets[i] for i in picked)),)
        else:
            samples = tuple(self.samples[i] for i in picked)
        return replace(self, tasks=tuple(self.tasks[i] for i in picked), samples=samples)

    def with_splits(self, splits: Sequence[NDArray[np.int8]]) -> "TaskCollection":
        """The same data under other splits, one array a sample block."""
        blocks = zip(self.samples, splits, strict=True)
        return replace(self, samples=tuple(replace(s, split=split) for s, split in blocks))

    @classmethod
    def from_arrays(
        cls,
        name: str,
        inputs: Inputs,
        targets: Mapping[str, NDArray[Any]],
        tasks: Sequence[Task],
        split: NDArray[np.int8],
        *,
        modality: Modality = "table",
        feature_names: Sequence[str] = (),
        origin: Origin | None = None,
        input_columns: Sequence[InputColumn] = (),
    ) -> "TaskCollection":
        """A joint collection from arrays.

        Args:
            inputs: as in :class:`Samples`; a writeable array is copied.
            targets: task name → ``(n,)`` or ``(n, width)``; NaN where missing.
            tasks: one a target, in the order wanted.
            split: ``(n,)``, 0 train, 1 valid, 2 test.
        """
        columns = []
        for task in tasks:
            if task.name not in targets:
                raise unknown_choice("target", task.name, targets)
            columns.append(_column(targets[task.name]))
        samples = Samples(_own(inputs), tuple(columns), np.asarray(split, dtype=np.int8).copy())
        return cls(
            name,
            tuple(tasks),
            (samples,),
            "joint",
            modality,
            tuple(feature_names),
            origin or Origin(name),
            tuple(input_columns),
        )

    @classmethod
    def from_data_sets(
        cls,
        name: str,
        data_sets: Sequence[tuple[Task, Inputs, NDArray[Any], NDArray[np.int8]]],
        *,
        modality: Modality = "table",
        feature_names: Sequence[str] = (),
        origin: Origin | None = None,
    ) -> "TaskCollection":
        """A separate collection: each task with a data set of its own.

        Args:
            data_sets: task, inputs as in :class:`Samples`, target ``(n,)`` or ``(n, width)`` with
                NaN where missing, split ``(n,)`` of 0 train, 1 valid, 2 test; one a task. The
                inputs of two tasks may differ in shape.
        """
        blocks = [
            Samples(_own(inputs), (_column(target),), np.asarray(split, dtype=np.int8).copy())
            for _, inputs, target, split in data_sets
        ]
        return cls(
            name,
            tuple(task for task, *_ in data_sets),
            tuple(blocks),
            "separate",
            modality,
            tuple(feature_names),
            origin or Origin(name),
        )

    @classmethod
    def from_torch_dataset(
        cls, name: str, dataset: Any, tasks: Sequence[Task], **options: Any
    ) -> "TaskCollection":
        """A joint collection from a map-style torch dataset.

        See :func:`taskviz.data.from_torch.from_torch_dataset`.
        """
        made: TaskCollection = _reader("from_torch_dataset")(name, dataset, tasks, **options)
        return made

    @classmethod
    def from_pyg(
        cls, name: str, dataset: Any, tasks: Sequence[Task], **options: Any
    ) -> "TaskCollection":
        """A joint collection from graphs, or the nodes of one graph, of torch-geometric.

        See :func:`taskviz.data.from_torch.from_pyg`.
        """
        made: TaskCollection = _reader("from_pyg")(name, dataset, tasks, **options)
        return made


def _reader(name: str) -> Any:
    # The readers stand in a room above this one, so they are looked up when they are asked for.
    return getattr(import_module("taskviz.data.from_torch"), name)


def _column(target: NDArray[Any]) -> NDArray[np.float64]:
    column = np.asarray(target, dtype=np.float64)
    return (column[:, None] if column.ndim == 1 else column).copy()


def _own(inputs: Inputs) -> Inputs:
    """A copy, unless nobody can write to it: a large array need not be there twice."""
    if isinstance(inputs, InputSource):
        return inputs
    array = np.asarray(inputs)
    return array if not array.flags.writeable else array.copy()
