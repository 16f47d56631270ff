"""What the workbench works on and how: a matrix or table, a method with its options, prices."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from taskviz.grouping import GROUPERS, grouper_class
from taskviz.grouping.base import Affinity
from taskviz.grouping.clustering import Clustering
from taskviz.grouping.group_costs import CostModel
from taskviz.grouping.what_if import Groups
from taskviz.values import SubsetTable

HUNDREDS, FAST = 100, "spectral"
"""Beyond so many tasks a board starts with this method."""


@dataclass(frozen=True)
class Source:
    """What the page works on and how.

    Args:
        key: of the matrix or table in the URL.
        affinity: the matrix or table.
        method: grouper name.
        options: its options as the form gives them.
        costs: prices of groups; None counts models.
    """

    key: str
    affinity: Affinity
    method: str
    options: Mapping[str, Any]
    costs: CostModel | None = None

    @property
    def made_by(self) -> tuple[str, str]:
        """What a proposal depends on beside the budget."""
        return self.method, repr(sorted(self.options.items()))

    @property
    def unit(self) -> str:
        """What the budget is counted in."""
        return "networks" if self.costs is None else self.costs.unit

    @property
    def board(self) -> str:
        """What a board belongs to: the matrix, and the prices, in which its budgets are."""
        if self.costs is None:
            return self.key
        return f"{self.key} {self.costs.unit} {self.costs.trunk:g} {sum(self.costs.heads):g}"

    def cost(self, groups: Groups) -> float:
        """What groups cost together, in that unit."""
        if self.costs is None:
            return float(len(groups))
        return sum(self.costs(group) for group in groups)


def methods_for(affinity: Affinity) -> list[str]:
    """Groupers that can work on a matrix or a table."""
    if not isinstance(affinity, SubsetTable):
        if len(affinity.tasks) > HUNDREDS:
            # The first one is what a new board starts with: it must not take minutes.
            return sorted(GROUPERS, key=lambda name: name != FAST)
        return list(GROUPERS)
    fit = [name for name in GROUPERS if not issubclass(grouper_class(name), Clustering)]
    return sorted(fit, key=lambda name: name != "selection")
