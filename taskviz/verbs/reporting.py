"""Step 5: one self-contained file that tells all of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from taskviz.values import AffinityMatrix, Grouping, TaskCollection, TrainingResult
from taskviz.verbs.loading import check_tasks


def write_report(
    *,
    collection: TaskCollection,
    affinities: Sequence[AffinityMatrix] = (),
    groupings: Sequence[Grouping] = (),
    results: Sequence[TrainingResult] | Mapping[str, TrainingResult] = (),
    path: Path | str,
    notes: str = "",
    title: str = "",
    frontier: Sequence[Grouping] = (),
    theme: Literal["auto", "light", "dark"] = "auto",
) -> Path:
    """Write one HTML file that opens offline.

    Args:
        results: of the chosen grouping and its baselines; a mapping names each.
        path: where the file goes.
        notes: plain text of the author.
        title: heading; the collection's name where empty.
        frontier: a grouping for each budget, to show what other budgets would buy.
        theme: ``auto`` follows the reader's system.

    Raises:
        TaskvizError: a matrix, grouping or result of another collection, or a path that cannot be
            written.
    """
    from taskviz.report import write_report as write

    for matrix in affinities:
        check_tasks(matrix.tasks, collection, "the affinity matrix")
    for grouping in (*groupings, *frontier):
        check_tasks(grouping.tasks, collection, "the grouping")
    for result in results.values() if isinstance(results, Mapping) else results:
        check_tasks(result.grouping.tasks, collection, "the training result")
    return write(
        collection=collection,
        affinities=affinities,
        groupings=groupings,
        results=results,
        path=path,
        notes=notes,
        title=title,
        frontier=frontier,
        theme=theme,
    )
