"""What past jobs took, against what was reckoned for them: so the next estimate is better."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from taskviz.jobs.job import Job

KEPT = 40
"""Past jobs of one kind that count, the newest."""


@dataclass(frozen=True)
class Calibration:
    """How measured cost relates to what was reckoned.

    Args:
        factor: measured over reckoned, the median over past jobs.
        error: by what factor the estimate is off, the median over past jobs, each estimated from
            the others; None of fewer than 2.
        jobs: how many.
    """

    factor: float = 1.0
    error: float | None = None
    jobs: int = 0


def calibrate(reckoned: Sequence[float], measured: Sequence[float]) -> Calibration:
    """From past pairs; those that are not positive say nothing."""
    logs = [
        math.log(took / said)
        for said, took in zip(reckoned, measured, strict=True)
        if said > 0 and took > 0 and math.isfinite(said) and math.isfinite(took)
    ]
    if not logs:
        return Calibration()
    error = None
    if len(logs) > 1:
        off = [abs(own - statistics.median(logs[:i] + logs[i + 1 :])) for i, own in enumerate(logs)]
        error = math.exp(statistics.median(off))
    return Calibration(math.exp(statistics.median(logs)), error, len(logs))


ENOUGH = 3
"""Jobs on which a kind of network may decide; fewer would be a guess by one collection."""


def most_alike(
    costs: Sequence[Mapping[str, Any]], like: Mapping[str, str]
) -> Sequence[Mapping[str, Any]]:
    """Those of the same way and, where there are enough, of the same kind of network; else all.

    A step of networks that are trained stacked costs a fraction of what one of a network alone
    does, so that each tells little of the other. Costs that do not say count where nothing does.
    """
    same_way = [cost for cost in costs if cost.get("way", "") == like.get("way", "")]
    same = [cost for cost in same_way if cost.get("network", "") == like.get("network", "")]
    return same if len(same) >= ENOUGH else same_way or costs


def past_calibration(
    jobs: Sequence[Job],
    kind: str,
    method: str,
    device: str,
    quantity: str = "seconds",
    like: Mapping[str, str] | None = None,
) -> Calibration:
    """What done jobs of a kind and method on a device say, those that are most alike.

    Args:
        jobs: newest first.
        kind: of job.
        method: estimator or weighting.
        device: its type, such as ``cpu``.
        quantity: ``seconds`` or ``bytes``.
        like: ``way`` and ``network`` of what is reckoned; None: all count.
    """
    found: list[Mapping[str, Any]] = []
    for job in jobs:
        cost = (job.result or {}).get("cost")
        if job.kind != kind or job.state != "done" or not isinstance(cost, Mapping):
            continue
        if cost.get("method") != method or cost.get("device") != device:
            continue
        if cost.get(f"reckoned_{quantity}") and cost.get(quantity):
            found.append(cost)
    found = list(found if like is None else most_alike(found, like))[:KEPT]
    return calibrate(
        [float(cost[f"reckoned_{quantity}"]) for cost in found],
        [float(cost[quantity]) for cost in found],
    )
