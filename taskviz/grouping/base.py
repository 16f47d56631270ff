"""What every grouper offers."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from taskviz.progress import SILENT, Progress
from taskviz.values import AffinityMatrix, Grouping, OptionSet, SubsetTable, parse_options

Affinity = AffinityMatrix | SubsetTable


class Grouper(ABC):
    """Turns an affinity into groups under an inference budget.

    Raises:
        TaskvizError: unknown options or values outside their limits.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    summary: ClassVar[str]
    version: ClassVar[int] = 1
    needs_integer_budget: ClassVar[bool] = True
    Options: ClassVar[type[OptionSet]]
    progress: Progress = SILENT
    """Set it on the grouper to be able to cancel: long searches call its ``check`` often."""

    def __init__(self, **options: Any) -> None:
        self.options: Any = parse_options(self.Options, options, f"grouper {self.name!r}")

    @abstractmethod
    def group(self, affinity: Affinity, budget: float, seed: int = 0) -> Grouping:
        """A grouping of cost ≤ ``budget`` that covers every task.

        Raises:
            TaskvizError: a budget below 1 or above what the method can use, missing entries it
                cannot deal with, or a kind of affinity it does not take.
        """

    def frontier(
        self, affinity: Affinity, budgets: Sequence[float], seed: int = 0
    ) -> list[Grouping]:
        """A grouping for each budget; methods that share work between budgets override this."""
        return [self.group(affinity, budget, seed) for budget in budgets]
