"""Semidefinite relaxation of the density objective."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from taskviz.grouping.clustering import Clustering, Found, one_hot
from taskviz.grouping.lloyd import lloyd_labels
from taskviz.grouping.objective import density_of, pair_affinity
from taskviz.values import AffinityMatrix, TaskvizError, option

EXACT_TASKS = 40
"""Up to here an interior-point solver, whose optimum is a bound; beyond, a first-order one."""
APPROXIMATE = f"Beyond {EXACT_TASKS} tasks the relaxation is solved roughly, so it gives no bound."
ROUNDINGS = 5


@dataclass(frozen=True)
class SdpOptions:
    """Options of :class:`Sdp`."""

    number: Literal["budget", "auto"] = option(
        "budget",
        "budget: as many groups as the budget (tr X = k); auto: at most that many, by a penalty on "
        "tr X",
    )
    penalty: float | None = option(
        None,
        "for auto: λ in units of affinity; none: minus the mean affinity, so that tasks count as "
        "alike where they are above average and shifting all affinities changes nothing",
    )
    singletons: Literal["keep", "join"] = option(
        "keep", "keep: a task may be alone; join: it joins the most similar group"
    )


class Sdp(Clustering):
    """Maximises ⟨A, X⟩ over X ⪰ 0, X ≥ 0, X·1 = 1, tr X = k, and rounds X to groups (talk).

    X = Σ_c 1_c 1_cᵀ / |C_c| of a partition has value equal to its density, so that the optimum
    bounds the density of every partition into k groups; it is given as ``bound``. Automatic k: the
    trace is free up to the budget and penalised by λ·tr X; k is then the rounded trace. Rounding:
    k-means on the rows of X, then single tasks are moved while that raises density. Negative
    affinities enter as they are: they cost a group its density.
    """

    name = "sdp"
    title = "Semidefinite relaxation"
    source = "talk: SDP relaxation with trace constraint or penalty"
    summary = (
        "Solves a relaxation of the density objective and rounds it; states how far it is off."
    )
    Options = SdpOptions

    def clusters(
        self, affinity: AffinityMatrix, numbers: Sequence[int], seed: int
    ) -> Sequence[Found]:
        """See :meth:`Clustering.clusters`."""
        similarity, _ = pair_affinity(affinity)
        relaxation = _Relaxation(similarity)
        found = []
        for number in numbers:
            self.progress.check()
            matrix, value = relaxation.at(number)
            tries = [
                improve(similarity, lloyd_labels(matrix, number, int(own)), number)
                for own in np.random.SeedSequence(seed).generate_state(ROUNDINGS)
            ]
            labels = max(tries, key=lambda given: _density(similarity, given, number))
            groups = one_hot(labels, number)
            exact = len(similarity) <= EXACT_TASKS
            found.append(Found(groups, bound=value) if exact else Found(groups, (APPROXIMATE,)))
        return found

    def preference(self, affinity: AffinityMatrix, largest: int, seed: int) -> NDArray[np.float64]:
        """Highest at the number of groups that the penalised relaxation chooses."""
        similarity, _ = pair_affinity(affinity)
        penalty = self.options.penalty
        if penalty is None:
            off = ~np.eye(len(similarity), dtype=bool)
            penalty = -float(similarity[off].mean())
        free = _Relaxation(similarity, penalty).at(largest)[0]
        number = min(max(round(float(np.trace(free))), 1), largest)
        # A smaller budget gets as near to that number as it can.
        numbers = np.arange(1.0, largest + 1)
        return np.where(numbers <= number, numbers, -np.inf)


class _Relaxation:
    """The semidefinite programme, compiled once for all k.

    Args:
        similarity: ``(T, T)`` symmetric.
        penalty: λ; None fixes the trace at k, a number makes k its upper limit.
    """

    def __init__(self, similarity: NDArray[np.float64], penalty: float | None = None) -> None:
        cp = _cvxpy()
        size = len(similarity)
        # Solvers stop at absolute tolerances: affinities of any size are brought to 1.
        self.scale = float(np.abs(similarity).max()) or 1.0
        self.X = cp.Variable((size, size), PSD=True)
        self.k = cp.Parameter(nonneg=True)
        trace = cp.trace(self.X)
        goal = cp.sum(cp.multiply(similarity / self.scale, self.X))
        limits = [self.X >= 0, cp.sum(self.X, axis=1) == 1]
        if penalty is None:
            limits.append(trace == self.k)
        else:
            limits.append(trace <= self.k)
            goal = goal - penalty / self.scale * trace
        self.problem = cp.Problem(cp.Maximize(goal), limits)
        self.solver = cp.CLARABEL if size <= EXACT_TASKS else cp.SCS

    def at(self, number: int) -> tuple[NDArray[np.float64], float]:
        """X and its value for k = ``number``."""
        cp = _cvxpy()
        self.k.value = float(number)
        options: dict[str, Any] = {"eps": 1e-4} if self.solver == cp.SCS else {}
        try:
            with warnings.catch_warnings():
                # The first-order solver's "may be inaccurate": a note says so.
                warnings.simplefilter("ignore", UserWarning)
                self.problem.solve(solver=self.solver, **options)
        except cp.SolverError as error:
            raise TaskvizError(
                f"The semidefinite programme for {number} groups was not solved ({error}): try "
                "another grouping method."
            ) from None
        if self.X.value is None:
            raise TaskvizError(
                f"The semidefinite programme for {number} groups was not solved "
                f"({self.problem.status}): try another grouping method."
            )
        # The solver is right to some 1e-8 relative; leave the bound that much room.
        value = float(self.problem.value) * self.scale
        return np.asarray(self.X.value), value + 1e-6 * self.scale


def _cvxpy() -> Any:
    # Takes a second to import, and its types do not cover what it builds at run time.
    import cvxpy

    return cvxpy


def improve(
    similarity: NDArray[np.float64], labels: NDArray[np.intp], number: int
) -> NDArray[np.intp]:
    """Move single tasks between groups while that raises density; no group is emptied."""
    labels = labels.copy()

    current = _density(similarity, labels, number)
    while True:
        best = (current + 1e-12 * max(1.0, abs(current)), -1, -1)
        for task in range(len(labels)):
            own = labels[task]
            if (labels == own).sum() == 1:
                continue
            for group in range(number):
                if group != own:
                    labels[task] = group
                    best = max(best, (_density(similarity, labels, number), task, group))
            labels[task] = own
        if best[1] < 0:
            return labels
        labels[best[1]] = best[2]
        current = _density(similarity, labels, number)


def _density(similarity: NDArray[np.float64], labels: NDArray[np.intp], number: int) -> float:
    groups = [np.flatnonzero(labels == c) for c in range(number)]
    return density_of(similarity, [group for group in groups if len(group)])
