"""Arrays of any modality in a NumPy .npz file; never a pickled object."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskviz.data.archive import DAMAGED
from taskviz.data.readers.base import DataSet, Reader, Request, Target, frame_of, text_option
from taskviz.values import GraphNodes, Graphs, Modality, TaskvizError

INPUTS = ("inputs", "x", "X", "images", "series", "data")
GRAPHS = ("node_features", "edge_index", "edge_features", "node_pointer", "edge_pointer")
NODES = ("features", "edge_index")
SPLIT = "split"
MOST_BYTES = 8_000_000_000
"""Of all arrays together once they are unpacked."""


def recognise(folder: Path) -> dict[str, str] | None:
    """Whether a single .npz file lies in a folder."""
    found = sorted(p.name for p in folder.glob("*.npz"))
    return {"data": found[0]} if len(found) == 1 else None


def read(request: Request) -> DataSet:
    """Inputs by the names of the arrays; every other array with a row a sample is a label."""
    path = request.files["data"]
    arrays = load_arrays(path)
    wanted = text_option(request, "modality", "")
    taken, inputs = _inputs(arrays, wanted, path.name, request)
    n = len(inputs)
    split = _split(arrays.pop(SPLIT), n, path.name) if SPLIT in arrays else None
    columns: dict[str, NDArray[Any]] = {}
    groups: list[Target] = []
    for name, array in arrays.items():
        if name in taken:
            continue
        if array.ndim not in (1, 2) or len(array) != n:
            request.findings.error(
                f"{path.name}: array {name!r} has shape {array.shape} but there are {n:,} samples; "
                "a label has one row a sample."
            )
            continue
        if array.dtype.kind not in "biufUS":
            request.findings.error(
                f"{path.name}: array {name!r} is of type {array.dtype}; numbers or text are needed."
            )
            continue
        if array.ndim == 1:
            columns[name] = _plain(array)
            groups.append(Target(name, (name,)))
        else:
            named = tuple(f"{name} {i + 1}" for i in range(array.shape[1]))
            columns |= dict(zip(named, map(_plain, array.T), strict=True))
            groups += [Target(column, (column,)) for column in named]
    if not columns:
        raise TaskvizError(
            f"{path.name} holds no label beside {', '.join(taken)}: add an array with one row a "
            "sample a task."
        )
    return DataSet(inputs, frame_of(columns), tuple(groups), split=split)


def modality_of(inputs: Any) -> Modality:
    """What the form of some inputs says."""
    if isinstance(inputs, Graphs):
        return "graph"
    if isinstance(inputs, GraphNodes):
        return "nodes"
    return {2: "table", 3: "series", 4: "image"}.get(inputs.ndim, "table")  # type: ignore[return-value]


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of an .npz file.

    Raises:
        TaskvizError: no .npz, damaged, an object array, or too large once unpacked.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            # What the archive says of itself; reading stops there whatever it holds.
            size = sum(member.file_size for member in archive.infolist())
        if size > MOST_BYTES:
            raise TaskvizError(
                f"{path.name} holds {size:,} bytes once unpacked, more than the {MOST_BYTES:,} "
                "that are read."
            )
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except ValueError as error:
        if "pickle" in str(error).lower() or "object" in str(error).lower():
            raise TaskvizError(
                f"{path.name} holds pickled objects, which could run code: store plain arrays of "
                "numbers or text."
            ) from None
        raise TaskvizError(f"{path.name} cannot be read as .npz ({error}).") from None
    except (OSError, KeyError, MemoryError, SyntaxError, TypeError, *DAMAGED) as e:
        raise TaskvizError(
            f"{path.name} cannot be read as .npz ({str(e)[:120] or type(e).__name__}): write it "
            "with numpy.savez."
        ) from None


def _inputs(
    arrays: dict[str, NDArray[Any]], wanted: str, label: str, request: Request
) -> tuple[tuple[str, ...], Any]:
    if "node_pointer" in arrays or wanted == "graph":
        missing = [name for name in GRAPHS if name not in arrays and name != "edge_features"]
        if missing:
            raise TaskvizError(
                f"{label} lacks the array {missing[0]!r}: graphs need {', '.join(GRAPHS)}."
            )
        edges = _whole(arrays["edge_index"], "edge_index", label)
        features = arrays.get("edge_features", np.zeros((edges.shape[-1], 0), dtype=np.float32))
        return GRAPHS, Graphs(
            _finite(arrays["node_features"], "node_features", label),
            edges,
            _finite(features, "edge_features", label),
            _whole(arrays["node_pointer"], "node_pointer", label),
            _whole(arrays["edge_pointer"], "edge_pointer", label),
        )
    if "edge_index" in arrays or wanted == "nodes":
        for name in NODES:
            if name not in arrays:
                raise TaskvizError(
                    f"{label} lacks the array {name!r}: nodes need features and edge_index."
                )
        features = _finite(arrays["features"], "features", label)
        return NODES, GraphNodes(features, _whole(arrays["edge_index"], "edge_index", label))
    name = next((name for name in INPUTS if name in arrays), "")
    if not name:
        raise TaskvizError(
            f"{label} has the arrays {', '.join(list(arrays)[:8])} and none of them is called "
            f"{', '.join(INPUTS[:-1])} or {INPUTS[-1]}: name the inputs so."
        )
    array = arrays[name]
    if array.dtype.kind not in "biuf" or array.ndim not in (2, 3, 4) or not len(array):
        raise TaskvizError(
            f"{label}: {name!r} has shape {array.shape} of {array.dtype}; numbers of shape "
            "(n, features), (n, channels, length) or (n, channels, height, width) are needed."
        )
    if wanted == "image" and array.ndim == 3:
        array = array[:, None]
    last = array.ndim == 4 and array.shape[3] in (1, 3) and array.shape[1] not in (1, 3)
    if wanted in ("", "image") and last:
        array = np.ascontiguousarray(array.transpose(0, 3, 1, 2))
        request.findings.note(f"{label}: the last axis of {name!r} is taken for the channels.")
    if array.ndim == 2:
        return (name,), array.astype(np.float64)
    if array.dtype == np.uint8:
        return (name,), array
    if wanted == "image" or (array.ndim == 4 and wanted != "series"):
        array = _finite(array, name, label)
    return (name,), array.astype(np.float32)


def _finite(array: NDArray[Any], name: str, label: str) -> NDArray[Any]:
    if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
        raise TaskvizError(f"{label}: {name!r} holds values that are not finite numbers.")
    return array.astype(np.float32) if array.dtype.kind != "f" else array


def _whole(array: NDArray[Any], name: str, label: str) -> NDArray[np.int64]:
    if array.dtype.kind not in "iu":
        raise TaskvizError(f"{label}: {name!r} is of type {array.dtype}; whole numbers are needed.")
    return array.astype(np.int64)


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind in "US":
        return array.astype(str).astype(object)
    return array


def _split(array: NDArray[Any], n: int, label: str) -> NDArray[np.int8]:
    words = {"train": 0, "valid": 1, "test": 2, "0": 0, "1": 1, "2": 2}
    found = [words.get(str(value)) for value in array.ravel()]
    if len(found) != n or None in found:
        raise TaskvizError(
            f"{label}: {SPLIT!r} needs one of 0 (train), 1 (valid), 2 (test) for each of the "
            f"{n:,} samples."
        )
    return np.array(found, dtype=np.int8)


READER = Reader(
    "npz",
    "table",
    "arrays in a .npz file: inputs (or node_features, edge_index, …) and one array a label",
    {"data": ".npz file"},
    {"modality": "table, image, series, graph or nodes, where the shape does not say"},
    recognise,
    read,
)
