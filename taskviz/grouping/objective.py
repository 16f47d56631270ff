"""What a grouping is worth: density for clusterings, best predicted score for selection.

Everything here takes groups as task names and never looks at a trained network.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from taskviz.grouping.base import Affinity
from taskviz.values import AffinityMatrix, SubsetTable, TaskvizError

Groups = Sequence[Sequence[str]]
Diagonal = Literal["leave-out", "keep"]
Singletons = Literal["undefined", "zero", "diagonal"]

DENSITY = "density: Σ over groups of the mean row sum of affinity inside it, higher is better"


def pair_affinity(
    affinity: AffinityMatrix, diagonal: Diagonal = "leave-out"
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """The symmetric matrix that clusterings and :func:`density` work on, and notes about it.

    It is ``(A + Aᵀ)/2``. A pair measured in no direction gets the mean of the measured pairs, so
    that it neither draws two tasks together nor holds them apart; a note says how many. Negative
    affinities stay as they are: they count against a group.

    Args:
        diagonal: estimators differ in what stands there (1 for SCA, a task's effect on itself for
            TAG, 0 for gains), and it is no affinity between tasks: ``leave-out`` sets it to 0,
            ``keep`` takes it as given (the talk's formula to the letter).

    Raises:
        TaskvizError: no pair was measured at all, or a diagonal that is kept is missing.
    """
    matrix = affinity.symmetric()
    off = ~np.eye(len(matrix), dtype=bool)
    known = off & ~np.isnan(matrix)
    notes: tuple[str, ...] = ()
    if off.any() and not known.any():
        raise TaskvizError(
            f"Affinity matrix ({affinity.method}): no pair of tasks has been measured, so there is "
            "nothing to group by."
        )
    missing = off & np.isnan(matrix)
    if missing.any():
        matrix[missing] = matrix[known].mean()
        notes = (
            f"{int(missing.sum()) // 2} pairs of tasks rest on no data and were given the mean "
            "affinity of the others.",
        )
    if diagonal == "leave-out":
        np.fill_diagonal(matrix, 0.0)
    elif np.isnan(np.diag(matrix)).any():
        task = affinity.tasks[int(np.flatnonzero(np.isnan(np.diag(matrix)))[0])]
        raise TaskvizError(
            f"Affinity matrix ({affinity.method}): the entry of task {task!r} with itself is "
            "missing; leave the diagonal out or give a matrix that has it."
        )
    return matrix, notes


def density(affinity: AffinityMatrix, groups: Groups, diagonal: Diagonal = "leave-out") -> float:
    """Σ_c (1/|C_c|) Σ_{s,t ∈ C_c} A[s,t] on the symmetrised matrix (talk).

    With the diagonal left out (see :func:`pair_affinity`) a singleton contributes 0, and at one
    number of disjoint groups a constant diagonal would only have added a constant.

    Raises:
        TaskvizError: a group names a task that the matrix does not have.
    """
    matrix, _ = pair_affinity(affinity, diagonal)
    return density_of(matrix, [indices(affinity.tasks, group) for group in groups])


def density_of(matrix: NDArray[np.float64], groups: Iterable[NDArray[np.intp]]) -> float:
    """:func:`density` on a prepared matrix, groups as indices."""
    return float(sum(matrix[np.ix_(group, group)].sum() / len(group) for group in groups))


def higher_is_better(scores: Affinity) -> bool:
    """Affinities are better when higher, losses of a subset table when lower."""
    return isinstance(scores, AffinityMatrix)


def group_scores(
    scores: Affinity,
    groups: Groups,
    singletons: Singletons = "undefined",
    costs: Sequence[float] | None = None,
) -> NDArray[np.float64]:
    """``(groups, T)`` predicted score of each task in each group that holds it, else NaN.

    From a matrix: the mean over the measured A[u,t] of the other members u (TAG's rule). From a
    subset table: the mean loss over the networks trained on exactly this group.

    Args:
        scores: the matrix (higher is better) or the table (lower is better).
        groups: task names.
        singletons: what a matrix says of a task alone: nothing, 0 (sensible where affinity is a
            gain over training alone), or its diagonal entry.
        costs: of each group's network; a table may hold one subset at several costs. Without
            them the largest (full-size) networks count.

    Raises:
        TaskvizError: a group names a task that is not there.
    """
    members = [indices(scores.tasks, group) for group in groups]
    found = np.full((len(groups), len(scores.tasks)), np.nan)
    if isinstance(scores, SubsetTable):
        for i, (group, inside) in enumerate(zip(groups, members, strict=True)):
            rows = scores.rows_of(group)
            if not len(rows):
                continue
            cost = scores.cost[rows].max() if costs is None else costs[i]
            rows = rows[np.isclose(scores.cost[rows], cost)]
            if len(rows):
                found[i, inside] = mean_known(scores.losses[np.ix_(rows, inside)])
        return found
    values = scores.values
    for i, inside in enumerate(members):
        if len(inside) > 1:
            block = values[np.ix_(inside, inside)].copy()
            np.fill_diagonal(block, np.nan)
            found[i, inside] = mean_known(block)
        elif singletons == "zero":
            found[i, inside] = 0.0
        elif singletons == "diagonal":
            found[i, inside] = values[inside, inside]
    return found


def selection_score(
    scores: Affinity,
    groups: Groups,
    singletons: Singletons = "undefined",
    costs: Sequence[float] | None = None,
) -> float:
    """Σ_t best predicted score of t over the groups that hold it (HOA, TAG).

    Raises:
        TaskvizError: a task has a predicted score in no group: it is in none, or only alone where
            ``singletons`` is ``undefined``, or the table holds none of its groups.
    """
    found = group_scores(scores, groups, singletons, costs)
    lost = np.isnan(found).all(axis=0) if len(found) else np.ones(len(scores.tasks), dtype=bool)
    if lost.any():
        task = scores.tasks[int(np.flatnonzero(lost)[0])]
        raise TaskvizError(
            f"Task {task!r} has a predicted score in none of the groups: it needs a group that "
            "the scores know, and a matrix knows none for a task alone unless singletons are "
            "scored by 'zero' or 'diagonal'."
        )
    best = np.nanmax(found, axis=0) if higher_is_better(scores) else np.nanmin(found, axis=0)
    return float(best.sum())


def serve(
    scores: Affinity,
    groups: Groups,
    singletons: Singletons = "undefined",
    costs: Sequence[float] | None = None,
) -> dict[str, int]:
    """Task → index of the group with the best predicted score; ties go to the lowest index.

    A group without a score for the task comes last; where none has one, the first that holds the
    task serves it.
    """
    found = group_scores(scores, groups, singletons, costs)
    sign = 1.0 if higher_is_better(scores) else -1.0
    rank = np.where(np.isnan(found), -np.inf, sign * found)
    serving: dict[str, int] = {}
    for t, task in enumerate(scores.tasks):
        holders = [i for i, group in enumerate(groups) if task in group]
        if holders:
            serving[task] = max(holders, key=lambda i: (rank[i, t], -i))
    return serving


def indices(tasks: Sequence[str], group: Iterable[str]) -> NDArray[np.intp]:
    """Positions of a group's tasks.

    Raises:
        TaskvizError: a name that is not among the tasks.
    """
    where = {task: i for i, task in enumerate(tasks)}
    names = list(group)
    for name in names:
        if name not in where:
            raise TaskvizError(
                f"A group names task {name!r}, which the affinity does not have; its tasks are "
                f"{', '.join(tasks)}."
            )
    return np.array([where[name] for name in names], dtype=np.intp)


def mean_known(block: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of each column over its entries that are not NaN; NaN where there are none."""
    known = ~np.isnan(block)
    count = known.sum(axis=0)
    total = np.where(known, block, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
