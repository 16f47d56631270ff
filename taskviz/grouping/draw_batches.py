"""Draws in batches, so that what is done can be kept."""

from collections.abc import Callable

from taskviz.grouping.base import Affinity
from taskviz.values import Grouping

SIZE = 10
"""Draws in a batch."""


class DrawBatches:
    """Carries batches of draws out; this one keeps none of them."""

    def groupings(
        self, number: int, size: int, draw: Callable[[], list[Grouping | None]]
    ) -> list[Grouping | None]:
        """Groupings of the redrawn affinities of a batch; None for one that has none."""
        return draw()

    def affinities(
        self, number: int, size: int, draw: Callable[[], list[Affinity]]
    ) -> list[Affinity]:
        """Further redrawn affinities, on which groupings are compared."""
        return draw()


def sizes(draws: int) -> list[int]:
    """Size of each batch: all full but the last."""
    return [min(SIZE, draws - start) for start in range(0, draws, SIZE)]
