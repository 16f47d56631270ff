"""The name of a collection, in plain data: what a page, a job and the command line hand on."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from taskviz.access import actor
from taskviz.cache import Cache
from taskviz.data.builtin import BUILT_INS
from taskviz.data.manifest.opened import ARCHIVE_SUFFIXES, SINGLE_SUFFIXES, is_folder_like
from taskviz.data.table import TABLE_SUFFIXES, Table, read_table
from taskviz.data.uploads import PREFIX, open_upload
from taskviz.values import TASK_KINDS, Origin, TaskCollection, TaskvizError, unknown_choice


@dataclass(frozen=True)
class CollectionRef:
    """Names one collection under one split; equal references open equal data.

    Args:
        reference: a built-in's name, ``upload:<sha256>``, or a path to a table, folder or .zip.
        targets: target columns of a table; empty takes those proposed.
        kinds: column → kind of task, where the guess is wrong.
        tasks: keep these tasks only, in this order; empty keeps all.
        split_seed: of the split into train, valid and test.
        leave_out: columns of a table that are neither input nor target; None leaves out what is
            proposed, an empty tuple nothing that can be an input.

    Raises:
        TaskvizError: a field of the wrong type, an unknown kind, a negative seed.
    """

    reference: str
    targets: tuple[str, ...] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    tasks: tuple[str, ...] = ()
    split_seed: int = 0
    leave_out: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.reference, str) or not self.reference.strip():
            raise TaskvizError(
                "A collection reference is empty: give a built-in's name or the path of a table."
            )
        for name in ("targets", "tasks", "leave_out"):
            value = getattr(self, name)
            if value is None and name == "leave_out":
                continue
            if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
                raise TaskvizError(f"{_FIELDS[name]} are {value!r}: a list of names is needed.")
            object.__setattr__(self, name, tuple(value))
        if not isinstance(self.kinds, Mapping):
            raise TaskvizError(f"Kinds are {self.kinds!r}: column names with a kind are needed.")
        for column, kind in self.kinds.items():
            if kind not in TASK_KINDS:
                raise unknown_choice("kind", str(kind), TASK_KINDS, f"column {column!r}")
        object.__setattr__(self, "kinds", dict(self.kinds))
        seed = self.split_seed
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise TaskvizError(f"The split seed is {seed!r}: a whole number from 0 on is needed.")

    def __hash__(self) -> int:
        kinds = tuple(sorted(self.kinds.items()))
        return hash((self.reference, self.targets, kinds, self.tasks, self.split_seed))

    def to_json(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "reference": self.reference,
            "targets": list(self.targets),
            "kinds": dict(self.kinds),
            "tasks": list(self.tasks),
            "split_seed": self.split_seed,
            "leave_out": None if self.leave_out is None else list(self.leave_out),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "CollectionRef":
        """The inverse of :meth:`to_json`; whatever does not fit is a :class:`TaskvizError`."""
        if not isinstance(data, Mapping) or "reference" not in data:
            raise TaskvizError(
                "This is no collection reference: an object with a reference is needed."
            )
        known = {f.name for f in fields(cls)}
        for name in data:
            if name not in known:
                raise unknown_choice("field of a collection reference", str(name), known)
        return cls(**data)


_FIELDS = {"targets": "Targets", "tasks": "Tasks", "leave_out": "Columns to leave out"}


def open_collection(ref: CollectionRef | str, cache: Cache | None = None) -> TaskCollection:
    """Load what a reference names.

    Args:
        ref: a reference, or its text alone.
        cache: holds the uploads; the default cache where none is given.

    Raises:
        TaskvizError: nothing of that name (built-ins are listed, the nearest is told), no such
            file, an upload that is gone, or what is wrong in the table.
    """
    ref = CollectionRef(ref) if isinstance(ref, str) else ref
    if ref.reference in BUILT_INS:
        if ref.targets or ref.kinds or ref.leave_out:
            raise TaskvizError(
                f"{ref.reference!r} is a built-in collection with targets of its own: choose "
                "among its tasks instead."
            )
        collection = BUILT_INS[ref.reference].load(ref.split_seed)
    else:
        collection = _open_own(ref, cache or Cache())
    origin = replace(
        collection.origin,
        split_seed=ref.split_seed,
        kinds=tuple(ref.kinds.items()),
        leave_out=ref.leave_out,
    )
    collection = replace(collection, origin=origin)
    return collection.select(ref.tasks) if ref.tasks else collection


def _open_own(ref: CollectionRef, cache: Cache) -> TaskCollection:
    if ref.reference.startswith(PREFIX):
        upload = open_upload(ref.reference.removeprefix(PREFIX), cache)
        path, name, how = upload.path, upload.name, "Uploaded"
    else:
        path = _path(ref.reference)
        name, how = path.name, ""
    if is_folder_like(path):
        what = f"Uploaded file {name}." if how else f"Files of {name}."
        origin = Origin(ref.reference, what, "Your own data.", targets=ref.targets)
        return _open_folder(ref, path, name, origin, cache)
    table = read_table(path, label=name)
    origin = Origin(ref.reference, f"{how} table {name}.".strip().capitalize(), "Your own data.")
    return _open_table(ref, table, Path(name).stem, origin)


def _open_folder(
    ref: CollectionRef, path: Path, label: str, origin: Origin, cache: Cache
) -> TaskCollection:
    from taskviz.data.contents import assemble
    from taskviz.data.manifest.opened import open_path

    if ref.leave_out:
        raise TaskvizError(
            f"{label} is no single table: write leave_out into the options of its manifest."
        )
    found = open_path(path, cache, targets=ref.targets, kinds=ref.kinds)
    found.findings.stop(label)
    if found.manifest is None or found.contents is None:
        raise TaskvizError(f"{label} cannot be opened as a collection.")
    manifest = found.manifest
    origin = replace(
        origin,
        description=manifest.description or origin.description,
        licence=manifest.licence or origin.licence,
    )
    # What was uploaded is called as its owner called it, not by its checksum.
    named_by_us = re.fullmatch("[0-9a-f]{64}", manifest.name) is not None
    name = Path(label).stem if named_by_us else manifest.name
    return assemble(name, found.contents, ref.split_seed, origin, manifest.splits.fractions)


def _open_table(ref: CollectionRef, table: Table, name: str, origin: Origin) -> TaskCollection:
    from taskviz.data.from_table import collection_from_table
    from taskviz.data.propose import propose_targets

    targets = ref.targets
    if not targets:
        targets = tuple(p.name for p in propose_targets(table.frame) if p.role == "target")
        if len(targets) < 2:
            found = "no target column" if not targets else f"one target column, {targets[0]!r},"
            columns = ", ".join(map(repr, list(table.frame.columns)[:8]))
            more = ", …" if len(table.frame.columns) > 8 else ""
            raise TaskvizError(
                f"{table.label}: {found} could be told from the others: name at least 2 targets "
                f"among {columns}{more}."
            )
    return collection_from_table(
        table.frame, name, targets, ref.kinds, ref.split_seed, origin, ref.leave_out
    )


def _path(reference: str) -> Path:
    path = Path(reference)
    named = "/" not in reference and "\\" not in reference
    try:
        actor().must_open(path)
    except TaskvizError:
        if named:
            raise unknown_choice("collection", reference, BUILT_INS) from None
        raise
    try:
        path = path.expanduser()
        there = path.exists()
    except (OSError, ValueError, RuntimeError):
        there = False  # too long, a zero byte, a home folder that nobody has
    if there:
        return path
    known = TABLE_SUFFIXES + ARCHIVE_SUFFIXES + SINGLE_SUFFIXES
    if path.suffix.lower() in known or "/" in reference or "\\" in reference:
        raise TaskvizError(
            f"There is no file {reference}: give the path of a folder, a .zip or a table, or one "
            f"of {', '.join(BUILT_INS)}."
        )
    raise unknown_choice("collection", reference, BUILT_INS)
