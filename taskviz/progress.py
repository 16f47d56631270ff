"""The one protocol by which long work reports progress and metrics and hears of a cancel."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Record = Mapping[str, str | int | float | None]


@dataclass(frozen=True)
class Curves:
    """Points of several curves at the same steps.

    Args:
        common: keys that all points have.
        series: keys of each curve.
        steps: such as epochs.
        values: ``values[i][j]`` of curve j at step i; what is no finite number is left out.
    """

    common: Record
    series: Sequence[Record]
    steps: Sequence[int]
    values: Sequence[Sequence[float]]


class Progress:
    """Reports to nobody; the base of every reporter.

    Long work calls :meth:`begin` once with its number of units, :meth:`advance` after each unit,
    and :meth:`check` often; whoever shows it (terminal, job store) subclasses this. The work never
    knows which. Units may be of unequal size, so pass fractions where one lasts long.
    """

    def begin(self, title: str, units: float) -> None:
        """Start a stage of ``units``; a later call replaces the stage."""

    def advance(self, units: float = 1.0, message: str = "") -> None:
        """``units`` more are done; ``message`` says what goes on now."""

    def record(self, point: Record) -> None:
        """One live metric: keys as in ``HISTORY_COLUMNS``, plus ``contender`` where it matters."""

    def record_curves(self, curves: Curves) -> None:
        """Many points at once: cheaper than a :meth:`record` each where they go to a store.

        Nothing is copied, so what is handed over must not change afterwards.
        """
        for step, row in zip(curves.steps, curves.values, strict=True):
            for about, value in zip(curves.series, row, strict=True):
                if math.isfinite(value):
                    self.record({**curves.common, **about, "step": step, "value": value})

    def check(self) -> None:
        """Raise :class:`taskviz.values.Cancelled` where the user asked to stop."""

    def part(self, share: float) -> "Progress":
        """A reporter for a nested piece of work that fills ``share`` units of this one."""
        return _Part(self, share)


class _Part(Progress):
    def __init__(self, whole: Progress, share: float) -> None:
        self._whole, self._share, self._units = whole, share, 1.0

    def begin(self, title: str, units: float) -> None:
        self._units = max(units, 1e-12)

    def advance(self, units: float = 1.0, message: str = "") -> None:
        self._whole.advance(self._share * units / self._units, message)

    def record(self, point: Record) -> None:
        self._whole.record(point)

    def record_curves(self, curves: Curves) -> None:
        self._whole.record_curves(curves)

    def check(self) -> None:
        self._whole.check()


SILENT = Progress()
