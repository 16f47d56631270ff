"""Imported scores on a page: the drop zone, the list, each opened once."""

from pathlib import Path

import streamlit as st

from taskviz.cache import Cache
from taskviz.ui import store, user
from taskviz.ui.text import safe
from taskviz.values import AffinityMatrix, SubsetTable, TaskvizError
from taskviz.verbs.imports import (
    IMPORTED,
    KIND,
    MOST_TASKS,
    import_folder,
    import_scores,
    is_import,
    open_import,
    read_scores,
)

__all__ = ["MOST_TASKS", "find", "import_scores", "is_import", "labels", "read_scores", "uploader"]


def labels(cache: Cache) -> dict[str, str]:
    """Key → label of everything imported, newest first."""
    return {
        IMPORTED + entry.key: f"Imported {entry.parts.get('what')} · {entry.parts.get('name')}"
        for entry in cache.entries(KIND)
    }


@st.cache_resource(max_entries=16, show_spinner=False)
def _opened(folder: str) -> AffinityMatrix | SubsetTable:
    return open_import(Path(folder))


def find(key: str | None, cache: Cache) -> AffinityMatrix | SubsetTable | None:
    """Imported scores by their key; None where there are none."""
    folder = import_folder(key, cache)
    return _opened(str(folder)) if folder is not None else None


def uploader() -> str | None:
    """A drop zone; the key of what was just imported, else None."""
    file = st.file_uploader(
        "Import a matrix or a subset table",
        type=["csv", "json"],
        disabled=bool(user.why_not()),
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
