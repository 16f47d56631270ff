"""Collections: readers, validation, splits, built-in data.

Names are handed on lazily: listing the built-in collections needs neither pandas nor torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taskviz.data.builtin import BUILT_INS, BuiltIn, built_in_names, load_built_in
    from taskviz.data.columns import ColumnInfo, describe_column
    from taskviz.data.from_table import collection_from_table
    from taskviz.data.manifest.guess import manifest_text, write_manifest
    from taskviz.data.manifest.opened import Opened, open_path
    from taskviz.data.problem import Problem
    from taskviz.data.problems import find_problems
    from taskviz.data.propose import ColumnProposal, propose_targets
    from taskviz.data.raw import Limits
    from taskviz.data.reference import CollectionRef, open_collection
    from taskviz.data.splits import make_split, resplit
    from taskviz.data.summary import class_counts, describe_tasks, preview
    from taskviz.data.table import Table, read_table
    from taskviz.data.uploads import (
        Upload,
        delete_upload,
        find_upload,
        list_uploads,
        open_upload,
        store_upload,
    )

_HOME = {
    "BUILT_INS": "builtin",
    "BuiltIn": "builtin",
    "built_in_names": "builtin",
    "load_built_in": "builtin",
    "ColumnInfo": "columns",
    "describe_column": "columns",
    "collection_from_table": "from_table",
    "manifest_text": "manifest.guess",
    "write_manifest": "manifest.guess",
    "Opened": "manifest.opened",
    "open_path": "manifest.opened",
    "Problem": "problem",
    "find_problems": "problems",
    "ColumnProposal": "propose",
    "propose_targets": "propose",
    "Limits": "raw",
    "CollectionRef": "reference",
    "open_collection": "reference",
    "make_split": "splits",
    "resplit": "splits",
    "class_counts": "summary",
    "describe_tasks": "summary",
    "preview": "summary",
    "Table": "table",
    "read_table": "table",
    "Upload": "uploads",
    "delete_upload": "uploads",
    "find_upload": "uploads",
    "list_uploads": "uploads",
    "open_upload": "uploads",
    "store_upload": "uploads",
}

__all__ = [
    "BUILT_INS",
    "BuiltIn",
    "CollectionRef",
    "ColumnInfo",
    "ColumnProposal",
    "Limits",
    "Opened",
    "Problem",
    "Table",
    "Upload",
    "built_in_names",
    "class_counts",
    "collection_from_table",
    "delete_upload",
    "describe_column",
    "describe_tasks",
    "find_problems",
    "find_upload",
    "list_uploads",
    "load_built_in",
    "make_split",
    "manifest_text",
    "open_collection",
    "open_path",
    "open_upload",
    "preview",
    "propose_targets",
    "read_table",
    "resplit",
    "store_upload",
    "write_manifest",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
