"""How long it will still take."""

import math
import time
from collections import deque
from collections.abc import Callable
from typing import Final

SETTLE: Final = 5.0
"""Seconds in which a resumed job finds what its earlier attempts had done."""


class TimeLeft:
    """Seconds left, from the rate of progress over the later half of the time so far.

    The later half and not all of it: a resumed job rushes through what it finds in the cache, and
    what was fast at first must not promise the same for the rest.

    Args:
        clock: seconds; replaced in tests.
        resumed: the first progress was made by an earlier attempt: it is where this one begins, as
            is all else that comes within ``SETTLE`` seconds of it.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, resumed: bool = False
    ) -> None:
        self._clock = clock
        self._start = clock()
        self._points: deque[tuple[float, float]] = deque([(self._start, 0.0)])
        self._resumed = resumed
        self._settled = math.inf if resumed else self._start

    def update(self, progress: float) -> float | None:
        """Take note of a progress from 0 to 1; None while too little is known."""
        now = self._clock()
        if progress < self._points[-1][1]:
            # A new stage began.
            self._start = now
            self._points.clear()
            self._settled = math.inf if self._resumed else now
        if now < self._settled:
            self._restore(now, progress)
            return 0.0 if progress >= 1 else None
        # A few points a second are enough, however often this is called.
        if len(self._points) < 2 or now - self._points[-1][0] >= 0.2:
            self._points.append((now, progress))
        begin = now - max((now - self._start) / 2, 5.0)
        while len(self._points) > 2 and self._points[1][0] <= begin:
            self._points.popleft()
        then, before = self._points[0]
        if progress >= 1:
            return 0.0
        if now - then < 0.5 or progress <= before:
            return None
        return (1.0 - progress) * (now - then) / (progress - before)

    def _restore(self, now: float, progress: float) -> None:
        """Begin anew with what an earlier attempt had done."""
        if progress > 0 and math.isinf(self._settled):
            self._settled = now + SETTLE
        if not self._points or progress > self._points[-1][1]:
            self._start = now
            self._points.clear()
            self._points.append((now, progress))
