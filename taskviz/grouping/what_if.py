"""What an edit of a plan is predicted to change: scores, moves, locks; no screen in here."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskviz.grouping.base import Affinity
from taskviz.grouping.network_selection.constraints import Constraints, parse_sets
from taskviz.grouping.objective import (
    Singletons,
    density,
    group_scores,
    higher_is_better,
    indices,
    serve,
)
from taskviz.values import AffinityMatrix, Grouping, SubsetTable, TaskvizError

Groups = tuple[tuple[str, ...], ...]
Price = Callable[[tuple[str, ...]], float]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What groups are predicted to give.

    Args:
        tasks: names, in the order of the columns of ``members``.
        members: ``(groups, T)`` predicted score of each task in each group that holds it; NaN
            elsewhere and where the scores say nothing.
        serving: task → index of the group with its best score.
        total: the objective of the method that proposed the plan; None where it has none, or where
            a task has no score at all.
        costs: of each group's network, in models.
        higher_is_better: whether a larger score is a gain.
    """

    tasks: tuple[str, ...]
    members: NDArray[np.float64]
    serving: Mapping[str, int]
    total: float | None
    costs: tuple[float, ...]
    higher_is_better: bool

    def score(self, task: str) -> float:
        """Predicted score of a task from the group that serves it; NaN where nothing is known."""
        return float(self.members[self.serving[task], self.tasks.index(task)])

    def gain(self, before: "Evaluation", task: str) -> float:
        """How much better a task fares than before: above 0 is better; NaN where unknown."""
        change = self.score(task) - before.score(task)
        return change if self.higher_is_better else -change

    @property
    def unknown(self) -> tuple[str, ...]:
        """Tasks that have a predicted score in none of their groups."""
        return tuple(t for t in self.tasks if t in self.serving and np.isnan(self.score(t)))


def evaluate(
    affinity: Affinity,
    groups: Sequence[Sequence[str]],
    like: Grouping | None = None,
    price: Price | None = None,
) -> Evaluation:
    """Scores of each task in these groups, by the rules of the plan that was proposed.

    Args:
        affinity: a matrix or a subset table.
        groups: task names; every task in one at least.
        like: the proposal: its objective, its rule for singletons, its costs where a group is the
            same. None scores by best predicted score.
        price: group → cost in the proposal's unit, such as a
            :class:`~taskviz.grouping.group_costs.CostModel`; needed where that is not networks.

    Raises:
        TaskvizError: a group names a task that the affinity does not have, or has no known price.
    """
    costs = _costs(affinity, groups, like, price)
    singletons = _singletons(like)
    # Prices tell no network of a table from another: all of them are full-size then.
    sizes = costs if price is None and (like is None or like.cost_unit == "networks") else None
    found = group_scores(affinity, groups, singletons, sizes)
    serving = serve(affinity, groups, singletons, sizes)
    higher = higher_is_better(affinity)
    total: float | None = None
    if like is not None and like.objective.startswith("density"):
        assert isinstance(affinity, AffinityMatrix)
        total = density(affinity, groups)
    elif like is None or not like.objective.startswith("none"):
        known = ~np.isnan(found)
        if len(found) and known.any(axis=0).all():
            best = np.where(known, found, -np.inf if higher else np.inf)
            total = float((best.max(axis=0) if higher else best.min(axis=0)).sum())
    return Evaluation(affinity.tasks, found, serving, total, costs, higher)


def move(
    groups: Sequence[Sequence[str]], task: str, target: int, source: int | None = None
) -> Groups:
    """Groups with a task moved; a group that is emptied vanishes.

    Args:
        groups: task names of each group.
        task: what moves.
        target: index of the group it moves to; ``len(groups)`` opens a new one.
        source: index of the group it leaves; None leaves every group that holds it.

    Raises:
        TaskvizError: the task is not there, or the target is no group.
    """
    holders = [i for i, group in enumerate(groups) if task in group]
    if not holders or (source is not None and source not in holders):
        raise TaskvizError(f"Task {task!r} is not in the group that it should leave.")
    if not 0 <= target <= len(groups):
        raise TaskvizError(f"There is no group {target + 1}: {len(groups)} groups are there.")
    left = holders if source is None else [source]
    made = [[t for t in g if t != task or i not in left] for i, g in enumerate(groups)]
    made.append([])
    if task not in made[target]:
        made[target].append(task)
    return tuple(tuple(group) for group in made if group)


def keep_locked(
    groups: Sequence[Sequence[str]],
    before: Sequence[Sequence[str]],
    locked: Collection[str],
    most: int,
) -> Groups:
    """New groups with locked tasks put back together as they were before.

    Locked tasks of one earlier group go to the new group that holds most of them; those of
    different earlier groups to different new ones, as long as ``most`` groups allow it.

    Args:
        groups: what a method proposes.
        before: where the tasks were.
        locked: tasks that stay together with the locked tasks of their group.
        most: how many groups may be made.
    """
    made = [[t for t in group if t not in locked] for group in groups]
    given = [set(group) for group in groups]
    taken: set[int] = set()
    for column in before:
        held = [t for t in column if t in locked]
        if not held:
            continue
        free = [i for i in range(len(made)) if i not in taken]
        if not free and len(made) < most:
            made.append([])
            given.append(set())
            free = [len(made) - 1]
        # Fewer models than groups with locks: the nearest takes them in.
        home = max(free or range(len(made)), key=lambda i: (len(given[i] & set(held)), -i))
        taken.add(home)
        made[home] += [t for t in held if t not in made[home]]
    return tuple(tuple(group) for group in made if group)


def align(
    groups: Sequence[Sequence[str]],
    before: Sequence[Sequence[str]],
    locked: Collection[str] = (),
) -> Groups:
    """The same groups in the order of those that they resemble, so that letters stay put."""
    weight = [
        (sum(1 + 100 * (t in locked) for t in set(old) & set(new)), -i, -j)
        for i, old in enumerate(before)
        for j, new in enumerate(groups)
    ]
    placed: dict[int, int] = {}
    for shared, i, j in sorted(weight, reverse=True):
        if shared and -i not in placed and -j not in placed.values():
            placed[-i] = -j
    rest = [j for j in range(len(groups)) if j not in placed.values()]
    slots: list[int] = []
    for i in range(max(len(before), len(groups))):
        if i in placed:
            slots.append(placed[i])
        elif rest:
            slots.append(rest.pop(0))
    return tuple(tuple(groups[j]) for j in slots)


def lock_options(
    options: Mapping[str, Any],
    before: Sequence[Sequence[str]],
    locked: Collection[str],
    tasks: Sequence[str],
    most: int,
) -> dict[str, Any]:
    """Options of ``selection`` with locks as constraints ``together`` and ``apart``.

    Args:
        options: those of the user, kept.
        before: where the tasks are.
        locked: tasks that stay with the locked tasks of their group.
        tasks: all names.
        most: with more locked groups than this, they need not stay apart.
    """
    held = [[t for t in column if t in locked] for column in before]
    held = [names for names in held if names]
    together = [list(s) for s in parse_sets(str(options.get("together") or ""), tasks, "together")]
    apart = [list(s) for s in parse_sets(str(options.get("apart") or ""), tasks, "apart")]
    together += [names for names in held if len(names) > 1]
    first = list(dict.fromkeys(names[0] for names in held))
    if 1 < len(first) <= most:
        apart.append(first)
    return {
        **options,
        "together": repr(together) if together else "",
        "apart": repr(apart) if apart else "",
    }


def same_groups(one: Sequence[Sequence[str]], other: Sequence[Sequence[str]]) -> bool:
    """True where the groups are the same, whatever their order."""
    return sorted(map(sorted, one)) == sorted(map(sorted, other))


def broken_rules(like: Grouping, groups: Sequence[Sequence[str]]) -> list[str]:
    """Constraints of a proposal by ``selection`` that edited groups do not keep."""
    if like.method != "selection":
        return []
    tasks, options = like.tasks, like.options
    rules = Constraints(
        smallest=int(options.get("smallest") or 1),
        largest=options.get("largest"),
        together=parse_sets(str(options.get("together") or ""), tasks, "together"),
        apart=parse_sets(str(options.get("apart") or ""), tasks, "apart"),
        singletons=options.get("singletons") != "forbid",
    )
    members = np.zeros((len(groups), len(tasks)), dtype=bool)
    for i, group in enumerate(groups):
        members[i, indices(tasks, group)] = True
    broken = [label for label, test in rules.rules(tasks) if not test(members).all()]
    if not options.get("overlap", True) and (members.sum(axis=0) > 1).any():
        broken.append("no overlap")
    return broken


def edited_plan(
    affinity: Affinity,
    groups: Sequence[Sequence[str]],
    like: Grouping,
    *,
    notes: tuple[str, ...] = (),
    price: Price | None = None,
    **options: Any,
) -> Grouping:
    """Groups changed by hand as a plan, scored by the objective of the proposal.

    The bound of the proposal holds for it too, unless it breaks a constraint or costs more than
    the budget.

    Args:
        affinity: what the proposal was made from.
        groups: the edited groups.
        like: the proposal.
        notes: sentences to keep beside it.
        price: of a group, in the proposal's unit; see :func:`evaluate`.
        options: what else to remember, as plain data.
    """
    found = evaluate(affinity, groups, like, price)
    cost = sum(found.costs)
    bound = gap = None
    within = cost <= like.budget * (1 + 1e-9) and not broken_rules(like, groups)
    if like.bound is not None and found.total is not None and within:
        bound = like.bound
        gap = abs(found.total - bound) / max(abs(found.total), 1e-12)
        gap = 0.0 if gap <= 1e-9 else gap
    return replace(
        like,
        groups=tuple(tuple(group) for group in groups),
        serving=found.serving,
        cost=cost,
        costs=found.costs if like.costs or isinstance(affinity, SubsetTable) else (),
        score=found.total,
        bound=bound,
        gap=gap,
        method="manual",
        options={"from": like.method, "from_options": dict(like.options), **options},
        seconds=0.0,
        notes=notes,
    )


def _singletons(like: Grouping | None) -> Singletons:
    rule = like.options.get("singletons") if like is not None else None
    if like is not None and like.method == "selection" and rule in ("zero", "diagonal"):
        return "zero" if rule == "zero" else "diagonal"
    return "undefined"


def _costs(
    affinity: Affinity,
    groups: Sequence[Sequence[str]],
    like: Grouping | None,
    price: Price | None,
) -> tuple[float, ...]:
    """By price; else of the same group in the proposal, the largest network of the table, or 1."""
    if price is not None:
        return tuple(price(tuple(group)) for group in groups)
    known: dict[frozenset[str], float] = {}
    if like is not None and like.costs:
        known = {frozenset(g): c for g, c in zip(like.groups, like.costs, strict=True)}
    made = []
    for group in groups:
        cost = known.get(frozenset(group))
        if cost is None and like is not None and like.cost_unit != "networks":
            raise TaskvizError(
                f"The plan is priced in {like.cost_unit}, and what the group {', '.join(group)} "
                "costs is not known: hand in the prices that it was made with."
            )
        if cost is None and isinstance(affinity, SubsetTable):
            rows = affinity.rows_of(group)
            cost = float(affinity.cost[rows].max()) if len(rows) else None
        made.append(1.0 if cost is None else cost)
    return tuple(made)
