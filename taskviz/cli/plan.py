"""From a collection to groups, as ``train`` and ``report`` begin."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from taskviz.cli.parameters import pairs
from taskviz.progress import Progress
from taskviz.values import AffinityMatrix, Grouping, TaskCollection, TaskvizError

Method = Annotated[str, typer.Option(help="Estimator that the groups are made from.")]
Grouper = Annotated[str, typer.Option(help="Grouping method.")]
GroupingFile = Annotated[
    Path | None, typer.Option("--grouping", help="A saved grouping (.json), in place of a budget.")
]
Budget = Annotated[float | None, typer.Option(help="How many models can be afforded.")]
AffinityOptions = Annotated[
    list[str] | None,
    typer.Option("--affinity-option", help="Option of the estimator, name=value; repeatable."),
]
GroupingOptions = Annotated[
    list[str] | None,
    typer.Option("--grouping-option", help="Option of the grouper, name=value; repeatable."),
]
Weighting = Annotated[str, typer.Option(help="Weighting of the task losses.")]
RandomDraws = Annotated[
    int, typer.Option(help="Random groupings among the baselines.", min=0, max=100)
]


@dataclass(frozen=True)
class Plan:
    """How the groups come about: from a file, or by an estimator and a grouper under a budget."""

    budget: float | None
    file: Path | None
    method: str
    grouper: str
    affinity_options: Sequence[str] | None
    grouping_options: Sequence[str] | None

    def __post_init__(self) -> None:
        if (self.file is None) == (self.budget is None):
            raise TaskvizError(
                "Give either --budget (how many models) or --grouping (a saved grouping)."
            )

    def make(
        self,
        collection: TaskCollection,
        seed: int,
        device: str,
        progress: Progress,
        *,
        use_cache: bool = True,
    ) -> tuple[Grouping, AffinityMatrix | None]:
        """The grouping, and the matrix that it was made from unless it was read from a file."""
        from taskviz.verbs import compute_affinity, group_tasks
        from taskviz.verbs.options import affinity_options, grouping_options

        if self.file is not None:
            return Grouping.read(self.file), None
        grouping = grouping_options(self.grouper, pairs(self.grouping_options, "--grouping-option"))
        affinity = affinity_options(self.method, pairs(self.affinity_options, "--affinity-option"))
        matrix = compute_affinity(
            collection,
            self.method,
            seed=seed,
            device=device,
            progress=progress,
            use_cache=use_cache,
            **affinity,
        )
        budget = self.budget or 0.0
        return group_tasks(matrix, self.grouper, budget=budget, seed=seed, **grouping), matrix

    def frontier(self, matrix: AffinityMatrix, seed: int) -> list[Grouping]:
        """The groupings of all budgets, to show what others would buy."""
        from taskviz.verbs import group_frontier
        from taskviz.verbs.options import grouping_options

        options = grouping_options(self.grouper, pairs(self.grouping_options, "--grouping-option"))
        return group_frontier(matrix, self.grouper, seed=seed, **options)
