"""The app's verdicts, and how often they are right."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.evidence.field import Field
from taskviz.affinity.pooled_model import fit_pooled
from taskviz.evidence.contrasts import call_level, verdict_of
from taskviz.evidence.design_reliability import design_reliability
from taskviz.grouping.random import random_partition

WORTH = 0.005


def verdicts(field: Field, orders: Sequence[NDArray[np.int64]]) -> list[dict[str, Any]]:
    """The app's answer on three design and four check seeds, against what the others say."""
    found = []
    for draw, order in enumerate(orders):
        design, check, rest = order[:3], order[3:7], order[7:]
        if not len(rest):
            break
        rng = np.random.default_rng(draw)
        table = field.design(design.tolist(), 2 * field.size, draw)
        model = fit_pooled(table, uncertainty=False)
        plans = field.chosen(field.predicted(model.predict(field.inside)))
        level = call_level(design_reliability(table, field.budgets, draw), len(check))
        gains = []
        for seed in check:
            parts = []
            for b, plan in zip(field.budgets, plans, strict=True):
                drawn = [
                    [sum(1 << t for t in part) for part in random_partition(field.size, b, rng)]
                    for _ in range(4)
                ]
                chance = np.mean([field.test[seed, other].sum() for other in drawn])
                parts.append((chance - field.test[seed, list(plan)].sum()) / chance)
            gains.append(float(np.mean(parts)))
        later = field.random(rest) - field.achieved(plans, rest)
        found.append(
            {
                "verdict": verdict_of(np.array(gains), WORTH, level),
                "measured": float(np.mean(gains)),
                "later": float(later) / field.random(rest),
            }
        )
    return found


def calls(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How often each verdict was given, and how often it was right on seeds not yet seen."""
    every = [one for row in rows for one in row["verdicts"]]
    found: dict[str, Any] = {"cases": len(every)}
    for verdict in ("yes", "no", "cannot tell"):
        own = [one["later"] for one in every if one["verdict"] == verdict]
        found[verdict] = len(own)
        if own:
            found[f"{verdict}: later beat random"] = float(np.mean([gain > 0 for gain in own]))
            found[f"{verdict}: later gain"] = float(np.mean(own))
    return found
