"""How much of a matrix is signal: from its repeats, or from the standard errors beside it."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from taskviz.values import AffinityMatrix, TaskvizError

POSTERIOR_MEANS = ("pooled-surrogate",)
"""Methods whose entries and errors are means and deviations of a posterior."""
Grade = Literal["stable", "shaky", "noise", "not measured"]
Basis = Literal["errors", "seeds", "rows"]
STABLE, SHAKY = 0.8, 0.4
MOST_REPEATS = 10_000
"""A better grade that would take more repeats than this is out of reach."""


@dataclass(frozen=True)
class Reliability:
    """Would the same matrix come out again? That says nothing yet of whether it is right.

    Args:
        grade: ``stable`` from 0.8 up, ``shaky`` from 0.4 up, else ``noise``.
        share: the number behind the grade, from 0 to 1: the mean of ``partitions``, or with basis
            ``errors`` 1 − mean(standard error²) / variance of the entries; None where unknown.
        repeats: repeats (or initial states) that the matrix rests on, where known.
        basis: what was repeated: ``seeds`` and splits, ``rows`` (halves of the training rows, for
            methods that draw nothing), or nothing (``errors`` an estimator gave itself).
        entries: split-half rank correlation of the off-diagonal entries, stepped up.
        partitions: number of groups → the same of the scores that two halves give to the same
            random groupings: what a matrix is for.
        error: standard error of ``share`` (jackknife over the repeats), where there are enough.
        networks: that one repeat trains.
        seconds: that one repeat takes.
    """

    grade: Grade
    share: float | None
    repeats: int | None = None
    basis: Basis = "errors"
    entries: float | None = None
    partitions: Mapping[int, float] = field(default_factory=dict)
    error: float | None = None
    networks: int = 0
    seconds: float = 0.0

    @property
    def sentence(self) -> str:
        """The grade with the number behind it."""
        return self.reason if self.share is None else f"{self.grade.capitalize()}: {self.reason}"

    @property
    def reason(self) -> str:
        """What the grade rests on."""
        if self.share is None:
            return (
                "Reliability not measured: one draw has no standard error. Repeat it over several "
                "seeds to see how far it can be trusted."
            )
        if self.basis == "errors":
            over = f" over {self.repeats} repeats" if self.repeats else ""
            share = f"{100 * self.share:.0f} %"
            return f"{share} of the spread is signal{over}."
        halves = (
            f"two halves of {self.repeats} repeats"
            if self.basis == "seeds"
            else "two halves of the rows"
        )
        number = f"{self.share:.2f}" + (f" ± {self.error:.2f}" if self.error else "")
        single = "" if self.entries is None else f"; single entries {self.entries:.2f}"
        return f"{halves} order random groupings alike to {number} of 1{single}."

    @property
    def next_grade(self) -> tuple[Grade, int] | None:
        """The next better grade and how many repeats in all would reach it (Spearman–Brown).

        None where the grade is the best, unknown, or out of reach by repeating.
        """
        if self.share is None or self.repeats is None or self.grade not in ("shaky", "noise"):
            return None
        better: Grade = "stable" if self.grade == "shaky" else "shaky"
        needed = repeats_for(self.share, self.repeats, STABLE if better == "stable" else SHAKY)
        return None if needed is None or self.basis == "rows" else (better, needed)

    @property
    def price(self) -> tuple[int, float] | None:
        """Networks and seconds that the missing repeats would take; None without a next grade."""
        if self.next_grade is None or self.repeats is None:
            return None
        more = self.next_grade[1] - self.repeats
        return more * self.networks, more * self.seconds

    def to_json(self) -> dict[str, Any]:
        """Plain data for JSON."""
        plain = asdict(self) | {"partitions": {str(b): r for b, r in self.partitions.items()}}
        step = self.next_grade
        plain["next"] = None
        if step is not None and self.price is not None:
            networks, seconds = self.price
            plain["next"] = {
                "grade": step[0],
                "repeats": step[1],
                "networks": networks,
                "seconds": seconds,
            }
        return plain

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Reliability":
        """The inverse of :meth:`to_json`.

        Raises:
            TaskvizError: it is none.
        """
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        try:
            if known["grade"] not in get_args(Grade):
                raise ValueError(f"grade {known['grade']!r}")
            known["partitions"] = {
                int(b): float(r) for b, r in dict(known.get("partitions") or {}).items()
            }
            for name in ("share", "entries", "error"):
                if known.get(name) is not None:
                    known[name] = float(known[name])
            return cls(**known)
        except (KeyError, TypeError, ValueError) as error:
            raise TaskvizError(
                f"This is no stored reliability ({type(error).__name__}: {error}): it needs a "
                "grade and the number behind it."
            ) from None


def grade_of(share: float) -> Grade:
    """The grade of a reliability from 0 to 1."""
    return "stable" if share >= STABLE else "shaky" if share >= SHAKY else "noise"


def stepped_up(correlation: float, factor: float) -> float:
    """Spearman–Brown: reliability of a mean over ``factor`` times as many repeats."""
    return factor * correlation / (1 + (factor - 1) * correlation)


def repeats_for(share: float, repeats: int, wanted: float) -> int | None:
    """Repeats at which a mean reaches a reliability, by Spearman–Brown; None where none does.

    Args:
        share: reliability of the mean over ``repeats``.
    """
    if share <= 0:
        return None
    # A hair less: where the answer is a whole number, rounding must not add one.
    needed = repeats * wanted * (1 - share) / (share * (1 - wanted)) - 1e-9
    return max(math.ceil(needed), repeats) if needed <= MOST_REPEATS else None


def reliability(matrix: AffinityMatrix) -> Reliability:
    """What was stored with a repeated matrix; else a grade from its standard errors.

    The latter is classical test theory's reliability of the off-diagonal entries.
    """
    if matrix.reliability is not None:
        return Reliability.from_json(matrix.reliability)
    if matrix.standard_error is None:
        return Reliability("not measured", None)
    off = ~np.eye(len(matrix.tasks), dtype=bool)
    known = off & np.isfinite(matrix.values) & np.isfinite(matrix.standard_error)
    if known.sum() < 2:
        return Reliability("not measured", None)
    spread = float(matrix.values[known].var(ddof=1))
    noise = float((matrix.standard_error[known] ** 2).mean())
    if matrix.method in POSTERIOR_MEANS:
        # Shrunken entries spread by the signal that is known, their errors are what is not.
        share = spread / (spread + noise) if spread > 0 else 0.0
    else:
        share = 0.0 if spread <= 0 else min(max(1 - noise / spread, 0.0), 1.0)
    repeats = matrix.options.get("inits")
    if not isinstance(repeats, int):
        return Reliability(grade_of(share), share)
    return Reliability(
        grade_of(share),
        share,
        repeats,
        networks=matrix.networks_trained // repeats,
        seconds=matrix.seconds / repeats,
    )
