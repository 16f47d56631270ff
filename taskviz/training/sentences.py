"""A comparison in plain language, which claims a difference only with its interval."""

from collections.abc import Mapping

import numpy as np

from taskviz.training.comparison import (
    alone_label,
    check_comparable,
    gain_table,
    random_labels,
    seed_table,
    together_label,
)
from taskviz.training.intervals import LEVEL, Paired, interval, mean_losses, paired
from taskviz.values import TrainingResult
from taskviz.values.decimals import fixed, places_of_error, signed

Results = Mapping[str, TrainingResult]

DIVERGED = 900.0
"""Per cent above another's loss, beyond which no figure of the difference says anything."""


def summary_sentences(results: Results, split: str = "test") -> list[str]:
    """The comparison in plain language; the first contender is the one that was chosen.

    Losses are means over the tasks that have one under every contender. A difference is claimed
    where the 95 % interval over seeds (and over draws of random groupings) leaves out 0; from one
    seed there is no interval, and the sentences say so.
    """
    first, tasks = check_comparable(results)
    chosen = next(iter(results))
    known = gain_table(results, split).pivot(index="task", columns="contender", values="loss")
    known = known.dropna()
    if known.empty:
        return [f"No task has a {split} loss under every contender: nothing can be compared."]
    models = _models(len(first.grouping.groups))
    together, alone = together_label(results), alone_label(results)
    draws = [label for label in random_labels(results) if label != chosen]
    sentences = []
    for label in results:
        if label == chosen or label in draws:
            continue
        name = label
        if label == together:
            name = "all-together" if "together" in label else f"all tasks together ({label})"
        elif label == alone:
            name = "training each task alone" + _instead(models, _models(len(tasks)))
        sentences.append(_against(paired(results, chosen, label, split), models, name, split))
        if label == alone:
            sentences += _losers(results, chosen, split)
    if draws:
        sentences.append(_against_draws(results, chosen, draws, models, split))
    if len(known) < len(tasks):
        gone = len(tasks) - len(known)
        have = "has" if gone == 1 else "have"
        left = "is" if gone == 1 else "are"
        sentences.append(
            f"{gone} of {len(tasks)} tasks {have} no {split} loss and {left} left out of the means."
        )
    if sentences:
        return sentences
    mean = float(np.mean(list(mean_losses(results, split)[chosen].values())))
    return [f"{models}: mean {split} loss {mean:.3g}, with nothing to compare it with."]


def _against(found: Paired, models: str, name: str, split: str) -> str:
    if found.mean < -DIVERGED:
        return (
            f"{models}: more than {1 + DIVERGED / 100:.0f} times the {split} loss of {name}; if "
            "the training diverged, a smaller learning rate may help."
        )
    if found.seeds < 2:
        return (
            f"{models}: {_one_seed(found.mean, split)} {name} (one seed: no interval, so no claim)."
        )
    seeds = f"{found.seeds} seeds"
    if found.mean == 0 == found.error:
        return f"{models}: the same {split} loss as {name} in each of {seeds}."
    if not found.measurable:
        return (
            f"{models}: no measurable difference in {split} loss from {name} ({_span(found)}, "
            f"{seeds})."
        )
    return (
        f"{models}: {_size(found)} {'lower' if found.mean > 0 else 'higher'} {split} loss than "
        f"{name} ({_interval(found)}, {seeds})."
    )


def _against_draws(results: Results, chosen: str, draws: list[str], models: str, split: str) -> str:
    found = paired(results, chosen, draws, split)
    # Draws use the whole budget, which the chosen groups may leave in part.
    theirs = _models(len(results[draws[0]].grouping.groups))
    instead = "" if theirs == models else _instead(models, theirs)
    if len(draws) == 1:
        return _against(found, models, f"one random grouping (one draw){instead}", split)
    means = {
        label: float(np.mean(list(by_seed.values())))
        for label, by_seed in mean_losses(results, split).items()
    }
    beaten = sum(means[chosen] < means[label] for label in draws)
    name = f"the mean of {len(draws)} random groupings{instead}"
    rest = f"; lower than {beaten} of the {len(draws)}."
    return _against(found, models, name, split).removesuffix(".") + rest


def _instead(models: str, theirs: str) -> str:
    return f", at {models} instead of {theirs}"


def _losers(results: Results, chosen: str, split: str) -> list[str]:
    """Tasks that are worse off than alone."""
    long = seed_table(results, split)
    own = long[long["contender"] == chosen]
    worse: dict[str, float] = {}
    count = 1
    for task, part in own.groupby("task", sort=False):
        gains = part["gain"].to_numpy(float)
        count = len(gains)
        high = interval(gains)[1] if count > 1 else float(gains.mean())
        if high < 0:
            worse[str(task)] = -100 * float(gains.mean())
    if not worse:
        return []
    tasks = "1 task has" if len(worse) == 1 else f"{len(worse)} tasks have"
    most = max(worse, key=worse.__getitem__)
    caution = (
        "one seed: no interval, so no claim"
        if count == 1
        else f"the {LEVEL:.0%} interval over {count} seeds leaves out 0".replace("%", " %")
    )
    return [
        f"{tasks} a higher {split} loss than alone; most of all {most!r}, by "
        f"{_percent(worse[most])} ({caution})."
    ]


def _one_seed(mean: float, split: str) -> str:
    if abs(mean) < 0.05:
        return f"{'the same' if mean == 0 else 'nearly the same'} {split} loss as"
    return f"{_percent(mean)} {'lower' if mean > 0 else 'higher'} {split} loss than"


def _size(found: Paired) -> str:
    places = places_of_error(found.error)
    return f"{fixed(abs(found.mean), places)} ± {fixed(found.error, places)} %"


def _span(found: Paired) -> str:
    places = places_of_error(found.error)
    mean, error = signed(found.mean, places), fixed(found.error, places)
    return f"{mean} ± {error} %, {_interval(found)}"


def _interval(found: Paired) -> str:
    places, low, high = places_of_error(found.error), found.low, found.high
    if found.measurable and found.mean < 0:
        low, high = -high, -low
    write = fixed if found.measurable else signed
    return f"95 % interval {write(low, places)} to {write(high, places)} %"


def _models(count: int) -> str:
    return f"{count} model{'' if count == 1 else 's'}"


def _percent(value: float) -> str:
    if abs(value) > DIVERGED:
        return f"more than {DIVERGED:.0f} %"
    return f"{abs(value):.0f} %" if abs(value) >= 10 else f"{abs(value):.2g} %"
