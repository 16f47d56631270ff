"""Moves and swaps of :class:`.blocks.BlockSearch` by compiled loops."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from taskviz.grouping.network_selection.blocks import BlockSearch, BlockWorth


class QuickMoves:
    """The same values by compiled loops; what an exchange gains is kept while its blocks stay.

    Args:
        worth: of simple blocks.
    """

    def __init__(self, worth: "BlockWorth") -> None:
        from taskviz.grouping.network_selection.worth import Terms, compiled

        self._toggle, self._swap = compiled()
        self._inflow = np.ascontiguousarray(worth.inflow)
        limits = worth.constraints
        alone = np.ascontiguousarray(worth.scores.alone, dtype=np.float64)
        self._terms = Terms(alone, limits.floor, limits.overlap, worth.penalty)
        self._gains = np.full(self._inflow.shape, -np.inf)
        self.changed = np.zeros(0, dtype=bool)
        """Blocks whose exchanges are to be looked at anew."""

    def forget(self) -> None:
        """All blocks are new."""
        self.changed = np.ones(len(self._inflow), dtype=bool)

    def toggled(self, block: NDArray[np.bool_], given: NDArray[np.float64]) -> NDArray[np.float64]:
        """``(T,)`` worth of a block with each task put in or taken out."""
        found = np.empty(len(block))
        self._toggle(block, given, self._inflow, self._terms, found)
        return found

    def best_swap(self, search: "BlockSearch") -> tuple[int, int, float]:
        """The exchange of two tasks that gains most, and what it gains."""
        self._swap(
            search.blocks,
            search.given,
            search.value,
            search.labels,
            self._inflow,
            self.changed,
            self._terms,
            self._gains,
        )
        self.changed[:] = False
        first, second = np.unravel_index(int(self._gains.argmax()), self._gains.shape)
        return int(first), int(second), float(self._gains[first, second])
