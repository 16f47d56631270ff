"""Does grouping matter here? The answer, with what it rests on and what would settle it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from taskviz.values import Grouping, TaskvizError
from taskviz.values.decimals import fixed, places_of_interval, signed
from taskviz.values.storage import dumps, read_json, write_text

Verdict = Literal["yes", "no", "cannot tell"]
Reference = Literal["random", "all-together", "all-separate"]


@dataclass(frozen=True)
class Contrast:
    """Loss that a plan saves against a reference, measured on seeds that it was not chosen by.

    Args:
        reference: ``random`` groups of the same number, ``all-together`` or ``all-separate``.
        budget: number of models of the plan; 0 pools the budgets.
        gain: mean over seeds of (reference − plan) / reference, on test data; positive is better.
        low: lower end of the 95 % interval over seeds; NaN with one seed.
        high: upper end.
        verdict: ``yes``: surely a gain; ``no``: surely none worth having; else ``cannot tell``.
        seeds: that it rests on.
    """

    reference: Reference
    budget: int
    gain: float
    low: float
    high: float
    verdict: Verdict
    seeds: int


@dataclass(frozen=True, eq=False)
class Answer:
    """What some rounds of training found. Immutable; each round gives a new one.

    Args:
        verdict: does it matter which tasks train together: plans against random groups of the same
            number, budgets pooled.
        budget: recommended number of models; 1 is all-together.
        why: the reason for that budget.
        grouping: the recommended plan.
        plans: budget → plan, for every budget looked at.
        contrasts: measured gains; ``budget`` 0 pools the budgets.
        probability: that the plan beats random groups, by the fitted model alone; not measured.
        reliability: split-half correlation over seeds of the scores of random plans, stepped up to
            all seeds; NaN with one seed.
        worth: gains below this share of the loss are not worth having.
        rounds: done so far.
        design_networks: networks that the plans were chosen by, on validation data.
        check_networks: further networks that the contrasts were measured with, on test data.
        seconds: spent on networks so far.
        more: what it would take to tell, or "" where it is told.
        notes: sentences a reader must see.
        settings: all that repeats it.
    """

    verdict: Verdict
    budget: int
    why: str
    grouping: Grouping
    plans: Mapping[int, Grouping]
    contrasts: tuple[Contrast, ...]
    probability: float
    reliability: float
    worth: float
    rounds: int
    design_networks: int
    check_networks: int
    seconds: float
    more: str = ""
    notes: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    def contrast(self, reference: Reference, budget: int = 0) -> Contrast | None:
        """The contrast with a reference at a budget (0: pooled), where it was measured."""
        for found in self.contrasts:
            if (found.reference, found.budget) == (reference, budget):
                return found
        return None

    @property
    def sentence(self) -> str:
        """The verdict in one sentence, with its number."""
        pooled = self.contrast("random")
        words = {
            "yes": "Grouping matters here",
            "no": "It hardly matters here which tasks train together",
            "cannot tell": "It cannot be told yet whether grouping matters here",
        }[self.verdict]
        if pooled is None:
            return f"{words}."
        return f"{words}: the best plans found {gain_words(pooled)} random groups."

    def to_json(self) -> dict[str, Any]:
        """Plain data for JSON; what is not known is null."""
        data = {name: getattr(self, name) for name in self.__dataclass_fields__}
        data["grouping"] = self.grouping.to_json()
        data["plans"] = {str(b): plan.to_json() for b, plan in self.plans.items()}
        data["contrasts"] = [
            {n: _null(getattr(c, n)) for n in Contrast.__dataclass_fields__} for c in self.contrasts
        ]
        data["settings"] = dict(self.settings)
        data["sentence"] = self.sentence
        return {name: _null(value) for name, value in data.items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Answer":
        """The inverse of :meth:`to_json`."""
        try:
            given = {name: _number(data[name]) for name in cls.__dataclass_fields__}
            given["grouping"] = Grouping.from_json(data["grouping"])
            given["plans"] = {int(b): Grouping.from_json(p) for b, p in data["plans"].items()}
            given["contrasts"] = tuple(
                Contrast(**{name: _number(c[name]) for name in Contrast.__dataclass_fields__})
                for c in data["contrasts"]
            )
            given["notes"] = tuple(data["notes"])
            return cls(**given)
        except (KeyError, TypeError, ValueError) as error:
            raise TaskvizError(
                f"This is no saved answer ({type(error).__name__}: {error}): ask again."
            ) from None

    def save(self, path: Path | str) -> Path:
        """Write JSON, atomically."""
        return write_text(path, dumps(self.to_json()))

    @classmethod
    def read(cls, path: Path | str) -> "Answer":
        """Read what :meth:`save` wrote."""
        return cls.from_json(read_json(path, "answer"))


def gain_words(contrast: Contrast) -> str:
    """``lose 1.2 % less (0.4 to 2.0 %, 5 seeds) than``, and the like."""
    gain, low, high = (100 * v for v in (contrast.gain, contrast.low, contrast.high))
    less = "less" if gain >= 0 else "more"
    if math.isnan(low):
        return f"lose {abs(gain):.2g} % {less} ({_seeds(contrast)}: no interval) than"
    if no_difference(contrast):
        return f"show no measurable difference ({difference_words(contrast)}) from"
    places = places_of_interval(low, high)
    first, last = (low, high) if gain >= 0 else (-high, -low)
    span = f"{fixed(first, places)} to {fixed(last, places)} %"
    return f"lose {fixed(abs(gain), places)} % {less} ({span}, {_seeds(contrast)}) than"


def no_difference(contrast: Contrast) -> bool:
    """Whether there is an interval, it holds 0, and the verdict is not that there is a gain."""
    return contrast.verdict != "yes" and contrast.low <= 0 <= contrast.high


def difference_words(contrast: Contrast) -> str:
    """``+0.32 %, −0.10 to +0.74 %, 3 seeds``."""
    gain, low, high = (100 * v for v in (contrast.gain, contrast.low, contrast.high))
    places = places_of_interval(low, high)
    ends = f"{signed(low, places)} to {signed(high, places)} %"
    return f"{signed(gain, places)} %, {ends}, {_seeds(contrast)}"


def _seeds(contrast: Contrast) -> str:
    return f"{contrast.seeds} seed" + ("s" if contrast.seeds != 1 else "")


def _null(value: Any) -> Any:
    return None if isinstance(value, float) and value != value else value


def _number(value: Any) -> Any:
    return float("nan") if value is None else value
