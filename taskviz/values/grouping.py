"""Which tasks are trained together, and which group serves each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from taskviz.values.checks import check_kind, check_names
from taskviz.values.errors import TaskvizError, unknown_choice
from taskviz.values.storage import dumps, read_json, write_text

CostUnit = Literal["networks", "parameters", "macs", "milliseconds"]
COST_UNITS: tuple[CostUnit, ...] = get_args(CostUnit)


@dataclass(frozen=True)
class Grouping:
    """Groups of tasks under an inference budget. Immutable.

    Args:
        groups: task names of each group; groups may overlap, every task is in one at least.
        serving: task → index of the group that serves it.
        budget: the inference budget it was made for.
        cost: what the groups cost, in the unit of the budget.
        score: value of the objective, or None where the method has none.
        objective: what the score is: its sense (higher or lower is better) and unit.
        method: grouper name.
        options: its options in full, as plain data.
        seed: the seed it was computed with.
        bound: best value that any grouping could reach, where a solver proved one.
        gap: relative distance of score and bound; 0 is proven optimal.
        seconds: wall time.
        affinity: key or name of the matrix or table it was made from.
        notes: sentences a reader must see beside it.
        costs: cost of each group's network, in the unit of the budget; empty where each costs 1.
        cost_unit: what budget and costs are counted in: ``networks`` (1 is a full-size one),
            ``parameters``, ``macs`` or ``milliseconds``.
    """

    groups: tuple[tuple[str, ...], ...]
    serving: Mapping[str, int]
    budget: float
    cost: float
    score: float | None = None
    objective: str = ""
    method: str = "manual"
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    bound: float | None = None
    gap: float | None = None
    seconds: float = 0.0
    affinity: str = ""
    notes: tuple[str, ...] = ()
    costs: tuple[float, ...] = ()
    cost_unit: CostUnit = "networks"

    def __post_init__(self) -> None:
        if self.cost_unit not in COST_UNITS:
            raise unknown_choice("cost unit of a grouping", str(self.cost_unit), COST_UNITS)
        if self.costs and len(self.costs) != len(self.groups):
            raise TaskvizError(
                f"A grouping has {len(self.groups)} groups but {len(self.costs)} costs: give one "
                "a group."
            )
        for i, group in enumerate(self.groups):
            if not group:
                raise TaskvizError(f"Group {i + 1} is empty: every group needs a task.")
            if len(set(group)) != len(group):
                raise TaskvizError(f"Group {i + 1} names a task twice: {', '.join(group)}.")
        for task in self.tasks:
            index = self.serving.get(task)
            if index is None or not 0 <= index < len(self.groups) or task not in self.groups[index]:
                raise TaskvizError(
                    f"Task {task!r} is served by group {index}, which does not hold it."
                )
        unknown = set(self.serving) - set(self.tasks)
        if unknown:
            raise TaskvizError(f"Task {sorted(unknown)[0]!r} is served but is in no group.")

    @property
    def tasks(self) -> tuple[str, ...]:
        """Every task once, in order of first appearance."""
        return tuple(dict.fromkeys(task for group in self.groups for task in group))

    @property
    def overlapping(self) -> bool:
        """True where a task is in two groups."""
        return sum(len(group) for group in self.groups) > len(self.tasks)

    @classmethod
    def of(
        cls, groups: Iterable[Iterable[str]], *, budget: float | None = None, **fields: Any
    ) -> "Grouping":
        """A grouping from groups alone: each costs 1; a task is served by its first group."""
        check_kind(groups, Iterable, "The list of groups", "a list of lists of tasks")
        made = tuple(check_names(group, "A group") for group in groups)
        serving: dict[str, int] = {}
        for i, group in enumerate(made):
            for task in group:
                serving.setdefault(task, i)
        fields.setdefault("cost", float(len(made)))
        fields.setdefault("serving", serving)
        return cls(groups=made, budget=float(len(made) if budget is None else budget), **fields)

    def to_json(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "groups": [list(group) for group in self.groups],
            "serving": dict(self.serving),
            "budget": self.budget,
            "cost": self.cost,
            "score": self.score,
            "objective": self.objective,
            "method": self.method,
            "options": dict(self.options),
            "seed": self.seed,
            "bound": self.bound,
            "gap": self.gap,
            "seconds": self.seconds,
            "affinity": self.affinity,
            "notes": list(self.notes),
            "costs": list(self.costs),
            "cost_unit": self.cost_unit,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Grouping":
        """The inverse of :meth:`to_json`; ``groups`` alone suffices."""
        try:
            groups = [[str(task) for task in group] for group in data["groups"]]
            known = {
                name: data[name]
                for name in cls.__dataclass_fields__
                if name not in ("groups", "notes", "budget", "costs") and data.get(name) is not None
            }
            known["costs"] = tuple(float(cost) for cost in data.get("costs") or ())
            if known["costs"]:
                known.setdefault("cost", sum(known["costs"]))
            return cls.of(
                groups, budget=data.get("budget"), notes=tuple(data.get("notes") or ()), **known
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise TaskvizError(
                f"This is not a saved grouping ({type(error).__name__}: {error}): "
                "it needs groups, a list of lists of task names."
            ) from None

    def save(self, path: Path | str) -> Path:
        """Write JSON, atomically."""
        return write_text(path, dumps(self.to_json()))

    @classmethod
    def read(cls, path: Path | str) -> "Grouping":
        """Read what :meth:`save` wrote."""
        return cls.from_json(read_json(path, "grouping"))
