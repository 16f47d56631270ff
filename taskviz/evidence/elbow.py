"""How many models are worth having, by a fitted model of the losses."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from taskviz.affinity.pooled_model import PooledModel
from taskviz.evidence.plans import membership_of
from taskviz.evidence.truth import Plan
from taskviz.values import Grouping


def elbow(
    model: PooledModel, names: tuple[str, ...], frontier: Mapping[int, Grouping], worth: float
) -> tuple[int, str]:
    """The fewest models whose predicted loss is as good as the best, and the reason in words."""
    losses = {b: _predicted(model, names, plan) for b, plan in frontier.items()}
    best = min(losses, key=lambda b: (losses[b], b))
    for budget in sorted(losses):
        lead, error = _difference(model, names, frontier[budget], frontier[best])
        allowed = max(error, worth * abs(losses[best]))
        if budget == best or lead <= allowed:
            break
    if budget == max(losses):
        return budget, f"each further model up to {budget} is predicted to lower the loss"
    if budget == best:
        return budget, "more models are not predicted to lower the loss further"
    share = 100 * lead / abs(losses[budget]) if losses[budget] else 0.0
    blur = 100 * error / abs(losses[budget]) if losses[budget] else 0.0
    return budget, (
        f"{best} models are predicted to lose only {share:.2g} ± {blur:.2g} % less than {budget}"
    )


def _predicted(model: PooledModel, names: tuple[str, ...], plan: Grouping) -> float:
    return float(np.nansum(_served(model, names, plan)))


def _served(model: PooledModel, names: tuple[str, ...], plan: Grouping) -> NDArray[np.float64]:
    inside = np.array([[name in group for name in names] for group in plan.groups])
    predicted = model.predict(inside)
    return np.asarray(np.nanmin(np.where(inside, predicted, np.inf), axis=0))


def _difference(
    model: PooledModel, names: tuple[str, ...], first: Grouping, second: Grouping
) -> tuple[float, float]:
    """Predicted loss of the first plan less that of the second, and its posterior deviation.

    Overlapping groups count whole: exact for disjoint plans, else the deviation is a bound's guess.
    """
    lead = _predicted(model, names, first) - _predicted(model, names, second)
    weights = [*_weights(names, first, 1.0), *_weights(names, second, -1.0)]
    return lead, model.contrast(weights)[1]


def _weights(
    names: tuple[str, ...], plan: Grouping, weight: float
) -> list[tuple[NDArray[np.bool_], float]]:
    return [(np.array([name in group for name in names]), weight) for group in plan.groups]


def beats_random(
    model: PooledModel,
    names: tuple[str, ...],
    plans: Mapping[int, Grouping],
    drawn: Mapping[int, Mapping[int, Sequence[Plan]]],
) -> float:
    """Posterior probability that the plans, pooled over budgets, beat the random ones."""
    from scipy.stats import norm

    weights: list[tuple[NDArray[np.bool_], float]] = []
    size = len(names)
    for b, plan in plans.items():
        weights += _weights(names, plan, -1.0)
        for own in drawn.values():
            for other in own[b]:
                share = 1.0 / (len(drawn) * len(own[b]))
                weights += [(row, share) for row in membership_of(np.array(other), size)]
    mean, deviation = model.contrast(weights)
    return float(norm.cdf(mean / deviation)) if deviation > 0 else float("nan")
