"""What a job is reckoned to cost before it starts, and what it used."""

import resource
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taskviz.values import Grouping, TaskCollection


def reckon_affinity(
    collection: "TaskCollection",
    method: str,
    device: str,
    options: Mapping[str, Any],
    repeats: int = 1,
) -> dict[str, Any]:
    """Seconds and bytes by a trial on the device, and how it is done; only what can be told."""
    from taskviz.affinity import make_estimator
    from taskviz.affinity.price import price
    from taskviz.engines import pick_device

    told = price(make_estimator(method, **options), collection, pick_device(device))
    found: dict[str, Any] = {**told.like}
    if told.effort is not None:
        found["reckoned_seconds"] = told.effort * repeats
    if told.memory is not None:
        found["reckoned_bytes"] = float(told.memory)
    return found


def reckon_training(
    collection: "TaskCollection",
    groupings: "Mapping[str, Grouping]",
    weighting: str,
    device: str,
    options: Mapping[str, Any],
    seeds: int,
) -> dict[str, Any]:
    """The same of a training of groups."""
    from taskviz.engines import pick_device
    from taskviz.training.defaults import with_defaults
    from taskviz.training.options import TrainingOptions
    from taskviz.training.price import training_price
    from taskviz.values import parse_options

    given = with_defaults(collection.modality, options)
    told = training_price(
        collection,
        [group for grouping in groupings.values() for group in grouping.groups],
        parse_options(TrainingOptions, given, "training"),
        weighting=weighting,
        seeds=seeds,
        device=pick_device(device),
    )
    found: dict[str, Any] = {**told.like}
    if told.seconds is not None:
        found["reckoned_seconds"] = told.seconds
    if told.memory is not None:
        found["reckoned_bytes"] = float(told.memory)
    return found


def used(device: str) -> dict[str, Any]:
    """The most memory that this process ever held, and where."""
    import torch

    kind = torch.device(device).type
    if kind == "cuda":
        held = float(torch.cuda.max_memory_allocated(torch.device(device)))
    else:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        held = float(peak * (1 if sys.platform == "darwin" else 2**10))
    return {"bytes": held, "device": kind}
