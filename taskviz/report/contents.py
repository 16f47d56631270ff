"""Everything that a report is made from, as values that can be written and read again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from taskviz.report.checked import mapping, moment, sequence, text
from taskviz.report.facts import Facts
from taskviz.values import AffinityMatrix, Grouping, TrainingResult

Results = Mapping[str, TrainingResult]


@dataclass(frozen=True)
class Comment:
    """What somebody said of a plan.

    Args:
        author: a name.
        text: plain text.
        created: seconds since 1970.
    """

    author: str
    text: str
    created: float

    def to_json(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"author": self.author, "text": self.text, "created": self.created}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Comment":
        """The inverse of :meth:`to_json`."""
        return cls(text(data, "author", 200), text(data, "text", 10_000), moment(data, "created"))


@dataclass(frozen=True)
class PinnedPlan:
    """A plan with a name: a scenario that was pinned to the report.

    Args:
        name: what it is called.
        plan: the grouping.
        notes: plain text of who saved it.
        comments: what others said, oldest first.
    """

    name: str
    plan: Grouping
    notes: str = ""
    comments: tuple[Comment, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "name": self.name,
            "plan": self.plan.to_json(),
            "notes": self.notes,
            "comments": [comment.to_json() for comment in self.comments],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "PinnedPlan":
        """The inverse of :meth:`to_json`."""
        return cls(
            name=text(data, "name", 1000),
            plan=Grouping.from_json(mapping(data["plan"], "a plan")),
            notes=text(data, "notes"),
            comments=tuple(
                Comment.from_json(mapping(entry, "a comment"))
                for entry in sequence(data, "comments", 1000)
            ),
        )


@dataclass(frozen=True)
class Contents:
    """What goes in, of one collection.

    Args:
        facts: of the collection.
        affinities: matrices.
        groupings: plans; the first is the one that is recommended where nothing was trained.
        results: label → result of the run that the report is about; the chosen one first.
        frontier: a plan for each budget.
        scenarios: pinned plans.
        runs: name → results of further runs that are pinned.
    """

    facts: Facts
    affinities: tuple[AffinityMatrix, ...] = ()
    groupings: tuple[Grouping, ...] = ()
    results: Results = field(default_factory=dict)
    frontier: tuple[Grouping, ...] = ()
    scenarios: tuple[PinnedPlan, ...] = ()
    runs: Mapping[str, Results] = field(default_factory=dict)

    @property
    def chosen(self) -> TrainingResult | None:
        """The trained plan that the report is about."""
        return next(iter(self.results.values()), None)

    @property
    def plans(self) -> tuple[Grouping, ...]:
        """The plans, that of the chosen result first where it is not among them."""
        chosen = self.chosen
        if chosen is None or any(same(chosen.grouping, plan) for plan in self.groupings):
            return self.groupings
        return (chosen.grouping, *self.groupings)

    @property
    def main(self) -> Grouping | None:
        """The plan that is recommended."""
        return self.chosen.grouping if self.chosen is not None else next(iter(self.plans), None)

    @property
    def matrix(self) -> AffinityMatrix | None:
        """The matrix that the main plan names as its source, else the first."""
        plan = self.main
        named = [m for m in self.affinities if plan is not None and plan.affinity == m.method]
        return next(iter([*named, *self.affinities]), None)

    def named_plans(self) -> dict[str, Grouping]:
        """Every plan by a name of its own, for a comparison of two."""
        found: dict[str, Grouping] = {}
        for name, plan in self._named():
            unique, number = name, 1
            while unique in found:
                number += 1
                unique = f"{name} {number}"
            found[unique] = plan
        return found

    def _named(self) -> Iterator[tuple[str, Grouping]]:
        for plan in self.plans:
            what = "chosen" if self.main is not None and same(plan, self.main) else plan.method
            yield what, plan
        for scenario in self.scenarios:
            yield scenario.name, scenario.plan
        for label, result in self.results.items():
            if result is not self.chosen:
                yield label, result.grouping
        for name, results in self.runs.items():
            for label, result in results.items():
                yield f"{name}: {label}", result.grouping


def same(a: Grouping, b: Grouping) -> bool:
    """Whether two plans are one; how long it took to find them does not matter."""
    first, second = a.to_json(), b.to_json()
    return {**first, "seconds": 0} == {**second, "seconds": 0}


def named_results(results: Sequence[TrainingResult] | Results) -> dict[str, TrainingResult]:
    """Label → result, labels unique; a sequence is named by label or method."""
    if isinstance(results, Mapping):
        return {str(label): result for label, result in results.items()}
    named: dict[str, TrainingResult] = {}
    for result in results:
        label = str(result.settings.get("label") or result.grouping.method)
        number, unique = 1, label
        while unique in named:
            number += 1
            unique = f"{label} {number}"
        named[unique] = result
    return named
