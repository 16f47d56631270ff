"""Step 2: how much each task helps each other, computed once and kept."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskviz.cache import Cache, Entry, key_of
from taskviz.progress import SILENT, Progress
from taskviz.values import (
    AffinityMatrix,
    SubsetTable,
    TaskCollection,
    TaskvizError,
    option_values,
)
from taskviz.values.checks import check_whole
from taskviz.values.storage import dumps, read_json, write_text
from taskviz.verbs.loading import check_collection
from taskviz.verbs.stored import Stored

if TYPE_CHECKING:
    import torch

    from taskviz.affinity.base import Estimator
    from taskviz.affinity.members import ByMatrix

KIND = "affinity"
STATE = "state.safetensors"


def compute_affinity(
    collection: TaskCollection,
    method: str = "sca",
    *,
    seed: int = 0,
    device: "str | torch.device" = "auto",
    progress: Progress = SILENT,
    cache: Cache | None = None,
    use_cache: bool = True,
    **options: Any,
) -> AffinityMatrix:
    """Affinity of every ordered pair of tasks.

    The same call twice returns the same bits: the second reads what the first stored.

    Args:
        method: estimator name, such as ``sca``.
        seed: every random draw derives from it.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        use_cache: False computes anew and stores nothing.
        options: the estimator's own.

    Raises:
        TaskvizError: unknown method, option or device, or data that the estimator cannot use.
    """
    estimator = fit_estimator(
        collection,
        method,
        seed=seed,
        device=device,
        progress=progress,
        cache=cache,
        use_cache=use_cache,
        **options,
    )
    return estimator.affinity_


def fit_estimator(
    collection: TaskCollection,
    method: str = "sca",
    *,
    seed: int = 0,
    device: "str | torch.device" = "auto",
    progress: Progress = SILENT,
    cache: Cache | None = None,
    use_cache: bool = True,
    **options: Any,
) -> "Estimator":
    """The fitted estimator behind :func:`compute_affinity`: its matrix, table and predictions."""
    from taskviz.affinity import make_estimator
    from taskviz.engines import RunContext, pick_device

    check_collection(collection)
    seed = check_whole(seed, "The seed", 0)
    estimator = make_estimator(method, **options)
    picked = pick_device(device)
    cache = cache or Cache()
    parts = affinity_parts(collection, estimator, seed, picked.type)
    key = key_of(**parts)
    folder = cache.find(KIND, key) if use_cache else None
    if folder is not None:
        progress.begin(f"{estimator.title} of {collection.name}", 1)
        progress.advance(1, "read from the cache")
        return _read(folder, estimator)
    context = RunContext(seed, picked, progress, cache if use_cache else None)
    estimator.fit(collection, context)
    if use_cache:
        cache.put(KIND, key, lambda folder: _write(estimator, folder), parts)
    return estimator


def affinity_key(
    collection: TaskCollection,
    method: str = "sca",
    *,
    seed: int = 0,
    device: "str | torch.device" = "auto",
    **options: Any,
) -> str:
    """Key under which :func:`compute_affinity` with these arguments stores its matrix."""
    from taskviz.affinity import make_estimator
    from taskviz.engines import pick_device

    estimator = make_estimator(method, **options)
    return key_of(**affinity_parts(collection, estimator, seed, pick_device(device).type))


def stored_affinities(
    collection: TaskCollection | None = None, cache: Cache | None = None
) -> list[Stored]:
    """Matrices in the cache, newest first: of one collection, or of all."""
    found = []
    for entry in (cache or Cache()).entries(KIND):
        if collection is not None and entry.parts.get("collection") != collection.fingerprint:
            continue
        try:
            status = (entry.folder / "matrix.json").stat()
            matrix = _matrix(entry.folder, status.st_mtime_ns, status.st_size)
        except (TaskvizError, OSError):
            # Damaged: whoever asks for it by its key has it set aside and computed again.
            continue
        found.append(Stored(entry.key, matrix, entry.created))
    return found


@lru_cache(maxsize=1024)
def _matrix(folder: Path, changed: int, size: int) -> AffinityMatrix:
    """A matrix, read once as long as its file is the same: pages list all of them at each turn."""
    return AffinityMatrix.read(folder / "matrix.json")


def stored_estimators(
    collection: TaskCollection, cache: Cache | None = None
) -> list[tuple[str, "Estimator | ByMatrix"]]:
    """Key and fitted estimator of each matrix of a collection, newest first.

    The mean of several measurements predicts as a matrix does. Those of an older version of their
    method are passed over: their state may read otherwise.
    """
    found: list[tuple[str, Estimator | ByMatrix]] = []
    for entry in (cache or Cache()).entries(KIND):
        if entry.parts.get("collection") != collection.fingerprint:
            continue
        fitted = _opened(entry)
        if fitted is not None:
            found.append((entry.key, fitted))
    return found


def stored_estimator(
    matrix: AffinityMatrix, cache: Cache | None = None
) -> "Estimator | ByMatrix | None":
    """What a matrix of the cache came from; None where it is not there, or of an older version."""
    for entry in (cache or Cache()).entries(KIND):
        parts = entry.parts
        same = parts.get("collection") == matrix.fingerprint and parts.get("seed") == matrix.seed
        if not same or parts.get("method") != matrix.method:
            continue
        fitted = _opened(entry)
        if fitted is not None and _same(fitted.affinity_, matrix):
            return fitted
    return None


def _same(one: AffinityMatrix, other: AffinityMatrix) -> bool:
    return one.tasks == other.tasks and one.values.tobytes() == other.values.tobytes()


def _opened(entry: Entry) -> "Estimator | ByMatrix | None":
    from taskviz.affinity import ESTIMATORS, make_estimator

    parts, method = entry.parts, str(entry.parts.get("method"))
    if method not in ESTIMATORS:
        return None
    try:
        if "repeats" in parts:
            return read_repeated(entry.folder)
        estimator = make_estimator(method, **parts["options"])
        if estimator.version == parts["version"]:
            return _read(entry.folder, estimator)
    except (TaskvizError, OSError, ValueError, KeyError):
        # Damaged: whoever asks for it by its key has it set aside and computed again.
        return None
    return None


def write_repeated(found: "ByMatrix", folder: Path) -> None:
    """Save the mean of several measurements, and these as far as they were kept."""
    from safetensors.numpy import save_file

    found.affinity_.save(folder / "matrix.json")
    if found.draws_ is not None:
        save_file(_contiguous({"draws": found.draws_}), folder / STATE)


def read_repeated(folder: Path) -> "ByMatrix":
    """What :func:`write_repeated` wrote."""
    from safetensors.numpy import load_file

    from taskviz.affinity.members import ByMatrix

    matrix = AffinityMatrix.read(folder / "matrix.json")
    kept = load_file(folder / STATE) if (folder / STATE).exists() else {}
    return ByMatrix(matrix, draws_=kept.get("draws"))


def read_affinity(key: str, cache: Cache | None = None) -> AffinityMatrix:
    """A stored matrix by its key.

    Raises:
        TaskvizError: there is none under this key, or it was damaged.
    """
    folder = (cache or Cache()).find(KIND, key) if key.isalnum() else None
    if folder is None:
        raise TaskvizError(
            f"No affinity matrix is stored under the key {key[:16]!r}: compute it again."
        )
    return AffinityMatrix.read(folder / "matrix.json")


def affinity_parts(
    collection: TaskCollection, estimator: "Estimator", seed: int, device_type: str
) -> dict[str, Any]:
    """What a stored matrix depends on."""
    from taskviz.networks import trunk_key

    return {
        **trunk_key(estimator.options),
        "what": KIND,
        "collection": collection.fingerprint,
        "method": estimator.name,
        "version": estimator.version,
        "options": option_values(estimator.options),
        "seed": seed,
        "device": device_type,
    }


def _write(estimator: "Estimator", folder: Path) -> None:
    from safetensors.numpy import save_file

    estimator.affinity_.save(folder / "matrix.json")
    if estimator.table_ is not None:
        _write_table(estimator.table_, folder)
    if estimator.state_:
        save_file(_contiguous(estimator.state_), folder / STATE)


def _write_table(table: SubsetTable, folder: Path) -> None:
    # Arrays and names apart: a CSV could not hold every task name (one with a + in it).
    from safetensors.numpy import save_file

    arrays: dict[str, Any] = {
        "membership": table.membership,
        "losses": table.losses,
        "cost": table.cost,
    }
    if table.seeds is not None:
        arrays["seeds"] = table.seeds
    save_file(_contiguous(arrays), folder / "subsets.safetensors")
    about = {"tasks": list(table.tasks), "split": table.split, "estimated": table.estimated}
    write_text(folder / "subsets.json", dumps(about))


def _read(folder: Path, estimator: "Estimator") -> "Estimator":
    from safetensors.numpy import load_file

    matrix = AffinityMatrix.read(folder / "matrix.json")
    table, state = None, folder / STATE
    if (folder / "subsets.json").exists():
        about = read_json(folder / "subsets.json", "subset table")
        arrays = load_file(folder / "subsets.safetensors")
        table = SubsetTable(
            tuple(about["tasks"]),
            arrays["membership"],
            arrays["losses"],
            arrays["cost"],
            arrays.get("seeds"),
            split=about["split"],
            estimated=about["estimated"],
        )
    return estimator.restore(matrix, table, load_file(state) if state.exists() else None)


def _contiguous(arrays: Mapping[str, Any]) -> dict[str, Any]:
    import numpy as np

    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}
