"""A table with a column of SMILES: molecules as graphs (rdkit)."""

from pathlib import Path

import numpy as np

from taskviz.data.problem import row_of
from taskviz.data.propose import propose_targets
from taskviz.data.readers.base import DataSet, Reader, Request, Target, text_option
from taskviz.data.readers.molecule_graphs import molecule_graphs, parse_smiles
from taskviz.data.table import TABLE_SUFFIXES, read_table
from taskviz.values import TaskvizError

NAMES = ("smiles", "canonical_smiles", "smiles_canonical", "mol")
_SHOWN = 20


def smiles_column(names: list[str]) -> str | None:
    """The column that is named like SMILES."""
    return next((name for name in names if name.lower().strip() in NAMES), None)


def recognise(folder: Path) -> dict[str, str] | None:
    """Whether the only table of a folder has a column named like SMILES."""
    tables = sorted(p for p in folder.iterdir() if p.suffix.lower() in TABLE_SUFFIXES)
    if len(tables) != 1 or tables[0].is_symlink():
        return None
    try:
        with tables[0].open(encoding="utf-8-sig", errors="replace") as file:
            head = file.readline(10_000)
    except OSError:
        return None
    if tables[0].suffix.lower() in (".parquet", ".pq"):
        return None
    cells = [
        cell.strip().strip('"') for cell in head.replace(";", ",").replace("\t", ",").split(",")
    ]
    return {"data": tables[0].name} if smiles_column(cells) else None


def read(request: Request) -> DataSet:
    """Graphs of all molecules; a cell that is no SMILES is told with its row."""
    path = request.files["data"]
    table = read_table(path)
    frame = table.frame
    column = text_option(request, "column", "") or smiles_column(list(frame.columns)) or ""
    if column not in frame.columns:
        raise TaskvizError(
            f"{path.name} has no column {column or 'smiles'!r}: name the column of SMILES by the "
            "option column."
        )
    mols, bad = [], []
    for place, cell in enumerate(frame[column]):
        mol = parse_smiles(cell) if isinstance(cell, str) else None
        if mol is None:
            bad.append(place)
        else:
            mols.append(mol)
    for place in bad[:_SHOWN]:
        request.findings.error(
            f"{path.name}, row {row_of(frame, place)}, column {column!r}: "
            f"{str(frame[column].iloc[place])[:60]!r} is no SMILES of a molecule; correct the cell "
            "or drop the row."
        )
    if len(bad) > _SHOWN:
        request.findings.error(f"{len(bad) - _SHOWN:,} more rows of {path.name} are no molecules.")
    if not mols:
        raise TaskvizError(f"{path.name} has no molecule that can be read in column {column!r}.")
    labels = frame.drop(columns=[column]).iloc[np.setdiff1d(np.arange(len(frame)), bad)]
    named = [p for p in propose_targets(labels) if p.kind is not None and p.role != "leave out"]
    # Beside the molecule every column that could be a target is one: there are no other inputs.
    default = tuple(Target(p.name, (p.name,)) for p in named if p.name != request.split_column)
    return DataSet(molecule_graphs(mols), labels, default)


READER = Reader(
    "smiles",
    "graph",
    "a table with a column of SMILES, the other columns being targets",
    {"data": "CSV or Parquet file"},
    {"column": "column of SMILES, where it is not named smiles"},
    recognise,
    read,
)
