"""The tasks of a group, by number."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from taskviz.values import AffinityMatrix, TaskvizError, unknown_choice

if TYPE_CHECKING:
    from taskviz.affinity.base import Outcome
    from taskviz.affinity.redraws import Redraws


def member_numbers(tasks: Sequence[str], group: Iterable[str]) -> list[int]:
    """Numbers of a group's tasks, in the order given.

    Raises:
        TaskvizError: an unknown or repeated task, or none.
    """
    given = [group] if isinstance(group, str) else list(group)
    if not given:
        raise TaskvizError("The group is empty: name at least one task.")
    where = {task: number for number, task in enumerate(tasks)}
    for task in given:
        if task not in where:
            raise unknown_choice("task", task, tasks)
    if len(set(given)) < len(given):
        raise TaskvizError(f"The group {'+'.join(given)} names a task more than once.")
    return [where[task] for task in given]


def membership_of(tasks: Sequence[str], groups: Sequence[Iterable[str]]) -> NDArray[np.bool_]:
    """``(m, T)`` from the task names of each group."""
    where = {task: number for number, task in enumerate(tasks)}
    inside = np.zeros((len(groups), len(tasks)), dtype=bool)
    for row, group in enumerate(groups):
        inside[row, [where[task] for task in group]] = True
    return inside


def mean_of_members(matrix: AffinityMatrix, group: Iterable[str]) -> dict[str, float]:
    """Score of each task of a group: mean affinity from the other members; NaN where unknown."""
    members = member_numbers(matrix.tasks, group)
    scores = {}
    for task in members:
        others = [matrix.values[u, task] for u in members if u != task]
        known = [value for value in others if not np.isnan(value)]
        scores[matrix.tasks[task]] = float(np.mean(known)) if known else float("nan")
    return scores


@dataclass(frozen=True)
class ByMatrix:
    """A matrix as an estimator, where nothing else is left of what it came from.

    Args:
        affinity_: the matrix.
        draws_: ``(k, T, T)`` the single measurements that it is the mean of, or its half-samples;
            None where they were not kept.
    """

    affinity_: AffinityMatrix
    predicts: Literal["affinity", "loss", "gain"] = "affinity"
    draws_: NDArray[np.float64] | None = None

    @property
    def name(self) -> str:
        """Of the method that the matrix came from."""
        return self.affinity_.method

    def predict(self, group: Iterable[str]) -> dict[str, float]:
        """See :func:`mean_of_members`."""
        return mean_of_members(self.affinity_, group)

    def redraws(self) -> "Redraws | None":
        """The measurements drawn, or the half-samples weighed; None where they were not kept."""
        from taskviz.affinity.redraws import redraws_of_halves, redraws_of_mean

        if self.draws_ is None:
            return None
        if (self.affinity_.reliability or {}).get("basis") == "rows":
            return redraws_of_halves(self.affinity_.values, self.draws_)
        return redraws_of_mean(self.draws_, "repeated measurements")

    def redrawn(self, outcome: "Outcome") -> "ByMatrix":
        """It as it would be, had that been measured."""
        matrix = replace(
            self.affinity_,
            values=outcome.values,
            standard_error=outcome.standard_error,
            support=outcome.support,
            reliability=None,
        )
        return ByMatrix(matrix, self.predicts)
