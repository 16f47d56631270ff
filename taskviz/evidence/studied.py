"""Figures of our own study that sentences on the screen quote (``docs/evidence.md``).

From ``python -m benchmarks evidence``; a test compares them with the stored result of that run.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class StudiedGain:
    """Gain over random groups of as many models, as a share of their loss, in settings studied.

    Args:
        mean: over the settings.
        low: where a further setting would lie: lower end of the 95 % prediction interval.
        high: upper end.
        settings: how many.
    """

    mean: float
    low: float
    high: float
    settings: int


GUESS_GAIN = StudiedGain(mean=0.0053, low=-0.0229, high=0.0334, settings=12)
"""Of the groups that the gradient cosine chose."""
