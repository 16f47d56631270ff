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


LIKE = ("way", "network")
"""What makes two costs of one method alike; the first decides more."""


def most_alike(
    costs: Sequence[Mapping[str, Any]], like: Mapping[str, str]
) -> Sequence[Mapping[str, Any]]:
    """Those of the same way and kind of network; where there are none of the same way; else all.

    A step of networks that are trained stacked costs a fraction of what one of a network alone
    does, so that each tells little of the other. Costs that do not say count where nothing does.
    """
    for last in range(len(LIKE), 0, -1):
        found = [c for c in costs if all(c.get(n, "") == like.get(n, "") for n in LIKE[:last])]
        if found:
            return found
    return costs


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
