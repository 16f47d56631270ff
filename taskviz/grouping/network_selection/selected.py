"""A selection within one budget."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Solver = Literal["auto", "dynamic", "milp", "heuristic"]


@dataclass(frozen=True)
class Selected:
    """The networks chosen within one budget.

    Args:
        budget: the budget.
        members: ``(k, T)`` tasks of each network.
        cost: ``(k,)``.
        losses: ``(k, T)`` as the solvers see them: lower is better.
        bound: no selection has a lower total loss; -inf where nothing is known.
        solver: which one found it.
        notes: sentences for the reader.
    """

    budget: float
    members: NDArray[np.bool_]
    cost: NDArray[np.float64]
    losses: NDArray[np.float64]
    bound: float
    solver: str
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> float:
        """Σ_t least loss."""
        return float(self.losses.min(axis=0).sum())

    @property
    def serving(self) -> NDArray[np.intp]:
        """``(T,)`` which network serves each task; ties go to the first."""
        return np.asarray(self.losses.argmin(axis=0))
