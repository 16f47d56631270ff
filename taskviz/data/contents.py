"""What a reader or a built-in hands on, and how it becomes a collection under a seeded split."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskviz.data.splits import FRACTIONS, make_split, seed_for_task
from taskviz.values import (
    InputColumn,
    Layout,
    Modality,
    Origin,
    Samples,
    Task,
    TaskCollection,
    TaskvizError,
)

TRAIN, VALID, TEST = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Block:
    """One data set: inputs with the targets measured on them.

    Args:
        inputs: ``(n, …)`` in the form that the modality has in a collection.
        tasks: one a target.
        targets: task name → ``(n,)`` or ``(n, width)``; NaN where missing.
        split: ``(n,)`` the partition that was published with the data: 0 train, 1 valid, 2 test.
            Where it has no validation part, one is drawn from its training part; None: all three
            are drawn.
    """

    inputs: Any
    tasks: tuple[Task, ...]
    targets: Mapping[str, NDArray[np.float64]]
    split: NDArray[np.int8] | None = None


@dataclass(frozen=True, eq=False)
class Contents:
    """Everything read, before a split is drawn.

    Args:
        modality: of the inputs.
        blocks: one of a joint collection; of a separate one, one a task.
        layout: joint or separate.
        feature_names: of a table.
        input_columns: how the columns of a table became inputs.
    """

    modality: Modality
    blocks: tuple[Block, ...]
    layout: Layout = "joint"
    feature_names: tuple[str, ...] = ()
    input_columns: tuple[InputColumn, ...] = ()


def assemble(
    name: str,
    contents: Contents,
    split_seed: int,
    origin: Origin,
    fractions: tuple[float, float, float] = FRACTIONS,
) -> TaskCollection:
    """A collection from what was read.

    Raises:
        TaskvizError: too few rows to split, or parts that do not fit one another.
    """
    samples: list[Samples] = []
    tasks: list[Task] = []
    for block in contents.blocks:
        seed = split_seed
        if contents.layout == "separate":
            # The split of a data set depends on its task alone: leaving others out changes nothing.
            seed = seed_for_task(split_seed, block.tasks[0].name)
        columns = tuple(_column(block.targets[task.name]) for task in block.tasks)
        samples.append(Samples(block.inputs, columns, _split(block, columns, seed, fractions)))
        tasks += block.tasks
    return TaskCollection(
        name,
        tuple(tasks),
        tuple(samples),
        contents.layout,
        contents.modality,
        contents.feature_names,
        origin,
        contents.input_columns,
    )


def one_against_rest(codes: NDArray[Any], classes: tuple[str, ...]) -> Block:
    """One binary task a class; the block has no inputs yet.

    Args:
        codes: ``(n,)`` class of each sample, 0…k−1.
        classes: k names; a task is called like its class.
    """
    tasks = tuple(Task(name, "binary", ("rest", name)) for name in classes)
    targets = {name: (codes == i).astype(np.float64) for i, name in enumerate(classes)}
    return Block(None, tasks, targets)


def class_task(name: str, classes: tuple[str, ...]) -> Task:
    """A binary task of two classes, a multiclass one of more."""
    if len(classes) < 2:
        raise TaskvizError(
            f"Task {name!r} has {len(classes)} class{'' if len(classes) == 1 else 'es'}: "
            "at least 2 are needed."
        )
    return Task(name, "binary" if len(classes) == 2 else "multiclass", classes)


def _column(target: NDArray[Any]) -> NDArray[np.float64]:
    column = np.array(target, dtype=np.float64)
    return column[:, None] if column.ndim == 1 else column


def _split(
    block: Block,
    columns: tuple[NDArray[np.float64], ...],
    seed: int,
    fractions: tuple[float, float, float],
) -> NDArray[np.int8]:
    if block.split is None:
        return make_split(columns, block.tasks, seed, fractions)
    split = np.array(block.split, dtype=np.int8)
    if (split == VALID).any():
        return split
    rows = np.flatnonzero(split == TRAIN)
    train = fractions[0] / (fractions[0] + fractions[1])
    known = [column[rows] for column in columns]
    split[rows] = make_split(known, block.tasks, seed, (train, 1 - train, 0.0))
    return split
