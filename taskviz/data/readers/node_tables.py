"""A graph as an edge list, with a table of nodes or a file of communities."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from taskviz.data.inputs import encode_inputs
from taskviz.data.propose import propose_targets, split_columns
from taskviz.data.readers.base import (
    DataSet,
    Reader,
    Request,
    Target,
    frame_of,
    text_option,
    whole_option,
)
from taskviz.data.readers.node_features import structural_features
from taskviz.data.table import read_table
from taskviz.values import GraphNodes, TaskvizError

if TYPE_CHECKING:
    import pandas as pd

_EDGES = re.compile(r"(edges?|edge_?list|links|.*ungraph)\.(csv|tsv|txt)", re.I)
_NODES = re.compile(r"(nodes?|vertices|features)\.(csv|tsv|txt|parquet)", re.I)
_COMMUNITIES = re.compile(r"(communities|.*\.cmty)\.txt", re.I)


def recognise(folder: Path) -> dict[str, str] | None:
    """Whether an edge list lies in a folder beside nodes or communities."""
    found: dict[str, str] = {}
    for role, pattern in (("edges", _EDGES), ("nodes", _NODES), ("communities", _COMMUNITIES)):
        for path in sorted(folder.iterdir()):
            if pattern.fullmatch(path.name) and path.is_file():
                found.setdefault(role, path.name)
    return found if "edges" in found and len(found) > 1 else None


def read(request: Request) -> DataSet:
    """Nodes as samples; features of the table, or of the graph's structure where it has none."""
    edges = read_edges(request.files["edges"])
    labels: pd.DataFrame
    features: NDArray[np.float64] | None = None
    names: tuple[str, ...] = ()
    default: tuple[Target, ...] = ()
    if "nodes" in request.files:
        frame = read_table(request.files["nodes"]).frame
        column = text_option(request, "id", str(frame.columns[0]))
        if column not in frame.columns:
            raise TaskvizError(f"{request.files['nodes'].name} has no column {column!r} of IDs.")
        ids = _ids(frame[column], request.files["nodes"].name)
        rest = frame.drop(columns=[column])
        wanted = request.wanted or tuple(
            p.name for p in propose_targets(rest) if p.role == "target"
        )
        if request.split_column:
            wanted = (*wanted, request.split_column)
        inputs, _ = split_columns(rest, [name for name in wanted if name in rest.columns])
        if inputs:
            features = encode_inputs(rest, inputs).values
            names = tuple(inputs)
        labels = rest
        known = [name for name in wanted if name in rest.columns]
        default = tuple(Target(name, (name,)) for name in known if name != request.split_column)
    else:
        ids = list(dict.fromkeys(edges.ravel().tolist()))
        labels = frame_of({})
    place = {node: i for i, node in enumerate(ids)}
    index = _number(edges, place, request)
    if "communities" in request.files:
        most = whole_option(request, "communities", 10, 2, 500)
        members = _communities(request.files["communities"], place, most, request)
        labels = frame_of({str(c): labels[c] for c in labels.columns} | members)
        default = (*default, *(Target(name, (name,), "binary") for name in members))
    if not default and not request.targets:
        raise TaskvizError(
            f"{request.files['nodes'].name} has no column that looks like a label: name the "
            "targets in [[tasks]]."
        )
    both = np.unique(np.concatenate([index, index[::-1]], axis=1), axis=1)
    if features is None:
        width = whole_option(request, "width", 32, 1, 512)
        features = structural_features(both, len(ids), width)
        request.findings.note(
            "Nodes have no features of their own: degree and a spectral embedding are used."
        )
    return DataSet(GraphNodes(features, both), labels, default, feature_names=names)


def read_edges(path: Path) -> NDArray[np.object_]:
    """``(2, E)`` IDs as text: two to a line between commas, tabs or blanks; # begins a remark.

    Raises:
        TaskvizError: a line without two IDs, with its number.
    """
    source, target = [], []
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                plain = line.strip()
                if not plain or plain[0] in "#%":
                    continue
                cells = [cell.strip().strip('"') for cell in re.split(r"[,;\t ]+", plain)]
                if len(cells) < 2 or not cells[0] or not cells[1]:
                    raise TaskvizError(
                        f"{path.name}, line {number}: {plain[:40]!r} does not name two nodes."
                    )
                source.append(cells[0])
                target.append(cells[1])
    except (OSError, UnicodeDecodeError) as error:
        raise TaskvizError(f"{path.name} cannot be read as a list of edges ({error}).") from None
    if source and source[0].lower() in ("source", "src", "from", "node1", "u"):
        source, target = source[1:], target[1:]
    if not source:
        raise TaskvizError(f"{path.name} has no edge: at least one is needed.")
    return np.array([source, target], dtype=object)


def _ids(column: "pd.Series[str]", label: str) -> list[str]:
    from taskviz.data.columns import label_of

    ids = [label_of(value) for value in column]
    if column.isna().any():
        row = int(column.isna().to_numpy().argmax())
        raise TaskvizError(f"{label}, row {row + 2}: the node has no ID.")
    seen: set[str] = set()
    for i, node in enumerate(ids):
        if node in seen:
            raise TaskvizError(f"{label}, row {i + 2}: the node {node!r} occurs a second time.")
        seen.add(node)
    return ids


def _number(
    edges: NDArray[np.object_], place: dict[str, int], request: Request
) -> NDArray[np.int64]:
    unknown = [node for node in dict.fromkeys(edges.ravel().tolist()) if node not in place]
    for node in unknown[:20]:
        request.findings.error(
            f"{request.files['edges'].name} names the node {node!r}, which is not in "
            f"{request.files['nodes'].name}."
        )
    if unknown:
        raise TaskvizError(f"{len(unknown):,} nodes of the edges are in no row of the nodes.")
    return np.array([[place[node] for node in row] for row in edges], dtype=np.int64)


def _communities(
    path: Path, place: dict[str, int], most: int, request: Request
) -> dict[str, NDArray[np.object_]]:
    """The largest communities; one line each, the IDs of its members."""
    groups: list[tuple[int, list[int]]] = []
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TaskvizError(f"{path.name} cannot be read as text ({error}).") from None
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        members = re.split(r"[,;\t ]+", line.strip())
        unknown = next((node for node in members if node not in place), None)
        if unknown is not None:
            request.findings.error(
                f"{path.name}, line {number}: the node {unknown[:40]!r} is not in the graph."
            )
            continue
        groups.append((number, [place[node] for node in members]))
    groups.sort(key=lambda group: (-len(group[1]), group[0]))
    if len(groups) > most:
        request.findings.note(f"The {most} largest of {len(groups):,} communities are used.")
    found = {}
    for number, own in groups[:most]:
        labels = np.full(len(place), "no", dtype=object)
        labels[own] = "yes"
        found[f"community {number}"] = labels
    return found


READER = Reader(
    "nodes",
    "nodes",
    "an edge list with a table of nodes (ID, features, labels), or with a line a community",
    {
        "edges": "two IDs a line",
        "nodes?": "table: ID, features, labels",
        "communities?": "one line of IDs a community",
    },
    {
        "id": "column of IDs; the first one",
        "communities": "how many of the largest communities are tasks (10)",
        "width": "of the spectral embedding where nodes have no features (32)",
    },
    recognise,
    read,
)
