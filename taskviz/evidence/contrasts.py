"""Plans against what else one might train, in pairs within each check seed."""

from collections.abc import Mapping, Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray

from taskviz.evidence.answer import Contrast, Reference, Verdict
from taskviz.evidence.captured import mean_interval, t_quantile
from taskviz.evidence.truth import Plan, Truth, separate, together

LEAST_SEEDS = 3
"""Check seeds that a verdict rests on at least: two that agree by chance would convince."""
CALL, STRICT_CALL = 0.95, 0.99
"""Level of the interval that a verdict is called by: strict where the design seeds disagree."""
FEW_LOOKS = LEAST_SEEDS + 4
"""Check seeds up to which 95 % are enough: five looks, one a round."""
AGREEING = 0.3
"""Reliability of the design from which its seeds count as agreeing. Below, plans are as good as
drawn, and looking again and again would sooner or later find one that seems to win."""


def check_gains(
    checks: Mapping[int, Truth],
    chosen: Mapping[int, Plan],
    drawn: Mapping[int, Mapping[int, Sequence[Plan]]],
    size: int,
) -> dict[tuple[Reference, int], NDArray[np.float64]]:
    """Relative test gains a check seed, by reference and budget (0: mean over budgets)."""
    gains: dict[tuple[Reference, int], list[float]] = {}
    for seed, truth in checks.items():
        whole = float(truth.plan_losses(together(size))[0])
        apart = float(truth.plan_losses(separate(size))[0])
        for b, plan in chosen.items():
            loss = float(truth.plan_losses(plan)[0])
            chance = float(np.mean([truth.plan_losses(p)[0] for p in drawn[seed][b]]))
            references: dict[Reference, float] = {
                "random": chance,
                "all-together": whole,
                "all-separate": apart,
            }
            for reference, other in references.items():
                gain = (other - loss) / other if other > 0 else float("nan")
                gains.setdefault((reference, b), []).append(gain)
    found = {key: np.array(values) for key, values in gains.items()}
    for reference in ("random", "all-together", "all-separate"):
        own = [values for (name, _), values in found.items() if name == reference]
        found[reference, 0] = np.mean(own, axis=0)
    return found


def contrasts(
    gains: Mapping[tuple[Reference, int], NDArray[np.float64]],
    budgets: Sequence[int],
    worth: float,
    level: float = CALL,
) -> list[Contrast]:
    """All contrasts, those with the budgets pooled first, random before the rest."""
    order: tuple[Reference, ...] = ("random", "all-together", "all-separate")
    return [
        contrast_of(reference, budget, gains[reference, budget], worth, level)
        for budget in (0, *budgets)
        for reference in order
    ]


def contrast_of(
    reference: Reference,
    budget: int,
    gains: NDArray[np.float64],
    worth: float,
    level: float = CALL,
) -> Contrast:
    """Mean gain over seeds with its interval and verdict."""
    known = gains[np.isfinite(gains)]
    if not len(known):
        nan = float("nan")
        return Contrast(reference, budget, nan, nan, nan, "cannot tell", 0)
    gain, low, high = mean_interval(known)
    return Contrast(reference, budget, gain, low, high, verdict_of(known, worth, level), len(known))


def verdict_of(gains: NDArray[np.float64], worth: float, level: float = CALL) -> Verdict:
    """``yes`` where the interval lies above 0, ``no`` where it lies below ``worth``.

    Args:
        gains: one a check seed.
        worth: gains below this are not worth having.
        level: of the interval.
    """
    if len(gains) < LEAST_SEEDS:
        return "cannot tell"
    _, low, high = mean_interval(gains, level)
    if low > 0:
        return "yes"
    return "no" if high < worth else "cannot tell"


def call_level(reliability: float, seeds: int) -> float:
    """The level to call by.

    Args:
        reliability: of :func:`taskviz.evidence.design_reliability.design_reliability`.
        seeds: check seeds by now; who looks often must be strict.
    """
    return CALL if reliability >= AGREEING and seeds <= FEW_LOOKS else STRICT_CALL


def what_it_takes(
    pooled: Contrast,
    gains: NDArray[np.float64],
    worth: float,
    networks: int,
    seconds: float | None,
) -> str:
    """What would settle an open question, in words.

    Args:
        networks: that the check seeds so far took.
        seconds: of a network on this machine; None where it is not known.
    """
    if pooled.verdict != "cannot tell":
        return ""
    known = gains[np.isfinite(gains)]
    if len(known) < LEAST_SEEDS:
        return f"{LEAST_SEEDS - len(known)} more seeds at least: an interval needs {LEAST_SEEDS}."
    spread = float(known.std(ddof=1))
    distance = max(abs(pooled.gain), abs(worth - pooled.gain))
    if spread == 0 or distance == 0:
        return "more seeds"
    needed = ceil((t_quantile(20, CALL) * spread / distance) ** 2)
    extra = max(needed - len(known), 1)
    if needed > 100:
        return "More than 100 seeds: at this noise a difference of this size is as good as none."
    more = ceil(extra * networks / len(gains))
    time = "" if seconds is None else f", about {ceil(more * seconds)} s here"
    return f"About {extra} more seed{'s' * (extra != 1)} ({more} networks to check{time})."
