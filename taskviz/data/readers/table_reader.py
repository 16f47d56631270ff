"""A table: CSV, Parquet or ARFF."""

from pathlib import Path

from taskviz.data.inputs import encode_inputs
from taskviz.data.problems import find_problems
from taskviz.data.propose import propose_targets, split_columns
from taskviz.data.readers.base import DataSet, Reader, Request, Target
from taskviz.data.table import TABLE_SUFFIXES, read_table
from taskviz.values import TaskvizError


def recognise(folder: Path) -> dict[str, str] | None:
    """Whether exactly one table lies in a folder."""
    tables = sorted(
        p.name for p in folder.iterdir() if p.suffix.lower() in TABLE_SUFFIXES and p.is_file()
    )
    tables = [name for name in tables if not name.lower().startswith(("readme", "licen"))]
    return {"data": tables[0]} if len(tables) == 1 else None


def read(request: Request) -> DataSet:
    """Columns that are asked for as labels, the others as inputs."""
    path = request.files["data"]
    frame = read_table(path).frame
    wanted = list(request.wanted)
    if not wanted:
        wanted = [p.name for p in propose_targets(frame) if p.role == "target"]
    out = request.options.get("leave_out")
    if out is not None and (not isinstance(out, list) or not all(isinstance(v, str) for v in out)):
        raise TaskvizError(f"Option 'leave_out' is {out!r}: a list of columns is needed.")
    kinds = {
        target.columns[0]: target.kind
        for target in request.targets
        if target.kind and len(target.columns) == 1
    }
    labels = [name for name in wanted if name in frame.columns]
    kept = [*labels, request.split_column] if request.split_column in frame.columns else labels
    looked_at = frame.drop(columns=[name for name in kept if name not in labels])
    for problem in find_problems(looked_at, labels, kinds, out):
        # How many targets there are is looked at over the whole collection.
        if not problem.message.startswith("The table has") or "target" not in problem.message:
            request.findings.add(problem.severity, f"{path.name}: {problem.message}")
    inputs, _ = split_columns(frame, kept, out)
    if not inputs:
        raise TaskvizError(f"{path.name} has no input column beside its targets.")
    encoded = encode_inputs(frame, inputs)
    default = tuple(Target(name, (name,), kinds.get(name, "")) for name in labels)
    return DataSet(
        encoded.values,
        frame[kept],
        default,
        feature_names=encoded.features,
        input_columns=encoded.plan,
    )


READER = Reader(
    "table",
    "table",
    "a CSV, Parquet or ARFF file",
    {"data": "the file"},
    {"leave_out": "columns that are neither input nor target"},
    recognise,
    read,
)
