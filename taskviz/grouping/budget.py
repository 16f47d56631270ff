"""Checks of the inference budget, and of the kind of affinity, that several groupers share."""

import math

from taskviz.grouping.base import Affinity
from taskviz.values import AffinityMatrix, TaskvizError


def positive_budget(budget: float, method: str) -> float:
    """The budget as a finite float of at least 1.

    Raises:
        TaskvizError: it is not.
    """
    if not math.isfinite(budget) or budget < 1:
        raise TaskvizError(
            f"The budget of {method!r} is {budget:g} models: it must be a number from 1 up."
        )
    return float(budget)


def whole_models(budget: float, tasks: int, method: str) -> int:
    """⌊budget⌋ as a number of non-empty groups.

    Raises:
        TaskvizError: below 1 or above the number of tasks.
    """
    number = math.floor(positive_budget(budget, method))
    if number > tasks:
        raise TaskvizError(
            f"The budget of {method!r} is {budget:g} models, but {tasks} tasks make at most "
            f"{tasks} groups: choose 1 to {tasks}."
        )
    return number


def integer_budget(budget: float, tasks: int, method: str) -> int:
    """The budget as a whole number of groups.

    Raises:
        TaskvizError: not whole, below 1, or above the number of tasks.
    """
    number = whole_models(budget, tasks, method)
    if number != budget:
        raise TaskvizError(
            f"The budget of {method!r} is {budget:g} models: a clustering makes whole groups, so "
            "choose a whole number (selection takes fractions)."
        )
    return number


def need_matrix(affinity: Affinity, method: str) -> AffinityMatrix:
    """The affinity as a matrix.

    Raises:
        TaskvizError: it is a subset table, which only selection reads.
    """
    if isinstance(affinity, AffinityMatrix):
        return affinity
    raise TaskvizError(
        f"Grouping method {method!r} clusters an affinity matrix and was given a subset table: "
        "'selection' takes one (so do random, all-together and all-separate, which only read its "
        "task names)."
    )


def affinity_name(affinity: Affinity) -> str:
    """What a grouping says it was made from."""
    if isinstance(affinity, AffinityMatrix):
        return affinity.method
    return f"subset table of {len(affinity)} networks"
