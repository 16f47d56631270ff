"""Train a designed set of networks round by round until it is told whether grouping matters."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from taskviz.affinity.pooled_model import PooledModel, fit_pooled
from taskviz.affinity.pooled_surrogate import LARGEST
from taskviz.affinity.seeds import repeat_seeds
from taskviz.affinity.surrogate import random_subsets
from taskviz.engines import RunContext
from taskviz.evidence.answer import Answer
from taskviz.evidence.contrasts import (
    LEAST_SEEDS,
    call_level,
    check_gains,
    contrasts,
    what_it_takes,
)
from taskviz.evidence.design_reliability import design_reliability
from taskviz.evidence.elbow import beats_random, elbow
from taskviz.evidence.model_scores import ModelScores
from taskviz.evidence.plans import code_of
from taskviz.evidence.truth import (
    Plan,
    measure_each,
    plan_of,
    separate,
    together,
    truth_seeds,
)
from taskviz.grouping.random import random_partition
from taskviz.grouping.selection import Selection
from taskviz.training.subsets import SubsetOptions, train_subsets
from taskviz.values import Grouping, TaskCollection, TaskvizError, option_values


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
    to round; each is then measured in all check seeds. Intervals are Student's over check seeds,
    and do not cover the finite test split, which all seeds share. A verdict is called by the 95 %
    interval that is shown, or by the 99 % one where the design seeds do not agree on which plans
    are good, and after more than five rounds (:func:`taskviz.evidence.contrasts.call_level`).
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
    check_seeds = truth_seeds(context.seed, options.rounds + LEAST_SEEDS - 1)
    drawn = {seed: _random_plans(size, budgets, options, seed) for seed in check_seeds}
    trained, training_time = 0, 0.0
    context.progress.begin(f"Does grouping matter in {collection.name}?", options.rounds)
    for done in range(1, options.rounds + 1):
        part = replace(context, progress=context.progress.part(0.5))
        subsets = random_subsets(names, options.subsets or 2 * size, design_seeds[:done])
        design = train_subsets(collection, subsets, training, part)
        if design.trained:  # networks found in the cache tell nothing of their time
            trained, training_time = trained + design.trained, training_time + design.seconds
        model = fit_pooled(design.valid)
        plans = {b: _choose(model, names, b, options.overlap) for b in budgets}
        frontier = {1: _together(names), **plans}
        budget, why = elbow(model, names, frontier, options.worth)
        part = replace(context, progress=context.progress.part(0.5))
        chosen = {b: plan_of(plan.groups, names) for b, plan in plans.items()}
        wanted = {
            seed: [*chosen.values(), *_flat(drawn[seed]), separate(size), together(size)]
            for seed in check_seeds[: done + LEAST_SEEDS - 1]
        }
        checks = measure_each(collection, wanted, training, part)
        gains = check_gains(checks, chosen, drawn, size)
        reliability = design_reliability(design.valid, budgets, context.seed)
        compared = contrasts(gains, budgets, options.worth, call_level(reliability, len(checks)))
        spent = time.perf_counter() - start
        pooled = compared[0]
        each = training_time / trained if trained else None
        more = what_it_takes(pooled, gains["random", 0], options.worth, _networks(wanted), each)
        yield Answer(
            verdict=pooled.verdict,
            budget=budget,
            why=why,
            grouping=replace(frontier[budget], budget=float(budget)),
            plans=plans,
            contrasts=tuple(compared),
            probability=beats_random(model, names, plans, drawn),
            reliability=reliability,
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
