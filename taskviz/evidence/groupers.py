"""Grouping methods on the same matrix, scored on trained networks."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from taskviz.affinity.base import Estimator
from taskviz.evidence.captured import captured
from taskviz.evidence.oracle import Reference
from taskviz.evidence.truth import Truth, plan_of
from taskviz.grouping import make_grouper
from taskviz.values import TaskvizError

GROUPERS = ("gat-gmm", "spectral", "lloyd", "sdp", "selection")


def grouper_rows(
    fitted: Mapping[tuple[str, int], Estimator],
    truth: Truth,
    references: Mapping[tuple[bool, int], Reference],
    budgets: Sequence[int],
) -> list[dict[str, Any]]:
    """Captured share of each method on the first draw of each matrix, and what it left.

    ``regret`` is against the exact selection on the same matrix. Groups that overlap are made
    disjoint first: each task stays where the grouping serves it.
    """
    rows: list[dict[str, Any]] = []
    for method, draw in fitted:
        matrix = fitted[method, draw].affinity_
        if draw or method == "random" or np.isnan(matrix.symmetric()).all():
            continue
        for budget in budgets:
            ref = references[False, budget]
            shares: dict[str, float] = {}
            for grouper in GROUPERS:
                options = {"overlap": False} if grouper == "selection" else {}
                try:
                    found = make_grouper(grouper, **options).group(matrix, float(budget), 0)
                    plan = plan_of(_apart(found.groups, found.serving), truth.tasks)
                except TaskvizError:
                    continue
                shares[grouper] = captured(truth.plan_losses(plan)[None, None], [ref]).share
            best = shares.get("selection", float("nan"))
            rows += [
                {
                    "method": method,
                    "grouper": grouper,
                    "budget": budget,
                    "captured": share,
                    "regret": best - share,
                }
                for grouper, share in shares.items()
            ]
    return rows


def _apart(groups: Sequence[Sequence[str]], serving: Mapping[str, int]) -> list[list[str]]:
    """Overlapping groups made disjoint: each task stays where it is served."""
    kept = [[task for task in group if serving[task] == i] for i, group in enumerate(groups)]
    return [group for group in kept if group]
