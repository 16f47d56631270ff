"""The summary: the question, the answer, its evidence, its doubts, in plain sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from taskviz.figures.numbers import duration_words, three_digits
from taskviz.figures.style import group_letter
from taskviz.figures.text import listed
from taskviz.report.facts import Facts
from taskviz.values import AffinityMatrix, Grouping, TrainingResult

PUBLISHED_SCA = (
    "SCA as published varies strongly between initial states: in our studies on real collections "
    "two states gave matrices that did not correlate, and groupings no better than chance."
)

MOST_SENTENCES = 10
"""Groups that the summary names: it is one page."""
MOST_NAMES = 12
"""Tasks of a group that the summary names."""


@dataclass(frozen=True)
class Summary:
    """Sentences for each part of the summary."""

    question: str
    answer: tuple[str, ...]
    evidence: tuple[str, ...]
    cost: tuple[str, ...]
    doubts: tuple[str, ...]


def summarise(
    collection: Facts,
    affinities: Sequence[AffinityMatrix],
    plan: Grouping | None,
    results: Mapping[str, TrainingResult],
) -> Summary:
    """What a reader must know who reads nothing else. Claims no more than was measured."""
    tasks = len(collection.tasks)
    budget = "a number of models" if plan is None else _budget(plan)
    return Summary(
        question=(
            f"Which of the {tasks} tasks of {collection.name} should be trained together, given "
            f"that {budget} can be afforded?"
        ),
        answer=_one_page(_answer(plan), MOST_SENTENCES),
        evidence=_one_page(_evidence(affinities, results)),
        cost=_one_page(_cost(affinities, results)),
        doubts=_one_page(_doubts(collection, affinities, plan, results)),
    )


def _one_page(sentences: tuple[str, ...], most: int = 6) -> tuple[str, ...]:
    """The first few; the sections below have the rest."""
    if len(sentences) <= most:
        return sentences
    return (*sentences[:most], f"And {len(sentences) - most} more, in the sections below.")


def error_statement(matrix: AffinityMatrix) -> str:
    """What is known of the noise in a matrix, honestly."""
    from taskviz.affinity.reliability import reliability

    states = matrix.options.get("inits")
    if matrix.standard_error is None:
        text = (
            "One initial state: no standard error was measured."
            if states == 1
            else "No standard error was measured."
        )
        return f"{text} {PUBLISHED_SCA}" if _published_sca(matrix) else text
    off = ~np.eye(len(matrix.tasks), dtype=bool)
    known = matrix.standard_error[off & np.isfinite(matrix.standard_error)]
    if not len(known):
        return "No standard error was measured."
    repeats = matrix.options.get("repeats")
    over = f" over {states} initial states" if isinstance(states, int) else ""
    if matrix.reliability is not None:
        over = f" over {repeats} repeats"
    typical = three_digits(float(np.median(known)))
    return f"Standard error of an entry: {typical} (median){over}. {reliability(matrix).sentence}"


def method_title(method: str) -> str:
    """Name of an estimator for people; the method's own name where taskviz does not know it."""
    from taskviz.affinity import ESTIMATORS, estimator_class

    return estimator_class(method).title if method in ESTIMATORS else method


def _published_sca(matrix: AffinityMatrix) -> bool:
    options = matrix.options
    return (
        matrix.method == "sca"
        and options.get("heads", "own") == "own"
        and not options.get("warmup")
        and not options.get("normalise")
    )


def _answer(plan: Grouping | None) -> tuple[str, ...]:
    if plan is None:
        return ("No groups were chosen yet, so there is no answer yet.",)
    sentences = []
    for i, group in enumerate(plan.groups):
        name = group_letter(i)
        if len(group) == 1:
            sentences.append(f"{name}: {group[0]} alone.")
        else:
            sentences.append(f"{name}: {listed(group, MOST_NAMES)} together.")
    if plan.cost < plan.budget:
        sentences.append(f"This takes {plan.cost:.10g} of the {_budget(plan)} of the budget.")
    return tuple(sentences)


def _evidence(
    affinities: Sequence[AffinityMatrix], results: Mapping[str, TrainingResult]
) -> tuple[str, ...]:
    sentences = []
    if results:
        from taskviz.training.compare import summary_sentences

        sentences += summary_sentences(results)
    else:
        sentences.append(
            "No group was trained: the groups rest on estimated affinity alone, which no "
            "measurement supports yet."
        )
    for matrix in affinities:
        off = matrix.values.copy()
        np.fill_diagonal(off, np.nan)
        if np.isnan(off).all():
            continue
        source, target = np.unravel_index(np.nanargmax(off), off.shape)
        error = None if matrix.standard_error is None else matrix.standard_error[source, target]
        sentences.append(
            f"By {method_title(matrix.method)}, {matrix.tasks[source]} helps "
            f"{matrix.tasks[target]} most ({three_digits(float(off[source, target]), error)})."
        )
    return tuple(sentences)


def _cost(
    affinities: Sequence[AffinityMatrix], results: Mapping[str, TrainingResult]
) -> tuple[str, ...]:
    sentences = [
        f"Affinity by {method_title(matrix.method)}: {duration_words(matrix.seconds)}, "
        f"{_networks(matrix.networks_trained)} trained."
        for matrix in affinities
    ]
    if results:
        chosen = next(iter(results.values()))
        device = str(chosen.settings.get("device_name") or chosen.settings.get("device") or "")
        sentences.append(
            f"Training the chosen groups: {duration_words(chosen.seconds)}, "
            f"{_networks(len(chosen.grouping.groups))}" + (f", on {device}." if device else ".")
        )
    return tuple(sentences)


def _doubts(
    collection: Facts,
    affinities: Sequence[AffinityMatrix],
    plan: Grouping | None,
    results: Mapping[str, TrainingResult],
) -> tuple[str, ...]:
    doubts = [f"{method_title(matrix.method)}: {error_statement(matrix)}" for matrix in affinities]
    if not affinities:
        doubts.append("No affinity is part of this report.")
    seeds = {int(seed) for r in results.values() for seed in r.metrics["seed"].dropna().unique()}
    if len(seeds) == 1:
        doubts.append(
            "Every network was trained from one seed: differences between contenders have no "
            "interval, and small ones may be chance."
        )
    if results and len(results) == 1:
        doubts.append("No baseline was trained beside the chosen groups.")
    smallest = collection.smallest_test
    if smallest is not None and smallest < 100:
        doubts.append(f"The test split has {smallest} samples: its figures are coarse.")
    if plan is not None and plan.gap is not None and plan.gap > 1e-9:
        doubts.append(f"The groups are within {plan.gap:.2%} of the best possible score.")
    made_from = {matrix.fingerprint for matrix in affinities}
    made_from |= {result.fingerprint for result in results.values()}
    if made_from - {"", collection.fingerprint}:
        doubts.append(
            "A matrix or result of this report was made from other data than the collection shown "
            "(their fingerprints differ): other splits, tasks or rows."
        )
    return tuple(dict.fromkeys(doubts))


def _budget(plan: Grouping) -> str:
    if plan.cost_unit != "networks":
        return f"{plan.budget:.10g} {plan.cost_unit}"
    return f"{plan.budget:g} model{'' if plan.budget == 1 else 's'}"


def _networks(count: int) -> str:
    if count == 0:
        return "no network"
    return f"{count:,} network{'' if count == 1 else 's'}"
