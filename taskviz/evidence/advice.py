"""What the app proposes, in two plain sentences: at once as a first guess, later as measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from taskviz.evidence.answer import (
    Answer,
    Contrast,
    Reference,
    difference_words,
    gain_words,
    no_difference,
)
from taskviz.evidence.studied import GUESS_GAIN, StudiedGain
from taskviz.values import AffinityMatrix, Grouping
from taskviz.values.decimals import places_of_interval, signed

GUESS_METHOD = "gradient-cosine"
MEASURED_METHOD = "pooled-surrogate"
GUESS_BUDGET = 3
"""Models of a first guess, which knows no losses and so no elbow."""


@dataclass(frozen=True, eq=False)
class Recommendation:
    """A plan with what speaks for it.

    Args:
        method: estimator it rests on.
        measured: False for a first guess, which trained nothing.
        budget: number of models.
        why: the reason for that budget.
        grouping: the plan.
        gain: expected share of loss saved against random groups of as many models.
        low: lower end of its interval: 95 % over check seeds where measured; for a first guess,
            what is to be expected of a further setting (``docs/evidence.md``).
        high: upper end.
        sentences: two, for people.
        answer: what it rests on, where measured.
    """

    method: str
    measured: bool
    budget: int
    why: str
    grouping: Grouping
    gain: float
    low: float
    high: float
    sentences: tuple[str, str]
    answer: Answer | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data for JSON; what is not known is null."""
        return {
            "method": self.method,
            "measured": self.measured,
            "budget": self.budget,
            "why": self.why,
            "groups": [list(group) for group in self.grouping.groups],
            "grouping": self.grouping.to_json(),
            **{n: None if (v := getattr(self, n)) != v else v for n in ("gain", "low", "high")},
            "sentences": list(self.sentences),
            "answer": None if self.answer is None else self.answer.to_json(),
        }


def first_guess(
    matrix: AffinityMatrix, budget: int | None = None, studied: StudiedGain = GUESS_GAIN
) -> Recommendation:
    """Groups by the training-free cosine, with the gain that it brought elsewhere.

    Args:
        matrix: of ``gradient-cosine``.
        budget: number of models; by default three, or as many as there are tasks.
        studied: its gain over random in the settings of our study.
    """
    from taskviz.grouping import make_grouper

    models = min(budget or GUESS_BUDGET, len(matrix.tasks))
    grouping = make_grouper("selection", overlap=False).group(matrix, float(models))
    low, high = 100 * studied.low, 100 * studied.high
    places = places_of_interval(low, high)
    first = (
        f"A first guess without training: {_groups(grouping)}, by the cosine of the tasks' "
        "gradients."
    )
    second = (
        f"Over the {studied.settings} settings studied such groups lost "
        f"{100 * studied.mean:.2g} % less than random ones, and {signed(low, places)} to "
        f"{signed(high, places)} % is to be expected of another: it may well be worse than random, "
        "and training tells."
    )
    return Recommendation(
        GUESS_METHOD,
        False,
        models,
        "a first guess knows no losses to choose a budget by",
        grouping,
        studied.mean,
        studied.low,
        studied.high,
        (first, second),
    )


def recommend(answer: Answer) -> Recommendation:
    """The plan of an answer, with the measured gain over random, or that there is none."""
    plan, budget = answer.grouping, answer.budget
    models = f"{budget} model{'s' * (budget != 1)}"
    whole = answer.contrast("all-together", budget) if budget > 1 else None
    if budget == 1:
        first = f"Train all tasks in one network: {answer.why}."
    elif whole is not None and whole.verdict != "yes":
        # The plan stays the advice for those who want several models: it was chosen by validation
        # losses, and this verdict is of test data.
        # The interval alone may leave out 0 where the call asks for more.
        known = (
            "It is not settled that more than one network on all tasks pays"
            if whole.low > 0
            else "Nothing measured speaks for more than one network on all tasks"
        )
        first = f"{known}; the best plan found of {models} is {_groups(plan)}."
    else:
        first = f"Train {models}: {_groups(plan)}; {answer.why}."
    found = {name: answer.contrast(name, budget if budget > 1 else 0) for name in _REFERENCES}
    words = compared({_REFERENCES[name]: c for name, c in found.items() if c is not None})
    who = "They" if budget > 1 else "Plans of several models"
    second = f"{who} {words}." if words else "Nothing has been measured yet."
    if answer.more and answer.verdict == "cannot tell":
        second += f" Not settled: {answer.more[0].lower()}{answer.more[1:].rstrip('.')}."
    contrast, nan = found["random"], float("nan")
    gain, low, high = (contrast.gain, contrast.low, contrast.high) if contrast else (nan, nan, nan)
    return Recommendation(
        MEASURED_METHOD, True, budget, answer.why, plan, gain, low, high, (first, second), answer
    )


_REFERENCES: dict[Reference, str] = {
    "random": "random groups of as many models",
    "all-together": "all-together",
    "all-separate": "all-separate",
}


def compared(found: Mapping[str, Contrast]) -> str:
    """Differences first, then all from which there is none."""
    told = [f"{gain_words(c)} {other}" for other, c in found.items() if not no_difference(c)]
    none = [f"{other} ({difference_words(c)})" for other, c in found.items() if no_difference(c)]
    if none:
        listed = ", ".join(none[:-1]) + " and " * (len(none) > 1) + none[-1]
        told.append(f"show no measurable difference from {listed}")
    return "; ".join(told)


def _groups(plan: Grouping) -> str:
    return " | ".join(", ".join(group) for group in plan.groups)
