"""What every affinity estimator offers."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from taskviz.affinity.members import mean_of_members
from taskviz.engines import RunContext
from taskviz.values import (
    AffinityMatrix,
    OptionSet,
    SubsetTable,
    TaskCollection,
    TaskvizError,
    option_values,
    parse_options,
)

if TYPE_CHECKING:
    from taskviz.affinity.redraws import Redraws

Prediction = Literal["affinity", "loss", "gain"]


@dataclass(frozen=True)
class Outcome:
    """What an estimator measured; :class:`Estimator` turns it into an :class:`AffinityMatrix`.

    Args:
        values: ``(T, T)`` float64 ``[source, target]``, higher helps more.
        standard_error: ``(T, T)`` or None.
        support: ``(T, T)`` int64 or None; values are NaN where it is 0.
        networks_trained: networks that had to be trained.
        notes: sentences a reader must see beside the matrix.
        table: losses of subset networks, where the estimator rests on them.
        state: further arrays that :meth:`Estimator.predict` needs; saved beside the matrix.
    """

    values: NDArray[np.float64]
    standard_error: NDArray[np.float64] | None = None
    support: NDArray[np.int64] | None = None
    networks_trained: int = 0
    notes: tuple[str, ...] = ()
    table: SubsetTable | None = None
    state: Mapping[str, NDArray[Any]] | None = None


class Estimator(ABC):
    """Estimates how much each task helps each other.

    A subclass is one file: its class attributes, an ``Options`` dataclass and :meth:`measure`.
    ``fit`` then fills ``affinity_``, ``table_`` and ``state_`` and returns the estimator.

    Raises:
        TaskvizError: unknown options or values outside their limits.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    """Paper and equation."""
    summary: ClassVar[str]
    """One line for people who choose."""
    unit: ClassVar[str]
    """What one unit of the matrix means, in words."""
    version: ClassVar[int] = 1
    """Part of every cache key: raise it whenever results change."""
    draws: ClassVar[bool] = True
    """False where the result does not depend on the seed."""
    by_sample: ClassVar[bool] = False
    """True where gradients of single samples are compared."""
    predicts: ClassVar[Prediction] = "affinity"
    """What :meth:`predict` returns; loss is better when lower, the others when higher."""
    Options: ClassVar[type[OptionSet]]

    affinity_: AffinityMatrix
    table_: SubsetTable | None = None
    state_: Mapping[str, NDArray[Any]]

    def __init__(self, **options: Any) -> None:
        self.options: Any = parse_options(self.Options, options, f"method {self.name!r}")

    @abstractmethod
    def measure(self, collection: TaskCollection, context: RunContext) -> Outcome:
        """The computation itself."""

    def networks_needed(self, tasks: int) -> int:
        """How many networks :meth:`measure` trains for this many tasks."""
        return 0

    def fit(self, collection: TaskCollection, context: RunContext | None = None) -> Self:
        """Measure and keep the result.

        Raises:
            TaskvizError: fewer than 2 tasks, or what the estimator itself needs.
        """
        if len(collection.tasks) < 2:
            raise TaskvizError(
                f"Affinity needs at least 2 tasks: collection {collection.name!r} comes with "
                f"{len(collection.tasks)} task selected."
            )
        context = context or RunContext()
        start = time.perf_counter()
        outcome = self.measure(collection, context)
        matrix = AffinityMatrix(
            values=np.asarray(outcome.values, dtype=np.float64),
            tasks=collection.names,
            method=self.name,
            options=option_values(self.options),
            seed=context.seed,
            seconds=time.perf_counter() - start,
            standard_error=outcome.standard_error,
            support=outcome.support,
            networks_trained=outcome.networks_trained,
            collection=collection.name,
            fingerprint=collection.fingerprint,
            notes=outcome.notes,
            unit=self.unit,
        )
        return self.restore(matrix, outcome.table, outcome.state or {})

    def restore(
        self,
        matrix: AffinityMatrix,
        table: SubsetTable | None = None,
        state: Mapping[str, NDArray[Any]] | None = None,
    ) -> Self:
        """Take up what an earlier :meth:`fit` measured."""
        self.affinity_, self.table_, self.state_ = matrix, table, dict(state or {})
        return self

    def redraws(self) -> "Redraws | None":
        """How to measure again from a part of what was kept; None where nothing was.

        What is drawn is for each estimator to say: its initial states, samples, seeds or networks.
        """
        return None

    def redrawn(self, outcome: Outcome) -> Self:
        """This estimator as it would be, had it measured that."""
        matrix = replace(
            self.affinity_,
            values=np.asarray(outcome.values, dtype=np.float64),
            standard_error=outcome.standard_error,
            support=outcome.support,
            notes=outcome.notes,
            reliability=None,
        )
        return copy(self).restore(matrix, outcome.table, outcome.state)

    def predict(self, group: Iterable[str]) -> dict[str, float]:
        """Predicted score of each task of a group; NaN where nothing is known.

        Here: the mean affinity over the other members (TAG's rule; HOA's where affinity is a
        gain); NaN for a singleton, whose affinity no pairwise method defines.

        Raises:
            TaskvizError: an unknown or repeated task, or an empty group.
        """
        return mean_of_members(self.affinity_, group)
