"""An affinity measured several times over: how far it can be trusted."""

from typing import TYPE_CHECKING, Any

from taskviz.cache import Cache, key_of
from taskviz.progress import SILENT, Progress
from taskviz.values import AffinityMatrix, TaskCollection
from taskviz.values.checks import check_whole
from taskviz.verbs.affinity import (
    KIND,
    affinity_parts,
    fit_estimator,
    read_repeated,
    write_repeated,
)
from taskviz.verbs.loading import check_collection

if TYPE_CHECKING:
    import torch

    from taskviz.affinity.members import ByMatrix

VERSION = 2


def measure_reliability(
    collection: TaskCollection,
    method: str = "sca",
    *,
    repeats: int = 5,
    seed: int = 0,
    device: "str | torch.device" = "auto",
    progress: Progress = SILENT,
    cache: Cache | None = None,
    use_cache: bool = True,
    **options: Any,
) -> AffinityMatrix:
    """Mean matrix over ``repeats`` measurements, with standard errors and its reliability.

    Seeds, splits and subsets are drawn anew in each repeat; a method that draws nothing is repeated
    over halves of the rows (:func:`taskviz.evidence.repeats.repeat_affinity`). Each repeat is kept,
    so that more repeats take up where fewer ended. The matrix goes wherever one of
    :func:`compute_affinity` goes; its ``reliability`` holds the grade, the numbers behind it and
    what a better one would cost (:func:`taskviz.affinity.reliability.reliability`).

    Args:
        repeats: from 2 to 1000: the price is that of one matrix so many times.
        options: the estimator's own.

    Raises:
        TaskvizError: as :func:`compute_affinity`; a wrong number of repeats.
    """
    from taskviz.affinity import estimator_class
    from taskviz.evidence.repeats import repeated

    check_collection(collection)
    seed = check_whole(seed, "The seed", 0)

    def measure(data: TaskCollection, own: int, part: Progress) -> AffinityMatrix:
        fitted = fit_estimator(
            data,
            method,
            seed=own,
            device=device,
            progress=part,
            cache=cache,
            use_cache=use_cache,
            **options,
        )
        return fitted.affinity_

    def compute() -> "ByMatrix":
        return repeated(
            collection,
            measure,
            repeats=repeats,
            seed=seed,
            draws=estimator_class(method).draws,
            progress=progress,
        )

    if not use_cache:
        return compute().affinity_
    found = (cache or Cache()).fetch(
        KIND,
        _parts(collection, method, repeats, seed, device, options),
        compute=compute,
        write=write_repeated,
        read=read_repeated,
    )
    return found.affinity_


def reliability_key(
    collection: TaskCollection,
    method: str = "sca",
    *,
    repeats: int = 5,
    seed: int = 0,
    device: "str | torch.device" = "auto",
    **options: Any,
) -> str:
    """Key under which :func:`measure_reliability` with these arguments stores its matrix."""
    return key_of(**_parts(collection, method, repeats, seed, device, options))


def _parts(
    collection: TaskCollection,
    method: str,
    repeats: int,
    seed: int,
    device: "str | torch.device",
    options: dict[str, Any],
) -> dict[str, Any]:
    from taskviz.affinity import make_estimator
    from taskviz.engines import pick_device

    parts = affinity_parts(
        collection, make_estimator(method, **options), seed, pick_device(device).type
    )
    return {**parts, "repeats": repeats, "repeats_version": VERSION}
