"""QM9 as it is distributed, through torch-geometric's own processing; nothing is downloaded.

All of QM9 takes minutes, so the graphs are kept in the cache as plain arrays.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskviz.data.readers.base import DataSet, Reader, Request, Target, frame_of, whole_option
from taskviz.data.readers.npz_file import load_arrays
from taskviz.values import Graphs, TaskvizError

FILES = ("gdb9.sdf", "gdb9.sdf.csv", "uncharacterized.txt")
PROPERTIES = (
    "mu",
    "alpha",
    "homo",
    "lumo",
    "gap",
    "r2",
    "zpve",
    "U0",
    "U",
    "H",
    "G",
    "Cv",
    "U0_atom",
    "U_atom",
    "H_atom",
    "G_atom",
    "A",
    "B",
    "C",
)
"""torch-geometric's order of targets."""

TARGETS = (
    "mu",
    "alpha",
    "homo",
    "lumo",
    "r2",
    "zpve",
    "U0_atom",
    "U_atom",
    "H_atom",
    "G_atom",
    "Cv",
)
"""The eleven usual in multitask learning: the gap is the difference of lumo and homo."""


def recognise(folder: Path) -> dict[str, str] | None:
    """Whether QM9's raw files lie in a folder or in ``raw/`` of it."""
    for relative in (".", "raw"):
        if (folder / relative / FILES[0]).is_file():
            return {"folder": relative}
    return None


def read(request: Request) -> DataSet:
    """Graphs with hydrogens as nodes, and nineteen properties of which eleven are the default."""
    folder = request.files["folder"]
    for name in FILES:
        if not (folder / name).is_file():
            raise TaskvizError(
                f"{folder.name} lacks {name}: QM9 needs {', '.join(FILES)}; taskviz downloads "
                "nothing."
            )
    parts = {"version": 1, "files": [[name, *_stat(folder / name)] for name in FILES]}
    arrays = request.cache.fetch(
        "qm9",
        parts,
        compute=lambda: _arrays(_process(folder), folder),
        write=lambda found, place: np.savez(place / "graphs.npz", **found),  # type: ignore[arg-type]
        read=lambda place: load_arrays(place / "graphs.npz"),
    )
    values = arrays.pop("values")
    graphs = Graphs(**arrays)
    most = whole_option(request, "molecules", len(graphs), 1, 1_000_000)
    if most < len(graphs):
        graphs, values = graphs[:most], values[:most]
    labels = frame_of({name: values[:, i] for i, name in enumerate(PROPERTIES)})
    return DataSet(graphs, labels, tuple(Target(name, (name,), "regression") for name in TARGETS))


def _stat(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _arrays(molecules: list[Any], folder: Path) -> dict[str, NDArray[Any]]:
    """Packed graphs and ``(n, 19)`` values."""
    if not molecules:
        raise TaskvizError(f"{folder.name} holds no molecule of QM9.")
    graphs = Graphs.from_lists(
        [m.x.numpy() for m in molecules],
        [m.edge_index.numpy() for m in molecules],
        [m.edge_attr.numpy() for m in molecules],
    )
    return {
        "node_features": graphs.node_features.astype(np.float32),
        "edge_index": graphs.edge_index,
        "edge_features": graphs.edge_features.astype(np.float32),
        "node_pointer": graphs.node_pointer,
        "edge_pointer": graphs.edge_pointer,
        "values": np.stack([m.y.numpy().reshape(-1) for m in molecules]).astype(np.float64),
    }


def _process(folder: Path) -> list[Any]:
    """What torch-geometric makes of the raw files; it writes nothing beside them."""
    from rdkit import rdBase
    from torch_geometric.datasets import QM9

    found: list[Any] = []

    class InMemory(QM9):  # type: ignore[misc]
        """QM9 whose files are those of the user, and whose result goes no further."""

        raw_paths = [str(folder / name) for name in FILES]  # noqa: RUF012
        processed_paths = [""]  # noqa: RUF012
        pre_filter = pre_transform = None

        def __init__(self) -> None:
            self.process()

        def save(self, data_list: list[Any], path: str) -> None:
            found.extend(data_list)

    try:
        with rdBase.BlockLogs():
            InMemory()
    except (AttributeError, ValueError, IndexError, KeyError, OSError, RuntimeError) as error:
        text = " ".join(str(error).split())[:120]
        raise TaskvizError(
            f"The raw files of QM9 in {folder.name} do not fit one another ({text}): use "
            f"{', '.join(FILES)} as they are distributed."
        ) from None
    return found


READER = Reader(
    "qm9",
    "graph",
    "QM9, raw: gdb9.sdf, gdb9.sdf.csv, uncharacterized.txt",
    {"folder": "folder of the files"},
    {"molecules": "the first so many are used"},
    recognise,
    read,
)
