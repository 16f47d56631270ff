"""Collections from data sets of torch and of torch-geometric that a script already holds."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taskviz.data.splits import make_split
from taskviz.values import (
    GraphNodes,
    Graphs,
    Inputs,
    Modality,
    Origin,
    Task,
    TaskCollection,
    TaskvizError,
)

if TYPE_CHECKING:
    from torch.utils.data import Dataset

_AXES: Mapping[int, Modality] = {1: "table", 2: "series", 3: "image"}


def from_torch_dataset(
    name: str,
    dataset: "Dataset[Any]",
    tasks: Sequence[Task],
    *,
    modality: Modality | None = None,
    split: NDArray[np.int8] | None = None,
    split_seed: int = 0,
) -> TaskCollection:
    """A joint collection from a map-style dataset of ``(input, targets)``.

    Args:
        name: of the collection.
        dataset: ``dataset[i]`` gives an input (array or tensor) and its targets: a number, a vector
            with one entry a task, or task name → value; NaN where a label is missing. A target of
            a multilabel task is a vector.
        tasks: in the order of the targets.
        modality: of the inputs; None tells it by their axes (1 table, 2 series, 3 image).
        split: ``(n,)`` 0 train, 1 valid, 2 test; None draws one.
        split_seed: of the split that is drawn.

    Series that differ in length are padded by NaN at their end.

    Raises:
        TaskvizError: no length, an item of another form, inputs that differ in shape.
    """
    try:
        n = len(dataset)  # type: ignore[arg-type]
    except TypeError:
        raise TaskvizError(
            f"The dataset of {name!r} has no length: a map-style dataset is needed."
        ) from None
    inputs: list[NDArray[Any]] = []
    rows: list[list[NDArray[np.float64]]] = []
    for i in range(n):
        item = dataset[i]
        if not isinstance(item, list | tuple) or len(item) != 2:
            raise TaskvizError(f"Item {i + 1} of {name!r} is no pair of an input and its targets.")
        inputs.append(_array(item[0]))
        rows.append(_targets(item[1], tasks, f"item {i + 1} of {name!r}"))
    if not inputs:
        raise TaskvizError(f"The dataset of {name!r} is empty.")
    stacked = _stack(inputs, name)
    found = modality or _AXES.get(stacked.ndim - 1)
    if found is None:
        raise TaskvizError(
            f"Inputs of {name!r} have {stacked.ndim - 1} axes: name the modality they are of."
        )
    return _collection(name, stacked, rows, tasks, found, split, split_seed)


def from_pyg(
    name: str,
    dataset: Any,
    tasks: Sequence[Task],
    *,
    split: NDArray[np.int8] | None = None,
    split_seed: int = 0,
) -> TaskCollection:
    """A joint collection from data of torch-geometric.

    Args:
        name: of the collection.
        dataset: a sequence of ``Data`` with ``x``, ``edge_index``, optional ``edge_attr``, and
            ``y`` with one entry a task (graphs); or one ``Data`` whose ``y`` has a row a node
            (nodes), where ``train_mask``, ``val_mask`` and ``test_mask`` give the split.
        tasks: one a column of ``y``. A single column of class codes under several binary tasks
            becomes one class against the rest each.
        split: ``(n,)`` 0 train, 1 valid, 2 test; None takes the masks or draws one.
        split_seed: of the split that is drawn.

    Raises:
        TaskvizError: parts that are missing or do not fit.
    """
    if hasattr(dataset, "edge_index") and not hasattr(dataset, "root"):
        return _from_nodes(name, dataset, tasks, split, split_seed)
    items = [dataset[i] for i in range(len(dataset))]
    if not items:
        raise TaskvizError(f"The dataset of {name!r} is empty.")
    for i, item in enumerate(items):
        for part in ("x", "edge_index", "y"):
            if getattr(item, part, None) is None:
                raise TaskvizError(f"Graph {i + 1} of {name!r} has no {part!r}.")
    bare = any(getattr(item, "edge_attr", None) is None for item in items)
    graphs = Graphs.from_lists(
        [_array(item.x) for item in items],
        [_array(item.edge_index) for item in items],
        None if bare else [_two_axes(_array(item.edge_attr)) for item in items],
    )
    rows = [
        _targets(_array(item.y).reshape(-1), tasks, f"graph {i + 1} of {name!r}")
        for i, item in enumerate(items)
    ]
    return _collection(name, graphs, rows, tasks, "graph", split, split_seed)


def _from_nodes(
    name: str, graph: Any, tasks: Sequence[Task], split: NDArray[np.int8] | None, split_seed: int
) -> TaskCollection:
    for part in ("x", "y"):
        if getattr(graph, part, None) is None:
            raise TaskvizError(f"The graph of {name!r} has no {part!r}.")
    features, labels = _array(graph.x).astype(np.float64), _two_axes(_array(graph.y))
    if labels.shape[1] == 1 and len(tasks) > 1 and all(task.kind == "binary" for task in tasks):
        codes = labels[:, 0]
        labels = np.stack([codes == i for i in range(len(tasks))], axis=1).astype(np.float64)
    rows = [_targets(row, tasks, f"node {i + 1} of {name!r}") for i, row in enumerate(labels)]
    nodes = np.arange(len(features))
    masks = [getattr(graph, f"{part}_mask", None) for part in ("train", "val", "test")]
    if split is None and all(mask is not None and mask.ndim == 1 for mask in masks):
        parts = np.full(len(nodes), -1, dtype=np.int8)
        for number, mask in enumerate(masks):
            parts[_array(mask).astype(bool)] = number
        nodes = np.flatnonzero(parts >= 0)
        split, rows = parts[nodes], [rows[i] for i in nodes]
    inputs = GraphNodes(features, _array(graph.edge_index).astype(np.int64), nodes)
    return _collection(name, inputs, rows, tasks, "nodes", split, split_seed)


def _collection(
    name: str,
    inputs: Inputs,
    rows: list[list[NDArray[np.float64]]],
    tasks: Sequence[Task],
    modality: Modality,
    split: NDArray[np.int8] | None,
    split_seed: int,
) -> TaskCollection:
    targets = {task.name: np.stack([row[t] for row in rows]) for t, task in enumerate(tasks)}
    for task in tasks:
        _check_codes(task, targets[task.name], name)
    if split is None:
        split = make_split([targets[task.name] for task in tasks], tasks, split_seed)
    origin = Origin(name, split_seed=split_seed)
    return TaskCollection.from_arrays(
        name, inputs, targets, tasks, split, modality=modality, origin=origin
    )


def _targets(given: Any, tasks: Sequence[Task], where: str) -> list[NDArray[np.float64]]:
    """One vector a task."""
    if isinstance(given, Mapping):
        missing = [task.name for task in tasks if task.name not in given]
        if missing:
            raise TaskvizError(f"The targets of {where} lack the task {missing[0]!r}.")
        parts = [_array(given[task.name]).reshape(-1) for task in tasks]
    else:
        flat = _array(given).reshape(-1)
        ends = np.cumsum([task.width for task in tasks])
        if len(flat) != ends[-1]:
            raise TaskvizError(
                f"The targets of {where} have {len(flat)} entries but the tasks need {ends[-1]}."
            )
        parts = np.split(flat, ends[:-1])
    for task, part in zip(tasks, parts, strict=True):
        if len(part) != task.width:
            raise TaskvizError(
                f"The target of task {task.name!r} in {where} has {len(part)} entries; "
                f"{task.width} are needed."
            )
    return [part.astype(np.float64) for part in parts]


def _check_codes(task: Task, values: NDArray[np.float64], name: str) -> None:
    known = values[~np.isnan(values)]
    if task.kind == "regression":
        wrong = np.isinf(known)
    else:
        most = 2 if task.kind == "multilabel" else len(task.classes)
        wrong = ~np.isin(known, np.arange(most))
    if wrong.any():
        raise TaskvizError(
            f"Task {task.name!r} of {name!r} holds {known[wrong][0]:g}: "
            + ("a finite number" if task.kind == "regression" else "the code of one of its classes")
            + " is needed."
        )


def _stack(inputs: list[NDArray[Any]], name: str) -> NDArray[Any]:
    shapes = {array.shape for array in inputs}
    if len(shapes) == 1:
        return np.stack(inputs)
    if all(len(shape) == 2 for shape in shapes) and len({shape[0] for shape in shapes}) == 1:
        longest = max(shape[1] for shape in shapes)
        padded = np.full((len(inputs), inputs[0].shape[0], longest), np.nan, dtype=np.float32)
        for i, array in enumerate(inputs):
            padded[i, :, : array.shape[1]] = array
        return padded
    some = ", ".join(map(str, sorted(shapes)[:3]))
    raise TaskvizError(
        f"Inputs of {name!r} differ in shape ({some}): give all one shape, or put data sets of "
        "their own into a separate collection."
    )


def _array(value: Any) -> NDArray[Any]:
    """A tensor, an array or a number as an array."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TaskvizError(
            f"A {type(value).__name__} is no array of numbers: turn images and texts into arrays "
            "in the dataset (a transform)."
        )
    return array


def _two_axes(array: NDArray[Any]) -> NDArray[Any]:
    return array[:, None] if array.ndim == 1 else array
