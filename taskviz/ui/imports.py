"""A matrix or a subset table made elsewhere, stored under its hash and found again by the URL."""

import csv
import hashlib
import io
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from taskviz.cache import Cache
from taskviz.ui import store
from taskviz.ui.labels import IMPORTED
from taskviz.ui.text import safe
from taskviz.values import AffinityMatrix, SubsetTable, TaskvizError

KIND = "imported"
MOST_TASKS = 500
"""A board of more cards than this helps nobody and slows every page."""


def read_scores(path: Path) -> AffinityMatrix | SubsetTable:
    """A subset table where a CSV has the column ``subset``, else an affinity matrix.

    Raises:
        TaskvizError: one sentence with file, row and column.
    """
    if path.suffix.lower() == ".csv" and _has_subset_column(path):
        found: AffinityMatrix | SubsetTable = SubsetTable.read(path)
    else:
        found = AffinityMatrix.read(path)
    if not 2 <= len(found.tasks) <= MOST_TASKS:
        raise TaskvizError(
            f"{path.name} has {len(found.tasks)} tasks: 2 to {MOST_TASKS} are needed."
        )
    return found


def import_scores(data: bytes, name: str, cache: Cache) -> str:
    """Check an uploaded file and store it; its key for the URL.

    Raises:
        TaskvizError: the file is no matrix and no table; nothing is stored then.
    """
    # The name given by the browser is a label, never a path.
    plain = Path(name.replace("\\", "/")).name or "scores.csv"
    suffix = ".json" if plain.lower().endswith(".json") else ".csv"
    label = f"{Path(plain).stem[:80]}{suffix}"
    with TemporaryDirectory() as folder:
        path = Path(folder) / label
        path.write_bytes(data)
        found = read_scores(path)
    key = hashlib.sha256(label.encode() + b"\0" + data).hexdigest()
    if cache.find(KIND, key) is None:
        what = "subset table" if isinstance(found, SubsetTable) else "affinity matrix"
        cache.put(
            KIND,
            key,
            lambda target: (target / f"scores{suffix}").write_bytes(data),
            {"name": label, "tasks": len(found.tasks), "what": what},
        )
    return IMPORTED + key


def is_import(key: str | None) -> bool:
    """True where a key of the URL speaks of imported scores."""
    return bool(key) and str(key).startswith(IMPORTED)


def labels(cache: Cache) -> dict[str, str]:
    """Key → label of everything imported, newest first."""
    return {
        IMPORTED + entry.key: f"Imported {entry.parts.get('what')} · {entry.parts.get('name')}"
        for entry in cache.entries(KIND)
    }


@st.cache_resource(max_entries=16, show_spinner=False)
def _opened(folder: str) -> AffinityMatrix | SubsetTable:
    path = next(p for p in sorted(Path(folder).iterdir()) if p.stem == "scores")
    return read_scores(path)


def find(key: str | None, cache: Cache) -> AffinityMatrix | SubsetTable | None:
    """Imported scores by their key; None where there are none."""
    if not is_import(key):
        return None
    name = str(key).removeprefix(IMPORTED)
    folder = cache.find(KIND, name) if name.isalnum() else None
    return _opened(str(folder)) if folder is not None else None


def uploader() -> str | None:
    """A drop zone; the key of what was just imported, else None."""
    file = st.file_uploader(
        "Import a matrix or a subset table",
        type=["csv", "json"],
        key="import_scores",
        help="A square CSV or JSON of affinities (row: source, column: target, higher helps more), "
        "or a CSV with the column subset, optional cost, and one column of losses a task.",
    )
    if file is None:
        st.session_state.pop("imported_file", None)
        return None
    if st.session_state.get("imported_file") == file.file_id:
        return None
    try:
        key = import_scores(file.getvalue(), file.name, store.cache())
    except TaskvizError as error:
        st.error(safe(error), title="This file cannot be used")
        return None
    st.session_state["imported_file"] = file.file_id
    return key


def _has_subset_column(path: Path) -> bool:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        return False
    return "subset" in next(csv.reader(io.StringIO(text)), [])
