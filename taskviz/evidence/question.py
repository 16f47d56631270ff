"""Train a designed set of networks round by round until it is told whether grouping matters."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from numpy.typing import NDArray

from taskviz.affinity.pooled_model import PooledModel, fit_pooled
from taskviz.affinity.pooled_surrogate import LARGEST
from taskviz.affinity.seeds import repeat_seeds
from taskviz.affinity.surrogate import random_subsets, take_rows
from taskviz.engines import RunContext
from taskviz.evidence.answer import Answer, Contrast, Reference, Verdict
from taskviz.evidence.captured import mean_interval, t_quantile
from taskviz.evidence.model_scores import ModelScores
from taskviz.evidence.plans import code_of
from taskviz.evidence.truth import (
    Plan,
    Truth,
    measure_each,
    plan_of,
    separate,
    together,
    truth_seeds,
)
from taskviz.grouping.random import random_partition
from taskviz.grouping.selection import Selection
from taskviz.training.subsets import SubsetOptions, train_subsets
from taskviz.values import Grouping, SubsetTable, TaskCollection, TaskvizError, option_values

FIRST_CHECKS = 3
"""Check seeds of the first round; each further round adds one. Fewer give no interval."""
SCORED_PLANS = 200
"""Random plans whose predicted scores the split-half reliability correlates."""


@dataclass(frozen=True)
class AskOptions:
    """How much is trained, and what counts.

    Args:
        rounds: at the most; each adds one seed of design networks and one of check networks
            (the first three of the latter, fewer give no interval).
        subsets: random subsets a round; None is two a task.
        most_models: largest budget looked at.
        random_plans: random plans a budget and check seed.
        overlap: let groups share tasks.
        worth: gains below this share of the loss are not worth having.
        stop: end as soon as the pooled question is told.
        seconds: begin no round after this long; None: no limit.
    """

    rounds: int = 5
    subsets: int | None = None
    most_models: int = 4
    random_plans: int = 4
    overlap: bool = False
    worth: float = 0.005
    stop: bool = False
    seconds: float | None = None


def ask(
    collection: TaskCollection,
    training: SubsetOptions,
    options: AskOptions,
    context: RunContext,
    on_round: Callable[[Answer], None] = lambda answer: None,
) -> Answer:
    """The last answer of :func:`rounds`; ``on_round`` is told each.

    Raises:
        TaskvizError: fewer than 3 tasks, or what training raises.
        Cancelled: the user asked to stop; finished networks are kept in the cache.
    """
    answer = None
    for answer in rounds(collection, training, options, context):
        on_round(answer)
    assert answer is not None
    return answer


def rounds(
    collection: TaskCollection,
    training: SubsetOptions,
    options: AskOptions,
    context: RunContext,
) -> Iterator[Answer]:
    """Answers, each resting on one more seed of design networks and one more of check networks.

    Design: fresh random subsets in each seed; a pooled model of their *validation* losses chooses
    a plan for every budget. Check: in seeds of their own the chosen plans, random plans of as many
    groups, all-together and all-separate are trained, and compared in pairs on *test* data, within
    each seed. So no plan is judged by networks that it was chosen by. Plans may change from round
    to round; each is then measured in all check seeds. Intervals are Student's over check seeds;
    with 5 looks at them a verdict is called by 99 % intervals, while 95 % are shown. They do not
    cover the finite test split, which all seeds share.
    """
    size = len(collection.tasks)
    if not 3 <= size <= LARGEST:
        raise TaskvizError(
            f"Collection {collection.name!r} has {size} tasks: whether grouping matters can be "
            f"asked of 3 to {LARGEST} tasks."
        )
    start = time.perf_counter()
    names = collection.names
    budgets = tuple(range(2, min(options.most_models, size - 1) + 1))
    design_seeds = repeat_seeds(context.seed, options.rounds)
    check_seeds = truth_seeds(context.seed, options.rounds + FIRST_CHECKS - 1)
    drawn = {seed: _random_plans(size, budgets, options, seed) for seed in check_seeds}
    context.progress.begin(f"Does grouping matter in {collection.name}?", options.rounds)
    for done in range(1, options.rounds + 1):
        part = replace(context, progress=context.progress.part(0.5))
        subsets = random_subsets(names, options.subsets or 2 * size, design_seeds[:done])
        design = train_subsets(collection, subsets, training, part)
        model = fit_pooled(design.valid)
        plans = {b: _choose(model, names, b, options.overlap) for b in budgets}
        frontier = {1: _together(names), **plans}
        budget, why = _elbow(model, names, frontier, options.worth)
        part = replace(context, progress=context.progress.part(0.5))
        chosen = {b: plan_of(plan.groups, names) for b, plan in plans.items()}
        wanted = {
            seed: [*chosen.values(), *_flat(drawn[seed]), separate(size), together(size)]
            for seed in check_seeds[: done + FIRST_CHECKS - 1]
        }
        checks = measure_each(collection, wanted, training, part)
        losses = _check_losses(checks, chosen, drawn, size)
        contrasts = _contrasts(losses, budgets, options.worth)
        spent = time.perf_counter() - start
        pooled = contrasts[0]
        more = _more(pooled, losses["random", 0], options, _networks(wanted), spent)
        yield Answer(
            verdict=pooled.verdict,
            budget=budget,
            why=why,
            grouping=replace(frontier[budget], budget=float(budget)),
            plans=plans,
            contrasts=tuple(contrasts),
            probability=_probability(model, names, plans, drawn),
            reliability=_split_half(design.valid, budgets, context.seed),
            worth=options.worth,
            rounds=done,
            design_networks=len(subsets),
            check_networks=_networks(wanted),
            seconds=spent,
            more=more,
            notes=design.notes,
            settings={
                "seed": context.seed,
                "rounds": options.rounds,
                "subsets": options.subsets or 2 * size,
                "budgets": list(budgets),
                "random_plans": options.random_plans,
                "overlap": options.overlap,
                "training": {
                    name: value
                    for name, value in option_values(training).items()
                    if name in SubsetOptions.__dataclass_fields__
                },
                "collection": collection.name,
                "fingerprint": collection.fingerprint,
                "device": str(context.device),
            },
        )
        late = options.seconds is not None and spent > options.seconds
        if late or (options.stop and pooled.verdict != "cannot tell"):
            return


def _random_plans(
    size: int, budgets: Sequence[int], options: AskOptions, seed: int
) -> dict[int, list[Plan]]:
    rng = np.random.default_rng([seed, 0xA5])
    return {
        b: [
            tuple(code_of(part) for part in random_partition(size, b, rng))
            for _ in range(options.random_plans)
        ]
        for b in budgets
    }


def _flat(plans: Mapping[int, Sequence[Plan]]) -> list[Plan]:
    return [plan for own in plans.values() for plan in own]


def _networks(wanted: Mapping[int, Sequence[Plan]]) -> int:
    return sum(len({code for plan in plans for code in plan}) for plans in wanted.values())


def _choose(model: PooledModel, names: tuple[str, ...], budget: int, overlap: bool) -> Grouping:
    return Selection(overlap=overlap).group(ModelScores(model, names), float(budget))


def _together(names: tuple[str, ...]) -> Grouping:
    return Grouping.of([names], budget=1.0, method="all-together")


def _elbow(
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


def _check_losses(
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


def _contrasts(
    gains: Mapping[tuple[Reference, int], NDArray[np.float64]],
    budgets: Sequence[int],
    worth: float,
) -> list[Contrast]:
    order: tuple[Reference, ...] = ("random", "all-together", "all-separate")
    return [
        contrast_of(reference, budget, gains[reference, budget], worth)
        for budget in (0, *budgets)
        for reference in order
    ]


def contrast_of(
    reference: Reference, budget: int, gains: NDArray[np.float64], worth: float
) -> Contrast:
    """Mean gain over seeds with its interval and verdict."""
    known = gains[np.isfinite(gains)]
    if not len(known):
        nan = float("nan")
        return Contrast(reference, budget, nan, nan, nan, "cannot tell", 0)
    gain, low, high = mean_interval(known)
    return Contrast(reference, budget, gain, low, high, verdict_of(known, worth), len(known))


def verdict_of(gains: NDArray[np.float64], worth: float) -> Verdict:
    """``yes`` where the 99 % interval lies above 0, ``no`` where it lies below ``worth``."""
    if len(gains) < FIRST_CHECKS:
        # Two seeds that agree by chance would make an interval of any width.
        return "cannot tell"
    _, low, high = mean_interval(gains, 0.99)
    if low > 0 and gains.mean() > 0:
        return "yes"
    return "no" if high < worth else "cannot tell"


def _probability(
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
                weights += [
                    (np.asarray(code >> np.arange(size) & 1, dtype=bool), share) for code in other
                ]
    mean, deviation = model.contrast(weights)
    return float(norm.cdf(mean / deviation)) if deviation > 0 else float("nan")


def _split_half(table: SubsetTable, budgets: Sequence[int], seed: int) -> float:
    """Correlation of predicted plan scores between halves of the seeds, stepped up to all."""
    from taskviz.evidence.oracle import halves

    seeds = np.unique(table.seeds) if table.seeds is not None else np.zeros(0, np.int64)
    if table.seeds is None or len(seeds) < 2:
        return float("nan")
    size = len(table.tasks)
    rng = np.random.default_rng([seed, 0x5A1F])
    plans = [random_partition(size, int(rng.choice(budgets)), rng) for _ in range(SCORED_PLANS)]
    groups = [np.isin(np.arange(size), part) for plan in plans for part in plan]
    at = np.repeat(np.arange(len(plans)), [len(plan) for plan in plans])
    models = np.array([len(plan) for plan in plans])
    found = []
    for first in halves(len(seeds), 6):
        scores = []
        for own in (seeds[first], np.delete(seeds, first)):
            rows = np.flatnonzero(np.isin(table.seeds, own))
            model = fit_pooled(take_rows(table, rows), uncertainty=False)
            sums = np.nansum(model.predict(np.array(groups)), axis=1)
            score = np.bincount(at, sums).astype(np.float64)
            # Within a number of groups: more groups being better is no news.
            for b in np.unique(models):
                score[models == b] -= score[models == b].mean()
            scores.append(score)
        if min(np.ptp(score) for score in scores) > 0:
            found.append(float(np.corrcoef(scores[0], scores[1])[0, 1]))
    if not found:
        return float("nan")
    half = float(np.mean(found))
    return 2 * half / (1 + half) if half > 0 else half


def _more(
    pooled: Contrast,
    gains: NDArray[np.float64],
    options: AskOptions,
    networks: int,
    seconds: float,
) -> str:
    """What would settle an open question, in words."""
    if pooled.verdict != "cannot tell":
        return ""
    known = gains[np.isfinite(gains)]
    if len(known) < FIRST_CHECKS:
        return f"{FIRST_CHECKS - len(known)} more seeds at least: an interval needs 3."
    spread = float(known.std(ddof=1))
    distance = max(abs(pooled.gain), abs(options.worth - pooled.gain))
    if spread == 0 or distance == 0:
        return "more seeds"
    needed = ceil((t_quantile(20, 0.99) * spread / distance) ** 2)
    extra = max(needed - len(known), 1)
    if needed > 100:
        return "More than 100 seeds: at this noise a difference of this size is as good as none."
    return (
        f"About {extra} more seed{'s' * (extra != 1)} "
        f"({ceil(extra * networks / len(gains))} networks to check, about "
        f"{ceil(extra * seconds / len(gains))} s here)."
    )
