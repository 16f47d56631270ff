"""Units of work in this process, one after another."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from taskviz.progress import Progress

S = TypeVar("S")
R = TypeVar("R")


class Engine(Protocol):
    """Runs units: a unit is a picklable pure function of its spec."""

    @property
    def parallel(self) -> int:
        """Units that run at once: work is cut into at least a few for each."""
        ...

    @property
    def shares_disk(self) -> bool:
        """Whether units see the files of this machine: only then may they keep checkpoints."""
        ...

    def run(
        self, function: Callable[[S, Progress], R], specs: Sequence[S], progress: Progress
    ) -> Iterator[tuple[int, R]]:
        """Yield ``(index, result)`` as units finish, in any order.

        ``function`` gets a :class:`Progress` that fills one unit of ``progress``.
        """
        ...


class LocalEngine:
    """One after another here; a method that can batch its units does so inside one unit."""

    parallel = 1
    shares_disk = True

    def run(
        self, function: Callable[[S, Progress], R], specs: Sequence[S], progress: Progress
    ) -> Iterator[tuple[int, R]]:
        """See :meth:`Engine.run`."""
        for index, spec in enumerate(specs):
            progress.check()
            yield index, function(spec, progress.part(1.0))
