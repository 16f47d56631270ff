"""The groups that a selection may choose from, listed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from taskviz.grouping.objective import mean_known
from taskviz.values import SubsetTable

if TYPE_CHECKING:
    from taskviz.grouping.network_selection.scores import GroupScores

BLOCK = 2048
"""Groups asked for at once, so that a cancel is heard between."""


@dataclass(frozen=True)
class Candidates:
    """Groups with what they cost and what each task loses in them.

    Args:
        members: ``(m, T)``.
        cost: ``(m,)`` positive.
        losses: ``(m, T)`` lower is better; inf outside the group and where unknown.
    """

    members: NDArray[np.bool_]
    cost: NDArray[np.float64]
    losses: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.members)

    def keep(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> "Candidates":
        """Some of them."""
        return Candidates(self.members[rows], self.cost[rows], self.losses[rows])

    def total(self, rows: NDArray[np.intp]) -> float:
        """Σ_t least loss over the chosen rows; inf where a task is left out."""
        if not len(rows):
            return float("inf")
        return float(self.losses[rows].min(axis=0).sum())

    @classmethod
    def of_table(cls, table: SubsetTable) -> "Candidates":
        """One a network of the table; rows of equal subset and cost become their mean."""
        keys = np.concatenate([table.membership, table.cost[:, None]], axis=1)
        kept, inverse = np.unique(keys, axis=0, return_inverse=True)
        losses = np.array([mean_known(table.losses[inverse == i]) for i in range(len(kept))])
        return cls(
            kept[:, :-1].astype(bool),
            kept[:, -1].copy(),
            np.where(np.isnan(losses), np.inf, losses),
        )

    @classmethod
    def every_group(
        cls,
        scores: "GroupScores",
        allowed: Callable[[NDArray[np.bool_]], NDArray[np.bool_]],
        check: Callable[[], None],
    ) -> "Candidates":
        """All 2^T − 1 groups that are allowed; scores are asked for these only."""
        size = len(scores.tasks)
        members = all_subsets(size)
        members = members[allowed(members)]
        losses = np.empty(members.shape)
        for start in range(0, len(members), BLOCK):
            check()
            block = slice(start, start + BLOCK)
            losses[block] = scores.losses(members[block])
        known = np.isfinite(losses).any(axis=1)
        members, losses = members[known], losses[known]
        return cls(members, scores.costs(members), losses)


def all_subsets(size: int) -> NDArray[np.bool_]:
    """``(2^size − 1, size)``: every non-empty subset; row i is the binary form of i + 1."""
    codes = np.arange(1, 1 << size)
    return np.asarray((codes[:, None] >> np.arange(size)) & 1, dtype=bool)
