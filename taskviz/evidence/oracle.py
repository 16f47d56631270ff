"""The best that grouping can reach: chosen on half of the seeds, scored on the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from taskviz.evidence.plans import best_plan, partitions, plan_scores
from taskviz.evidence.truth import Plan, Truth, plan_of, separate, together
from taskviz.grouping import make_grouper
from taskviz.values import TaskvizError

SPLITS = 12
"""Pairs of halves at the most; all there are where they are fewer."""
DRAWS = 2000
"""Random plans an average rests on at the most where there are more."""


@dataclass(frozen=True, eq=False)
class Reference:
    """What estimators are measured against at one budget, mean test loss over tasks a seed.

    Args:
        budget: number of models.
        overlap: whether groups may share tasks.
        random: ``(K,)`` expected loss of a plan of exactly ``budget`` groups drawn at random.
        worst: ``(K,)`` loss of the plan that is worst on the other half of the seeds.
        oracle: ``(K,)`` loss of the plan that is best on the other half, by their test losses.
        ceiling: ``(K,)`` the same, chosen by validation losses: what data allow to find.
        together: ``(K,)`` all tasks in one network.
        separate: ``(K,)`` a network a task.
        plan: the plan that is best over all seeds, for display only: its own score overstates.
    """

    budget: int
    overlap: bool
    random: NDArray[np.float64]
    worst: NDArray[np.float64]
    oracle: NDArray[np.float64]
    ceiling: NDArray[np.float64]
    together: NDArray[np.float64]
    separate: NDArray[np.float64]
    plan: Plan

    @property
    def reachable(self) -> NDArray[np.float64]:
        """``(K,)`` what the oracle gains over random."""
        return self.random - self.oracle


def reference(truth: Truth, budget: int, *, overlap: bool = False) -> Reference:
    """Best, mean random, worst, all-together and all-separate at a budget.

    The in-sample best overstates: so the best plan on half of the seeds is scored on the others,
    over several pairs of halves. A plan may have fewer groups than the budget affords; random
    plans have exactly that many, each partition equally likely.

    Args:
        truth: every group trained, in two seeds at least.
        budget: number of models, from 1 to T.
        overlap: also allow groups that share tasks (found by the exact solver).

    Raises:
        TaskvizError: fewer than two seeds, groups missing, or a budget out of range.
    """
    size, count = len(truth.tasks), len(truth.seeds)
    if count < 2:
        raise TaskvizError(
            f"The oracle is chosen on half of the seeds and scored on the others: {count} seed "
            "cannot be halved, 2 are needed at least."
        )
    if len(truth.codes) < 2**size - 1:
        raise TaskvizError("The oracle needs the losses of every group of the tasks.")
    partitions(size, budget)  # says what is wrong with the budget
    test, valid = truth.sums("test"), truth.sums("valid")
    scored: dict[str, list[list[NDArray[np.float64]]]] = {}
    for name in ("oracle", "ceiling", "worst"):
        scored[name] = [[] for _ in range(count)]
    for first in halves(count):
        second = np.setdiff1d(np.arange(count), first)
        for chosen_on, scored_on in ((first, second), (second, first)):
            picks = {
                "oracle": _best(truth, test, chosen_on, budget, overlap, "test"),
                "ceiling": _best(truth, valid, chosen_on, budget, overlap, "valid"),
                "worst": best_plan(-test[chosen_on].mean(axis=0), budget, exactly=True),
            }
            for name, plan in picks.items():
                losses = truth.plan_losses(plan)
                for k in scored_on:
                    scored[name][k].append(losses[k])
    cross = {name: np.array([np.mean(own) for own in seeds]) for name, seeds in scored.items()}
    return Reference(
        budget,
        overlap,
        random_losses(truth, budget),
        cross["worst"],
        cross["oracle"],
        cross["ceiling"],
        truth.plan_losses(together(size)),
        truth.plan_losses(separate(size)),
        _best(truth, test, np.arange(count), budget, overlap, "test"),
    )


def halves(count: int, most: int = SPLITS) -> list[NDArray[np.int64]]:
    """First halves of ``count`` seeds, each complement left out: all, or ``most`` at random."""
    size = count // 2
    if count <= 10:
        found = [np.array(c) for c in combinations(range(count), size)]
        if 2 * size == count:
            found = [c for c in found if c[0] == 0]
        rng = np.random.default_rng(count)
        picked = rng.permutation(len(found))[:most]
        return [found[i] for i in sorted(picked)]
    rng = np.random.default_rng(count)
    return [np.sort(rng.permutation(count)[:size]) for _ in range(most)]


def random_losses(truth: Truth, budget: int, draws: int = DRAWS) -> NDArray[np.float64]:
    """``(K,)`` mean test loss of random plans of exactly ``budget`` groups."""
    plans = partitions(len(truth.tasks), budget)
    if len(plans) > draws:
        plans = plans[np.random.default_rng(budget).choice(len(plans), draws, replace=False)]
    return np.asarray(plan_scores(truth.sums("test"), plans).mean(axis=1))


def _best(
    truth: Truth,
    sums: NDArray[np.float64],
    seeds: NDArray[np.int64],
    budget: int,
    overlap: bool,
    split: str,
) -> Plan:
    if not overlap:
        return best_plan(sums[seeds].mean(axis=0), budget)
    grouping = make_grouper("selection", overlap=True).group(
        truth.mean_table(seeds, split), float(budget)
    )
    return plan_of(grouping.groups, truth.tasks)


def usable_budgets(size: int, budgets: Sequence[int]) -> tuple[int, ...]:
    """Those of the budgets where a plan is neither all-together nor all-separate by force."""
    return tuple(b for b in budgets if 1 < b < size)
