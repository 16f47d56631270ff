"""Estimators against the truth: what share of the reachable gain each captures, and its cost."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from taskviz.affinity import estimator_class
from taskviz.affinity.base import Estimator
from taskviz.affinity.seeds import repeat_seeds
from taskviz.engines import RunContext
from taskviz.evidence.captured import captured, mean_interval
from taskviz.evidence.evidence import Evidence
from taskviz.evidence.groupers import grouper_rows
from taskviz.evidence.judged import judge
from taskviz.evidence.oracle import Reference, reference, usable_budgets
from taskviz.evidence.sampled import sampled_plans, sampled_reference
from taskviz.evidence.truth import (
    Plan,
    Truth,
    all_groups,
    measure_truth,
    plan_of,
    separate,
    together,
    truth_seeds,
)
from taskviz.grouping.network_selection import scores_of
from taskviz.grouping.network_selection.scores import Predicting
from taskviz.grouping.selection import Selection
from taskviz.training.subsets import SubsetOptions
from taskviz.values import TaskCollection, TaskvizError, option_values

ORACLE_UP_TO = 10
"""Tasks up to which all groups are trained; beyond, the truth is a sample of plans."""
DEFAULT_METHODS = (
    "random",
    "label-correlation",
    "covariance-cosine",
    "gradient-cosine",
    "sca",
    "tag",
    "hoa",
    "surrogate",
    "pooled-surrogate",
)

Fit = Callable[[str, Mapping[str, Any], RunContext], Estimator]
"""Method, options and context → fitted estimator."""


@dataclass(frozen=True)
class CompareOptions:
    """What a comparison costs and covers.

    Args:
        seeds: of the truth: networks of every group in each, scored on test data.
        draws: how often each estimator is drawn anew.
        budgets: numbers of models; those outside 2…T−1 are left out.
        overlap: also let groups share tasks.
        groupers: also compare grouping methods on each estimator's matrix.
    """

    seeds: int = 4
    draws: int = 3
    budgets: tuple[int, ...] = (2, 3, 4)
    overlap: bool = True
    groupers: bool = True


def compare(
    collection: TaskCollection,
    methods: Sequence[str],
    fit: Fit,
    training: SubsetOptions,
    options: CompareOptions,
    context: RunContext,
    method_options: Mapping[str, Mapping[str, Any]] | None = None,
) -> Evidence:
    """Fit each estimator, let it choose plans, and score those on networks trained for real.

    Up to :data:`ORACLE_UP_TO` tasks every group is trained in each seed of the truth, and the
    reachable gain is that of the cross-fitted oracle. With more tasks the truth is a sample: random
    plans and whatever the estimators chose, and the best plan known stands for the oracle, so the
    share captured is one of the best *known* plan.

    The estimators' own seeds are never among those of the truth, and choose on validation data; the
    truth scores on test data, whose rows no seed trains or chooses on.

    Args:
        collection: joint.
        methods: estimator names.
        fit: fits one; handed in, so that what is stored is found again.
        training: how the networks of truth and estimators are trained.
        options: cost and extent.
        context: seed, device, progress, cache.
        method_options: by method, on top of ``training``.

    Raises:
        TaskvizError: fewer than 3 tasks or 2 seeds, an unknown method, or what an estimator raises.
    """
    start = time.perf_counter()
    size = len(collection.tasks)
    budgets = usable_budgets(size, options.budgets)
    if not budgets:
        raise TaskvizError(
            f"Collection {collection.name!r} has {size} tasks: evidence needs at least 3 tasks and "
            "a budget between 1 and all of them."
        )
    if options.seeds < 2 or options.draws < 1:
        raise TaskvizError(
            f"Evidence was asked for {options.seeds} seeds and {options.draws} draws: at least 2 "
            "seeds and 1 draw are needed."
        )
    exhaustive = size <= ORACLE_UP_TO
    context.progress.begin(f"Evidence on {collection.name}", 1.0)
    half = replace(context, progress=context.progress.part(0.5))
    seeds = truth_seeds(context.seed, options.seeds)
    if exhaustive:
        truth = measure_truth(collection, all_groups(size), seeds, training, half)
    fitted, failed = _fit_all(
        collection, methods, fit, training, options, context, method_options or {}
    )
    overlaps = (False, True) if options.overlap else (False,)
    chosen = {
        (method, draw, overlap, budget): _choose(estimator, budget, overlap)
        for (method, draw), estimator in fitted.items()
        for overlap in overlaps
        for budget in budgets
    }
    if not exhaustive:
        sample = sampled_plans(size, budgets, context.seed)
        known = [plan for plans in sample.values() for plan in plans]
        known += [*chosen.values(), separate(size), together(size)]
        truth = measure_truth(collection, known, seeds, training, half)
    references: dict[tuple[bool, int], Reference] = {}
    for overlap in overlaps:
        for budget in budgets:
            references[overlap, budget] = (
                reference(truth, budget, overlap=overlap)
                if exhaustive
                else sampled_reference(
                    truth,
                    budget,
                    overlap,
                    sample[budget],
                    [p for (_, _, o, b), p in chosen.items() if b == budget and o <= overlap],
                )
            )
    rows = _rows(fitted, chosen, truth, references, budgets, overlaps)
    groupers: list[dict[str, Any]] = []
    if options.groupers and exhaustive:
        groupers = grouper_rows(fitted, truth, references, budgets)
    notes = [*truth.notes, *failed]
    if not exhaustive:
        notes.append(
            f"{size} tasks have too many groups to train them all: the share captured is one of "
            f"the best plan known, among {len(sample[budgets[0]])} random plans a budget and all "
            "plans that an estimator chose."
        )
    return Evidence(
        collection.name,
        collection.names,
        tuple(rows),
        tuple(_oracle_row(ref) for ref in references.values()),
        tuple(groupers),
        {
            "seed": context.seed,
            "seeds": options.seeds,
            "draws": options.draws,
            "budgets": list(budgets),
            "methods": list(methods),
            "training": _plain_training(training),
            "truth": "every group" if exhaustive else "a sample of plans",
            "networks": len(truth.codes) * len(truth.seeds),
            "fingerprint": collection.fingerprint,
            "device": str(context.device),
        },
        tuple(dict.fromkeys(notes)),
        time.perf_counter() - start,
    )


def _plain_training(training: SubsetOptions) -> dict[str, Any]:
    known = {f.name for f in fields(SubsetOptions)}
    return {name: v for name, v in option_values(training).items() if name in known}


def _fit_all(
    collection: TaskCollection,
    methods: Sequence[str],
    fit: Fit,
    training: SubsetOptions,
    options: CompareOptions,
    context: RunContext,
    method_options: Mapping[str, Mapping[str, Any]],
) -> tuple[dict[tuple[str, int], Estimator], list[str]]:
    fitted: dict[tuple[str, int], Estimator] = {}
    failed: list[str] = []
    for method in methods:
        estimator_class(method)  # an unknown name ends all; what a method refuses ends it alone
    share = 0.5 / max(len(methods) * options.draws, 1)
    for method in methods:
        given = {**shared_options(method, training), **method_options.get(method, {})}
        for draw, seed in enumerate(repeat_seeds(context.seed, options.draws)):
            part = context.progress.part(share)
            try:
                fitted[method, draw] = fit(
                    method, given, replace(context, seed=seed, progress=part)
                )
            except TaskvizError as error:
                failed.append(f"{method} was left out: {error}")
                break
    return fitted, failed


def shared_options(method: str, training: SubsetOptions) -> dict[str, Any]:
    """Those options of the networks that a method has too, so that all train alike."""
    own = {f.name for f in fields(estimator_class(method).Options)}
    # The number of epochs means something else where no subset network is trained.
    shared = {f.name for f in fields(SubsetOptions)} & own
    return {name: getattr(training, name) for name in shared}


def _choose(estimator: Estimator, budget: int, overlap: bool) -> Plan:
    scores = scores_of(cast(Predicting, estimator))
    grouping = Selection(overlap=overlap).group(scores, float(budget))
    return plan_of(grouping.groups, estimator.affinity_.tasks)


def _rows(
    fitted: Mapping[tuple[str, int], Estimator],
    chosen: Mapping[tuple[str, int, bool, int], Plan],
    truth: Truth,
    references: Mapping[tuple[bool, int], Reference],
    budgets: Sequence[int],
    overlaps: Sequence[bool],
) -> list[dict[str, Any]]:
    losses: dict[Plan, NDArray[np.float64]] = {}

    def score(plan: Plan) -> NDArray[np.float64]:
        if plan not in losses:
            losses[plan] = truth.plan_losses(plan)
        return losses[plan]

    rows: list[dict[str, Any]] = []
    for method in dict.fromkeys(name for name, _ in fitted):
        draws = [draw for name, draw in fitted if name == method]
        judged = [judge(fitted[method, draw], truth) for draw in draws]
        matrices = [fitted[method, draw].affinity_ for draw in draws]
        common = {
            "method": method,
            "rank_correlation": _mean(j.rank for j in judged),
            "rank_error": _mean(j.rank_error for j in judged),
            "f1": _mean(j.f1 for j in judged),
            "negatives": _mean(j.negatives for j in judged),
            "networks": int(matrices[0].networks_trained),
            "seconds": float(np.median([m.seconds for m in matrices])),
            "draws": len(draws),
        }
        for overlap in overlaps:
            achieved = np.array(
                [[score(chosen[method, d, overlap, b]) for b in budgets] for d in draws]
            )
            refs = [references[overlap, b] for b in budgets]
            parts: list[tuple[Any, NDArray[np.float64], list[Reference]]] = [
                ("all", achieved, refs)
            ]
            parts += [(b, achieved[:, i : i + 1], refs[i : i + 1]) for i, b in enumerate(budgets)]
            for budget, own, own_refs in parts:
                found = captured(own, own_refs)
                rows.append(
                    {
                        **common,
                        "overlap": overlap,
                        "budget": budget,
                        "captured": found.share,
                        "low": found.low,
                        "high": found.high,
                        "gain": found.gain,
                    }
                )
    return rows


def _oracle_row(ref: Reference) -> dict[str, Any]:
    reachable, low, high = mean_interval(ref.reachable)
    return {
        "budget": ref.budget,
        "overlap": ref.overlap,
        "oracle": float(ref.oracle.mean()),
        "ceiling": float(ref.ceiling.mean()),
        "random": float(ref.random.mean()),
        "worst": float(ref.worst.mean()),
        "together": float(ref.together.mean()),
        "separate": float(ref.separate.mean()),
        "reachable": reachable,
        "reachable_low": low,
        "reachable_high": high,
        "plan": list(ref.plan),
    }


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")
