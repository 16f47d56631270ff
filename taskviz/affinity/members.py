"""The tasks of a group, by number."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from taskviz.values import AffinityMatrix, TaskvizError, unknown_choice


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
    """

    affinity_: AffinityMatrix
    predicts: Literal["affinity", "loss", "gain"] = "affinity"

    @property
    def name(self) -> str:
        """Of the method that the matrix came from."""
        return self.affinity_.method

    def predict(self, group: Iterable[str]) -> dict[str, float]:
        """See :func:`mean_of_members`."""
        return mean_of_members(self.affinity_, group)
