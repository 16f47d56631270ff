"""All settings together: means with their uncertainty."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.evidence.estimators import FROM_NETWORKS, WITHOUT
from benchmarks.evidence.field import Array
from taskviz.evidence.captured import t_quantile

RESOLVABLE = 0.5
"""Ceiling from which a setting counts as one whose gain can be found at all."""


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Mean over settings with its 95 % half-width, all and resolvable ones; gains likewise."""
    found = {}
    resolvable = [row for row in rows if row["ceiling"] >= RESOLVABLE]
    for name in [*WITHOUT, *FROM_NETWORKS]:
        own = {}
        for label, chosen in (("all", rows), ("resolvable", resolvable)):
            shares = np.array([row["captured"][name] for row in chosen])
            own[label], own[f"{label} ±"] = _mean(shares)
        gains = np.array([row["gain"][name] for row in rows])
        own["gain"], own["gain ±"] = _mean(gains)
        # Where a further setting would lie, not only where their mean does.
        spread = float(gains.std(ddof=1)) if len(gains) > 1 else float("nan")
        reach = t_quantile(len(gains) - 1) * spread * np.sqrt(1 + 1 / len(gains))
        own["gain low"], own["gain high"] = own["gain"] - reach, own["gain"] + reach
        found[name] = own
    ceilings = np.array([row["ceiling"] for row in rows])
    best = np.array([row["ceiling"] for row in resolvable])
    found["ceiling"] = dict(
        zip(
            ("all", "all ±", "resolvable", "resolvable ±"),
            (*_mean(ceilings), *_mean(best)),
            strict=True,
        )
    )
    return found


def _mean(values: Array) -> tuple[float, float]:
    if not len(values):
        return float("nan"), float("nan")
    spread = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    return float(values.mean()), t_quantile(len(values) - 1) * spread / np.sqrt(len(values))
