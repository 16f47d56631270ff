"""What each task is predicted to lose in each group, whatever the prediction comes from."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from taskviz.grouping.network_selection.candidates import Candidates
from taskviz.values import AffinityMatrix, SubsetTable, TaskvizError

Members = NDArray[np.bool_]
SingletonScore = Literal["forbid", "zero", "diagonal"]
Predict = Callable[[tuple[str, ...]], Mapping[str, float]]
Cost = Callable[[tuple[str, ...]], float]


class GroupScores(ABC):
    """Predicted scores of tasks in groups, handed to the solvers as losses: lower is better.

    Args:
        tasks: names.
        higher_is_better: sense of the scores as the user knows them; the solvers see their
            negative where it is True.
        unit: what a score means, in words.
        name: what a grouping says it was made from.
    """

    tasks: tuple[str, ...]
    higher_is_better: bool
    unit: str
    name: str
    knows_singletons: bool = True
    """False: a task alone has no score, so no group may hold one task only."""
    uniform_cost: bool = True
    """True: every network costs 1."""

    @abstractmethod
    def losses(self, members: Members) -> NDArray[np.float64]:
        """``(m, T)`` losses for ``(m, T)`` memberships; inf outside the group and where unknown."""

    def costs(self, members: Members) -> NDArray[np.float64]:
        """``(m,)`` cost of each group's network; 1 unless told otherwise."""
        return np.ones(len(members))

    def listed(self) -> Candidates | None:
        """The only groups there are, where the prediction knows but a list of them."""
        return None

    def score(self, loss: float) -> float:
        """A loss in the user's sense."""
        return -loss if self.higher_is_better else loss


class MatrixScores(GroupScores):
    """Score of t: mean over the other members u of A[u,t] (TAG's rule), unmeasured ones left out.

    Args:
        affinity: ``[source, target]``, higher helps more.
        singletons: a task alone has no such mean: forbid groups of one (TAG's code), count it as
            0 (where affinity is a gain over training alone), or as its diagonal entry.
        cost: of a group's network; None: each costs 1.

    Raises:
        TaskvizError: a diagonal that is wanted is missing.
    """

    higher_is_better = True

    def __init__(
        self,
        affinity: AffinityMatrix,
        singletons: SingletonScore = "forbid",
        cost: Cost | None = None,
    ) -> None:
        self.tasks = affinity.tasks
        self.name = affinity.method
        self.unit = "sum over tasks of the mean affinity from the other members"
        self.values = affinity.values
        self.known = ~np.isnan(affinity.values)
        np.fill_diagonal(self.known, False)
        self.filled = np.where(self.known, affinity.values, 0.0)
        self.singletons = singletons
        self.knows_singletons = singletons != "forbid"
        self.alone = np.zeros(len(self.tasks))
        if singletons == "diagonal":
            self.alone = np.diag(affinity.values).copy()
            if np.isnan(self.alone).any():
                task = self.tasks[int(np.flatnonzero(np.isnan(self.alone))[0])]
                raise TaskvizError(
                    f"Affinity matrix ({affinity.method}): the entry of task {task!r} with itself "
                    "is missing, so its singleton cannot be scored by the diagonal."
                )
        self._cost, self.uniform_cost = cost, cost is None

    def losses(self, members: Members) -> NDArray[np.float64]:
        """See :meth:`GroupScores.losses`."""
        inside = members.astype(np.float64)
        count = inside @ self.known
        total = inside @ self.filled
        found = np.where(members & (count > 0), -total / np.maximum(count, 1), np.inf)
        if self.knows_singletons:
            single = members.sum(axis=1) == 1
            found[single] = np.where(members[single], -self.alone, np.inf)
        return found

    def costs(self, members: Members) -> NDArray[np.float64]:
        """See :meth:`GroupScores.costs`."""
        return _costs(self._cost, self.tasks, members)


class TableScores(GroupScores):
    """Losses of the networks of a subset table; repeats of a network are averaged.

    Raises:
        TaskvizError: a task whose loss no network of the table has.
    """

    higher_is_better = False

    def __init__(self, table: SubsetTable) -> None:
        self.tasks = table.tasks
        self.name = f"subset table of {len(table)} networks"
        self.unit = "sum over tasks of the predicted loss"
        self.candidates = Candidates.of_table(table)
        self.uniform_cost = bool((table.cost == 1).all())
        served = np.isfinite(self.candidates.losses).any(axis=0)
        if not served.all():
            task = self.tasks[int(np.flatnonzero(~served)[0])]
            raise TaskvizError(
                f"Subset table: no network has a loss of task {task!r}, so no selection can "
                "serve it."
            )

    def listed(self) -> Candidates:
        """See :meth:`GroupScores.listed`."""
        return self.candidates

    def losses(self, members: Members) -> NDArray[np.float64]:
        """See :meth:`GroupScores.losses`; of networks at several costs the dearest counts."""
        found = np.full(members.shape, np.inf)
        order = np.argsort(self.candidates.cost, kind="stable")
        rows = {self.candidates.members[i].tobytes(): i for i in order}
        for i, row in enumerate(members):
            if (known := rows.get(row.tobytes())) is not None:
                found[i] = self.candidates.losses[known]
        return found


class PredictedScores(GroupScores):
    """Scores from any function of a group, each group asked once.

    Args:
        predict: group → score of each of its tasks; NaN or absent where nothing is known.
        tasks: names.
        higher_is_better: sense of the scores.
        unit: what a score means, in words.
        name: where they come from.
        cost: of a group's network; None: each costs 1.
    """

    def __init__(
        self,
        predict: Predict,
        tasks: tuple[str, ...],
        higher_is_better: bool,
        unit: str = "sum over tasks of the predicted score",
        name: str = "predictions",
        cost: Cost | None = None,
    ) -> None:
        self.tasks, self.higher_is_better = tasks, higher_is_better
        self.unit, self.name = unit, name
        self._predict, self._cost = predict, cost
        self.uniform_cost = cost is None
        self._seen: dict[bytes, NDArray[np.float64]] = {}

    def losses(self, members: Members) -> NDArray[np.float64]:
        """See :meth:`GroupScores.losses`."""
        found = np.full(members.shape, np.inf)
        for i, row in enumerate(members):
            key = row.tobytes()
            if key not in self._seen:
                self._seen[key] = self._ask(row)
            found[i] = self._seen[key]
        return found

    def _ask(self, row: NDArray[np.bool_]) -> NDArray[np.float64]:
        inside = np.flatnonzero(row)
        given = self._predict(tuple(self.tasks[i] for i in inside))
        found = np.full(len(self.tasks), np.inf)
        sign = -1.0 if self.higher_is_better else 1.0
        for i in inside:
            value = float(given.get(self.tasks[i], np.nan))
            if np.isfinite(value):
                found[i] = sign * value
        return found

    def costs(self, members: Members) -> NDArray[np.float64]:
        """See :meth:`GroupScores.costs`."""
        return _costs(self._cost, self.tasks, members)


class Predicting(Protocol):
    """The part of a fitted estimator that is used here."""

    name: str
    unit: str
    predicts: Literal["affinity", "loss", "gain"]
    affinity_: AffinityMatrix

    @property
    def predict(self) -> Callable[[tuple[str, ...]], dict[str, float]]:
        """Group → score of each task."""
        ...


def scores_of(
    given: "AffinityMatrix | SubsetTable | GroupScores | Predicting",
    singletons: SingletonScore = "forbid",
    cost: Cost | None = None,
) -> GroupScores:
    """Scores from a matrix, a subset table, a fitted estimator, or scores as they are."""
    if isinstance(given, GroupScores):
        return given
    if isinstance(given, AffinityMatrix):
        return MatrixScores(given, singletons, cost)
    if isinstance(given, SubsetTable):
        return TableScores(given)
    return PredictedScores(
        given.predict,
        given.affinity_.tasks,
        given.predicts != "loss",
        f"sum over tasks of the predicted {given.predicts}",
        given.name,
        cost,
    )


def _costs(cost: Cost | None, tasks: tuple[str, ...], members: Members) -> NDArray[np.float64]:
    if cost is None:
        return np.ones(len(members))
    found = np.array([cost(tuple(tasks[i] for i in np.flatnonzero(row))) for row in members])
    if found.size and not (np.isfinite(found) & (found > 0)).all():
        row = members[int(np.flatnonzero(~(np.isfinite(found) & (found > 0)))[0])]
        names = ", ".join(tasks[i] for i in np.flatnonzero(row))
        raise TaskvizError(f"The cost of the group {names} is no positive number.")
    return found.astype(np.float64)
