"""Every disjoint plan of a few tasks at once: partitions as the codes of their groups.

A group is a number whose bit ``t`` is set where task ``t`` is in it, so a table with a row a group
scores all plans by one look-up.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from taskviz.values import TaskvizError

LARGEST = 12
"""Tasks whose plans are listed: 12 have 611,501 partitions into four groups."""

Codes = NDArray[np.int64]


def code_of(members: Sequence[int]) -> int:
    """The code of a group of task numbers."""
    return sum(1 << int(t) for t in members)


def codes_of(membership: NDArray[np.bool_]) -> Codes:
    """``(m,)`` codes of ``(m, T)`` memberships."""
    return np.asarray(membership.astype(np.int64) @ (1 << np.arange(membership.shape[1])))


def members_of(code: int) -> tuple[int, ...]:
    """Task numbers of a group."""
    return tuple(t for t in range(int(code).bit_length()) if code >> t & 1)


def membership_of(codes: Codes, tasks: int) -> NDArray[np.bool_]:
    """``(…, T)`` bool; the inverse of :func:`codes_of`."""
    return np.asarray(codes[..., None] >> np.arange(tasks) & 1, dtype=bool)


@lru_cache(maxsize=64)
def partitions(tasks: int, groups: int) -> Codes:
    """``(plans, groups)`` codes of all partitions of the tasks into exactly ``groups`` groups.

    Groups stand in the order of their lowest task. The array must not be changed.

    Raises:
        TaskvizError: more than :data:`LARGEST` tasks, or a number of groups that cannot be.
    """
    if not 1 <= groups <= tasks:
        raise TaskvizError(
            f"{tasks} tasks cannot be parted into {groups} groups: 1 to {tasks} are possible."
        )
    if tasks > LARGEST:
        raise TaskvizError(
            f"All plans of {tasks} tasks are too many to list: at most {LARGEST} tasks; select "
            "some of them."
        )
    found = np.array(list(_grow(tasks, groups)), dtype=np.int64)
    found.flags.writeable = False
    return found


def _grow(tasks: int, groups: int) -> Iterator[tuple[int, ...]]:
    """Partitions by placing the last task: alone, or into a group of the others."""
    if groups == 1:
        yield ((1 << tasks) - 1,)
        return
    bit = 1 << (tasks - 1)
    if tasks > groups:
        for plan in _grow(tasks - 1, groups):
            for at in range(groups):
                yield (*plan[:at], plan[at] | bit, *plan[at + 1 :])
    for plan in _grow(tasks - 1, groups - 1):
        yield (*plan, bit)


def plan_scores(sums: NDArray[np.float64], plans: Codes) -> NDArray[np.float64]:
    """``(…, plans)`` score of each plan: the sum over its groups of ``sums[…, code]``.

    Args:
        sums: ``(…, 2^T)`` sum over a group's tasks of what each scores in it.
        plans: as :func:`partitions` gives them.
    """
    return np.asarray(sums[..., plans].sum(axis=-1))


def best_plan(sums: NDArray[np.float64], budget: int, *, exactly: bool = False) -> tuple[int, ...]:
    """The disjoint plan of at most (or exactly) ``budget`` groups with the least score.

    Args:
        sums: ``(2^T,)`` as for :func:`plan_scores`; unknown groups are NaN or inf, never chosen.

    Raises:
        TaskvizError: no plan consists of known groups.
    """
    tasks = len(sums).bit_length() - 1
    filled = np.where(np.isnan(sums), np.inf, sums)
    best: tuple[float, tuple[int, ...]] = (np.inf, ())
    for groups in range(budget if exactly else 1, min(budget, tasks) + 1):
        plans = partitions(tasks, groups)
        scores = plan_scores(filled, plans)
        at = int(scores.argmin())
        if scores[at] < best[0]:
            best = float(scores[at]), tuple(int(code) for code in plans[at])
    if not best[1]:
        raise TaskvizError(f"No plan of {budget} groups has a known score for all tasks.")
    return best[1]
