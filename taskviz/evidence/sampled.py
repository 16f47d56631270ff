"""A truth for more tasks than can be tried out: random plans, and the best plan known."""

from collections.abc import Sequence

import numpy as np

from taskviz.evidence.oracle import Reference, halves
from taskviz.evidence.plans import code_of
from taskviz.evidence.truth import Plan, Truth, separate, together
from taskviz.grouping.random import random_partition

PLANS = 12
"""Random plans a budget."""


def sampled_plans(size: int, budgets: Sequence[int], seed: int) -> dict[int, list[Plan]]:
    """Random partitions into exactly as many groups as each budget affords."""
    rng = np.random.default_rng([seed, 0x9A9])
    return {
        budget: [
            tuple(code_of(part) for part in random_partition(size, budget, rng))
            for _ in range(PLANS)
        ]
        for budget in budgets
    }


def sampled_reference(
    truth: Truth, budget: int, overlap: bool, sample: Sequence[Plan], others: Sequence[Plan]
) -> Reference:
    """As :func:`taskviz.evidence.oracle.reference`, with the best plan *known* as the oracle.

    Args:
        sample: random plans of that budget; their mean stands for chance.
        others: further plans that the oracle may choose from.
    """
    size, count = len(truth.tasks), len(truth.seeds)
    plans = [*dict.fromkeys([*sample, *others, together(size)])]
    losses = np.stack([truth.plan_losses(plan) for plan in plans])
    by_valid = np.stack([truth.plan_losses(plan, "valid") for plan in plans])
    drawn = losses[: len(dict.fromkeys(sample))]
    best: list[list[float]] = [[] for _ in range(count)]
    found: list[list[float]] = [[] for _ in range(count)]
    worst: list[list[float]] = [[] for _ in range(count)]
    for first in halves(count):
        second = np.setdiff1d(np.arange(count), first)
        for chosen_on, scored_on in ((first, second), (second, first)):
            top = int(losses[:, chosen_on].mean(axis=1).argmin())
            seen = int(by_valid[:, chosen_on].mean(axis=1).argmin())
            last = int(drawn[:, chosen_on].mean(axis=1).argmax())
            for k in scored_on:
                best[k].append(float(losses[top, k]))
                found[k].append(float(losses[seen, k]))
                worst[k].append(float(drawn[last, k]))
    return Reference(
        budget,
        overlap,
        np.asarray(drawn.mean(axis=0)),
        np.array([np.mean(own) for own in worst]),
        np.array([np.mean(own) for own in best]),
        np.array([np.mean(own) for own in found]),
        truth.plan_losses(together(size)),
        truth.plan_losses(separate(size)),
        plans[int(losses.mean(axis=1).argmin())],
    )
