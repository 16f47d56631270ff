"""Why nothing can be selected: the constraints that clash, or the least feasible budget."""

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from taskviz.grouping.network_selection.candidates import Candidates
from taskviz.grouping.network_selection.constraints import NO_OVERLAP, Constraints, Rule, clash
from taskviz.grouping.network_selection.milp import coverable
from taskviz.grouping.network_selection.scores import GroupScores
from taskviz.values import TaskvizError

EXPLAIN_SECONDS = 10.0


def explain_infeasible(scores: GroupScores, constraints: Constraints, listed: Candidates) -> None:
    """Raise where no budget would do, naming a smallest set of constraints that clash.

    Raises:
        TaskvizError: as said.
    """
    if coverable(listed, constraints.overlap):
        return
    everything = scores.listed()
    if everything is None:
        everything = Candidates.every_group(scores, lambda m: np.ones(len(m), bool), lambda: None)
        if not scores.knows_singletons:
            # As if a task alone had a score: then "no singletons" is a rule among the others.
            everything = _with_singletons(everything)
    rules = constraints.rules(scores.tasks)
    overlap = constraints.overlap
    if not coverable(everything, True):
        raise TaskvizError(
            "The groups whose scores are known do not cover every task, whatever the constraints."
        )
    # Leave out one rule after another as long as what is left still cannot be met: the rest clash.
    if not overlap and not _met(everything, rules, True):
        overlap = True
    kept = list(rules)
    for rule in rules:
        fewer = [other for other in kept if other is not rule]
        if not _met(everything, fewer, overlap):
            kept = fewer
    names = [name for name, _ in kept] + ([] if overlap else [NO_OVERLAP])
    if scores.listed() is not None:
        names.append("the networks of the table")
    raise clash(names)


def _with_singletons(known: Candidates) -> Candidates:
    size = known.members.shape[1]
    alone = np.eye(size, dtype=bool)
    return Candidates(
        np.concatenate([known.members, alone]),
        np.concatenate([known.cost, np.ones(size)]),
        np.concatenate([known.losses, np.where(alone, 0.0, np.inf)]),
    )


def _met(everything: Candidates, rules: Sequence[Rule], overlap: bool) -> bool:
    passed = np.ones(len(everything), dtype=bool)
    for _, rule in rules:
        passed &= rule(everything.members)
    return coverable(everything.keep(passed), overlap)


def explain_unlisted(scores: GroupScores, constraints: Constraints) -> None:
    """The same where groups are too many to list.

    Raises:
        TaskvizError: no number of groups keeps to the rules.
    """
    tasks = scores.tasks
    if not constraints.rules(tasks) or fewest_groups(tasks, constraints) is not None:
        return
    deadline = time.monotonic() + EXPLAIN_SECONDS
    for _, looser in constraints.loosened(tasks):
        # In turn from what is left, as a rule dropped before stays dropped.
        trial = looser(constraints)
        if time.monotonic() < deadline and fewest_groups(tasks, trial) is None:
            constraints = trial
    raise clash([name for name, _ in constraints.loosened(tasks)])


def fewest_groups(tasks: Sequence[str], constraints: Constraints) -> NDArray[np.bool_] | None:
    """``(k, T)`` as few groups as keep to the rules; None where no number does.

    Solved by integer programming over who is in which group, one number of groups after another;
    what groups cost is left out.
    """
    size = len(tasks)
    floor = constraints.floor
    largest = size if constraints.largest is None else constraints.largest
    last = size if constraints.overlap else size // max(floor, 1)
    for number in range(-(-size // largest), last + 1):
        found = _assignment(tasks, constraints, number, floor, largest)
        if found is not None:
            return found
    return None


def _assignment(
    tasks: Sequence[str], constraints: Constraints, number: int, floor: int, largest: int
) -> NDArray[np.bool_] | None:
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_array, eye_array, kron

    size = len(tasks)
    n = size * number
    # Variable (g, t) at g·T + t: task t is in group g.
    cover = kron(np.ones((1, number)), eye_array(size))
    sizes = kron(eye_array(number), np.ones((1, size)))
    rows = [
        LinearConstraint(cover, 1, np.inf if constraints.overlap else 1),
        LinearConstraint(sizes, floor, largest),
    ]
    tied = [(u[0], other) for u in constraints.units(tasks) for other in u[1:]]
    pairs = np.argwhere(np.triu(constraints.apart_matrix(tasks)))
    for links, sign, high in ((np.array(tied), -1.0, 0.0), (pairs, 1.0, 1.0)):
        if len(links):
            count = np.arange(len(links))
            one = coo_array(
                (
                    np.concatenate([np.ones(len(links)), np.full(len(links), sign)]),
                    (np.concatenate([count, count]), links.T.ravel()),
                ),
                shape=(len(links), size),
            )
            low = 0.0 if sign < 0 else -np.inf
            rows.append(LinearConstraint(kron(eye_array(number), one), low, high))
    found = milp(
        np.zeros(n),
        integrality=np.ones(n),
        bounds=Bounds(0, 1),
        constraints=rows,
        options={"time_limit": 10.0},
    )
    return None if found.x is None else np.reshape(found.x > 0.5, (number, size))


class BudgetTooSmall(TaskvizError):
    """No selection keeps to the budget.

    Args:
        text: the sentence.
        budget: what was asked for.
        least: what the cheapest selection costs, or None where that is not known.
    """

    def __init__(self, text: str, budget: float, least: float | None) -> None:
        super().__init__(text)
        self.budget, self.least = budget, least


def too_small(budget: float, least: float | None) -> BudgetTooSmall:
    """The error of a budget that no selection keeps to; ``least``: the cheapest one's cost."""
    if least is None:
        text = (
            f"No selection that keeps to the constraints was found within a budget of {budget:g}: "
            "raise it or loosen them."
        )
    elif least > budget * (1 + 1e-9):
        text = (
            f"The budget is {budget:g}, but the cheapest selection that covers every task costs "
            f"{least:g}: raise it to {least:g} at least."
        )
    else:
        text = (
            f"No selection within a budget of {budget:g} was found in the time given, though one "
            f"of cost {least:g} exists: give it more seconds."
        )
    return BudgetTooSmall(text, budget, least)
