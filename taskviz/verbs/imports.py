"""A matrix or a subset table made elsewhere, stored under its hash, and scores by their key."""

import csv
import hashlib
import io
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from taskviz.access import actor
from taskviz.cache import Cache, key_of
from taskviz.care.used import check_space
from taskviz.data.uploads import clean_file_name
from taskviz.values import AffinityMatrix, SubsetTable, TaskvizError
from taskviz.verbs.affinity import read_affinity

if TYPE_CHECKING:
    from numpy.typing import NDArray

KIND = "imported"
IMPORTED = "i-"
"""Before the key of what a user imported."""
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
        TaskvizError: the file is no matrix and no table, or somebody who may not import it;
            nothing is stored then.
    """
    who = actor()
    who.must_edit("import scores")
    check_space(cache, who, len(data))
    # The name given by the browser is a label, never a path.
    plain = clean_file_name(name)
    suffix = ".json" if plain.lower().endswith(".json") else ".csv"
    # Fifty letters are 200 bytes at most, which every file system takes.
    label = f"{Path(plain).stem[:50]}{suffix}"
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


def import_folder(key: str | None, cache: Cache) -> Path | None:
    """Where imported scores lie; None where there are none under this key."""
    if not is_import(key):
        return None
    name = str(key).removeprefix(IMPORTED)
    return cache.find(KIND, name) if name.isalnum() else None


def open_import(folder: Path) -> AffinityMatrix | SubsetTable:
    """What an import's folder holds."""
    return read_scores(next(p for p in sorted(folder.iterdir()) if p.stem == "scores"))


def stored_scores(key: str, cache: Cache | None = None) -> AffinityMatrix | SubsetTable:
    """A stored matrix or imported scores, by the key that the URL has.

    Raises:
        TaskvizError: nothing is stored under this key.
    """
    cache = cache or Cache()
    if not is_import(key):
        return read_affinity(key, cache)
    folder = import_folder(key, cache)
    if folder is None:
        raise TaskvizError("These imported scores are not stored any more: import them again.")
    return open_import(folder)


def scores_fingerprint(scores: AffinityMatrix | SubsetTable) -> str:
    """Hash of all that a grouping or its stability depends on."""
    arrays: tuple[NDArray[Any] | None, ...]
    if isinstance(scores, AffinityMatrix):
        arrays = (scores.values, scores.standard_error)
    else:
        arrays = (scores.membership, scores.losses, scores.cost, scores.seeds)
    digests = [None if a is None else hashlib.sha256(a.tobytes()).hexdigest() for a in arrays]
    return key_of(kind=type(scores).__name__, tasks=list(scores.tasks), arrays=digests)


def _has_subset_column(path: Path) -> bool:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        return False
    return "subset" in next(csv.reader(io.StringIO(text)), [])
