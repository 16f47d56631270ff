"""What every clustering of an affinity matrix shares: from memberships to a :class:`Grouping`."""

import time
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from taskviz.grouping.base import Affinity, Grouper
from taskviz.grouping.budget import affinity_name, integer_budget, need_matrix
from taskviz.grouping.objective import DENSITY, density_of, pair_affinity, serve
from taskviz.values import AffinityMatrix, Grouping, option_values

SingletonRule = Literal["join", "keep"]

Memberships = NDArray[np.bool_]
"""``(groups, T)``: which tasks a group holds."""


@dataclass(frozen=True)
class Found:
    """What a clustering says for one number of groups.

    Args:
        groups: memberships.
        notes: sentences for the reader.
        bound: the highest density that any partition into this many groups can reach, or None.
    """

    groups: Memberships
    notes: tuple[str, ...] = ()
    bound: float | None = None


class Clustering(Grouper):
    """Groups from a matrix, at most ``budget`` of them.

    A subclass says in :meth:`clusters` which tasks belong together; here its answer is cleaned
    (empty and repeated groups go, the singleton rule of ``options.singletons`` is applied), scored
    by density and served by mean affinity. With ``options.number`` = ``auto`` the budget is an
    upper limit, and the method's own criterion (:meth:`preference`) picks the number below it.

    Tasks are handed to the method in the order of their names, so that the same tasks get the
    same groups in whatever order they come.
    """

    @abstractmethod
    def clusters(
        self, affinity: AffinityMatrix, numbers: Sequence[int], seed: int
    ) -> Sequence["Found"]:
        """For each number of groups what was found; asked only for 1 < number < T."""

    @abstractmethod
    def preference(self, affinity: AffinityMatrix, largest: int, seed: int) -> NDArray[np.float64]:
        """``(largest,)`` the method's own criterion for 1, 2, … groups; the highest is taken."""

    def group(self, affinity: Affinity, budget: float, seed: int = 0) -> Grouping:
        """See :meth:`Grouper.group`."""
        return self.frontier(affinity, [budget], seed)[0]

    def frontier(
        self, affinity: Affinity, budgets: Sequence[float], seed: int = 0
    ) -> list[Grouping]:
        """See :meth:`Grouper.frontier`; ``seconds`` is each grouping's share of the whole."""
        start = time.perf_counter()
        matrix = need_matrix(affinity, self.name)
        size = len(matrix.tasks)
        numbers = [integer_budget(budget, size, self.name) for budget in budgets]
        ordered = _by_name(matrix)
        similarity, shared_notes = pair_affinity(ordered)
        limits = numbers
        if self.options.number == "auto" and numbers:
            criterion = self.preference(ordered, max(numbers), seed)
            numbers = [int(criterion[:limit].argmax()) + 1 for limit in limits]
        wanted = sorted({number for number in numbers if 1 < number < size})
        found = dict(zip(wanted, self.clusters(ordered, wanted, seed), strict=True))
        found[1] = Found(np.ones((1, size), dtype=bool))
        found[size] = Found(np.eye(size, dtype=bool))
        made = []
        for number, limit in zip(numbers, limits, strict=True):
            # A budget of a network a task leaves no singleton anything to gain by joining.
            rule: SingletonRule = "keep" if number == size else self.options.singletons
            groups = tidy(found[number].groups, similarity, rule)
            notes = found[number].notes
            if self.options.number == "auto":
                notes = (*notes, f"The method chose {number} groups out of 1 to {limit}.")
            names = in_order(groups, ordered.tasks, matrix.tasks)
            serving = serve(matrix, names)
            score = density_of(similarity, [np.flatnonzero(row) for row in groups])
            bound = found[number].bound
            if bound is not None:
                # A bound on partitions into `number` groups says nothing of others.
                same = len(groups) == number and sum(map(len, names)) == size
                bound = max(bound, score) if same else None
            made.append(
                Grouping.of(
                    names,
                    budget=limit,
                    serving=serving,
                    score=score,
                    bound=bound,
                    gap=None if bound is None else (bound - score) / max(abs(score), 1e-12),
                    objective=DENSITY,
                    method=self.name,
                    options=option_values(self.options),
                    seed=seed,
                    affinity=affinity_name(matrix),
                    notes=(*shared_notes, *notes, *_remarks(names, serving, number)),
                )
            )
        seconds = (time.perf_counter() - start) / max(len(made), 1)
        return [_timed(grouping, seconds) for grouping in made]


def tidy(groups: Memberships, similarity: NDArray[np.float64], rule: SingletonRule) -> Memberships:
    """Groups without empty and repeated ones, with the singleton rule applied.

    ``join``: the singleton most similar to another group (mean affinity to its members) joins it,
    until none is left (SCA paper 4.2.2). A task alone in one group and also in another just
    leaves the first. ``keep``: a task alone in a group is in no other.
    """
    groups = np.unique(groups[groups.any(axis=1)], axis=0)
    alone = groups.sum(axis=1) == 1
    if rule == "keep":
        loners = groups[alone].any(axis=0)
        rest = groups[~alone] & ~loners
        return _distinct(np.concatenate([groups[alone], rest]))
    shared = groups[~alone].any(axis=0)
    groups = groups[~(alone & (groups & shared).any(axis=1))]
    while len(groups) > 1 and (groups.sum(axis=1) == 1).any():
        best: tuple[float, int, int] | None = None
        for i in np.flatnonzero(groups.sum(axis=1) == 1):
            task = int(np.flatnonzero(groups[i])[0])
            for j in range(len(groups)):
                if j != i:
                    closeness = float(similarity[task, groups[j]].mean())
                    if best is None or closeness > best[0]:
                        best = (closeness, int(i), j)
        assert best is not None
        _, i, j = best
        groups[j] |= groups[i]
        groups = np.delete(groups, i, axis=0)
    return _distinct(groups)


def _distinct(groups: Memberships) -> Memberships:
    return np.unique(groups[groups.any(axis=1)], axis=0)


def in_order(
    groups: Memberships, tasks: Sequence[str], wanted: Sequence[str]
) -> list[tuple[str, ...]]:
    """Groups as names, members and groups in the order of ``wanted``."""
    place = {task: i for i, task in enumerate(wanted)}
    rows = [sorted(place[tasks[i]] for i in np.flatnonzero(row)) for row in groups]
    return [tuple(wanted[i] for i in row) for row in sorted(rows)]


def one_hot(labels: NDArray[np.intp], number: int) -> Memberships:
    """Memberships from one label a task."""
    return np.asarray(np.arange(number)[:, None] == labels[None, :])


def _by_name(matrix: AffinityMatrix) -> AffinityMatrix:
    order = sorted(range(len(matrix.tasks)), key=lambda i: matrix.tasks[i])
    pick = np.ix_(order, order)
    return AffinityMatrix(
        values=matrix.values[pick],
        tasks=tuple(matrix.tasks[i] for i in order),
        method=matrix.method,
        standard_error=None if matrix.standard_error is None else matrix.standard_error[pick],
        support=None if matrix.support is None else matrix.support[pick],
    )


def _remarks(
    names: Sequence[tuple[str, ...]], serving: dict[str, int], number: int
) -> Iterator[str]:
    if len(names) < number:
        yield f"The method ended with {len(names)} groups, fewer than the {number} asked for."
    if sum(map(len, names)) > len(serving):
        yield (
            "Groups overlap, and density counts a shared task in each of its groups: compare it "
            "with other overlapping groupings only."
        )
    for i in sorted(set(range(len(names))) - set(serving.values())):
        yield f"Group {i + 1} serves no task: each of its tasks is served better by another."


def _timed(grouping: Grouping, seconds: float) -> Grouping:
    return replace(grouping, seconds=seconds)
