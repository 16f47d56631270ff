"""Which estimator can be trusted on a collection: compared with trained networks, and kept."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from taskviz.cache import Cache, key_of
from taskviz.progress import SILENT, Progress
from taskviz.values import TaskCollection, TaskvizError
from taskviz.values.checks import check_kind, check_names, check_whole
from taskviz.verbs.affinity import fit_estimator
from taskviz.verbs.loading import check_collection
from taskviz.verbs.options import affinity_options, subset_options

if TYPE_CHECKING:
    import torch

    from taskviz.affinity.base import Estimator
    from taskviz.engines import RunContext
    from taskviz.evidence import Evidence

KIND = "evidence"
VERSION = 1
ESTIMATES = "estimates"
"""Folder of the cache below which each estimator keeps what it trained."""


class StoredEvidence(NamedTuple):
    """A stored comparison of estimators: ``key, evidence, created`` (seconds since 1970)."""

    key: str
    evidence: "Evidence"
    created: float


def compare_estimators(
    collection: TaskCollection,
    methods: Sequence[str] = (),
    *,
    seeds: int = 4,
    draws: int = 3,
    budgets: Sequence[int] = (2, 3, 4),
    overlap: bool = True,
    groupers: bool = True,
    seed: int = 0,
    device: "str | torch.device" = "auto",
    progress: Progress = SILENT,
    cache: Cache | None = None,
    method_options: Mapping[str, Mapping[str, Any]] | None = None,
    **options: Any,
) -> "Evidence":
    """Estimators against truth: captured share of the reachable gain, cost, rank correlation, F1.

    The truth is every group trained over ``seeds`` seeds where the tasks are few, else a sample of
    plans; see :func:`taskviz.evidence.against_truth.compare`. Every network and estimate is kept,
    so that more seeds or methods take up what is there.

    Args:
        methods: estimator names; none gives those that are usually compared.
        seeds: of the truth.
        draws: how often each estimator is drawn anew.
        budgets: numbers of models.
        overlap: also plans whose groups share tasks.
        groupers: also grouping methods on each estimator's matrix.
        method_options: by method, on top of ``options``.
        options: how all networks are trained; by default one hidden layer of 16, since every group
            has to be.

    Raises:
        TaskvizError: an unknown method or option, fewer than 3 tasks or 2 seeds.
    """
    from dataclasses import replace

    from taskviz.engines import RunContext, pick_device
    from taskviz.evidence import CompareOptions, Evidence, compare
    from taskviz.training.subsets import SubsetOptions

    check_collection(collection)
    seed = check_whole(seed, "The seed", 0)
    seeds = check_whole(seeds, "The setting 'seeds'", 0)
    draws = check_whole(draws, "The setting 'draws'", 0)
    methods = check_names(methods, "The list of methods")
    check_kind(budgets, Sequence, "The setting 'budgets'", "a list of numbers of models")
    picked = pick_device(device)
    kept = cache or Cache()
    chosen = list(methods) or usual_methods(collection)
    extent = CompareOptions(seeds, draws, tuple(budgets), overlap, groupers)
    training = SubsetOptions(**subset_options(options))
    parts = _parts(collection, chosen, extent, seed, picked.type, options, method_options)

    def fit(method: str, given: Mapping[str, Any], context: "RunContext") -> "Estimator":
        return fit_estimator(
            collection,
            method,
            seed=context.seed,
            device=context.device,
            progress=context.progress,
            # A cache of its own each: networks that another estimator trained would look free.
            cache=Cache(kept.root / ESTIMATES / method),
            **given,
        )

    context = RunContext(seed, picked, progress, kept)
    return kept.fetch(
        KIND,
        parts,
        compute=lambda: compare(
            collection, chosen, fit, training, extent, replace(context), method_options
        ),
        write=lambda value, folder: value.save(folder / "evidence.json"),
        read=lambda folder: Evidence.read(folder / "evidence.json"),
    )


def evidence_key(
    collection: TaskCollection,
    methods: Sequence[str] = (),
    *,
    seeds: int = 4,
    draws: int = 3,
    budgets: Sequence[int] = (2, 3, 4),
    overlap: bool = True,
    groupers: bool = True,
    seed: int = 0,
    device: "str | torch.device" = "auto",
    method_options: Mapping[str, Mapping[str, Any]] | None = None,
    **options: Any,
) -> str:
    """Key under which :func:`compare_estimators` with these arguments stores its evidence."""
    from taskviz.engines import pick_device
    from taskviz.evidence import CompareOptions

    chosen = list(methods) or usual_methods(collection)
    extent = CompareOptions(seeds, draws, tuple(budgets), overlap, groupers)
    kind = pick_device(device).type
    return key_of(**_parts(collection, chosen, extent, seed, kind, options, method_options))


def usual_methods(collection: TaskCollection) -> list[str]:
    """Estimators that are compared where nobody names any, as far as they take the collection."""
    from taskviz.evidence import DEFAULT_METHODS

    joint = ("label-correlation", "covariance-cosine")
    return [m for m in DEFAULT_METHODS if collection.layout == "joint" or m not in joint]


def read_evidence(key: str, cache: Cache | None = None) -> "Evidence":
    """Stored evidence by its key.

    Raises:
        TaskvizError: there is none under this key, or it was damaged.
    """
    from taskviz.evidence import Evidence

    folder = (cache or Cache()).find(KIND, key) if key.isalnum() else None
    if folder is None:
        raise TaskvizError("This evidence is not stored any more: compare the estimators again.")
    return Evidence.read(folder / "evidence.json")


def stored_evidence(collection: TaskCollection, cache: Cache | None = None) -> list[StoredEvidence]:
    """Comparisons in the cache of one collection, newest first."""
    from taskviz.evidence import Evidence

    found = []
    for entry in (cache or Cache()).entries(KIND):
        if entry.parts.get("collection") != collection.fingerprint:
            continue
        try:
            value = Evidence.read(entry.folder / "evidence.json")
        except (TaskvizError, OSError):
            continue
        found.append(StoredEvidence(entry.key, value, entry.created))
    return found


def _parts(
    collection: TaskCollection,
    methods: Sequence[str],
    extent: Any,
    seed: int,
    device_type: str,
    options: Mapping[str, Any],
    method_options: Mapping[str, Mapping[str, Any]] | None,
) -> dict[str, Any]:
    from dataclasses import asdict

    from taskviz.affinity import estimator_class

    given = {m: affinity_options(m, dict(o)) for m, o in (method_options or {}).items()}
    return {
        "what": KIND,
        "collection": collection.fingerprint,
        "version": VERSION,
        "methods": {m: estimator_class(m).version for m in methods},
        "extent": asdict(extent) | {"budgets": list(extent.budgets)},
        "options": subset_options(options),
        "method_options": given,
        "seed": seed,
        "device": device_type,
    }
