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


def past_calibration(
    jobs: Sequence[Job], kind: str, method: str, device: str, quantity: str = "seconds"
) -> Calibration:
    """What done jobs of a kind and method on a device say.

    Args:
        jobs: newest first.
        kind: of job.
        method: estimator or weighting.
        device: its type, such as ``cpu``.
        quantity: ``seconds`` or ``bytes``.
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
    found = found[:KEPT]
    return calibrate(
        [float(cost[f"reckoned_{quantity}"]) for cost in found],
        [float(cost[quantity]) for cost in found],
    )
