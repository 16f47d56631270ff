"""Step 5: one self-contained file that tells all of it, and the way back from it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from taskviz.values import AffinityMatrix, Grouping, TaskCollection, TaskvizError, TrainingResult
from taskviz.values.checks import check_each, check_path
from taskviz.verbs.loading import check_collection, check_tasks

if TYPE_CHECKING:
    from taskviz.report import ReportValues
    from taskviz.report.contents import PinnedPlan
    from taskviz.report.design import Design


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
    theme: Literal["auto", "light", "dark", "print"] = "auto",
    format: Literal["html", "pdf", "md", "zip"] | None = None,  # noqa: A002
    design: "Design | None" = None,
    scenarios: Sequence["PinnedPlan"] = (),
    runs: Mapping[str, Mapping[str, TrainingResult]] | None = None,
) -> Path:
    """Write one HTML file that opens offline, or the same as PDF, Markdown or a .zip of all parts.

    Args:
        results: of the chosen grouping and its baselines; a mapping names each.
        path: where the file goes.
        notes: Markdown of the author; raw HTML in it is shown as text.
        title: heading; the collection's name where empty.
        frontier: a grouping for each budget, to show what other budgets would buy.
        theme: ``auto`` follows the reader's system; ``print`` looks on the screen as on paper.
        format: None goes by the end of the path, HTML where it has none. A PDF needs an installed
            Chromium.
        design: sections and their order, notes beside each, plans to compare.
        scenarios: plans with a name, what their author wrote, what others said.
        runs: name → results of further runs.

    Raises:
        TaskvizError: a matrix, grouping or result of another collection, no Chromium for a PDF, an
            ending that is no format, or a path that cannot be written.
    """
    from taskviz.report import write_report as write

    check_collection(collection)
    path = check_path(path, "The path of the report")
    affinities = check_each(affinities, AffinityMatrix, "The affinities", "matrices")
    groupings = check_each(groupings, Grouping, "The groupings", "groupings")
    frontier = check_each(frontier, Grouping, "The frontier", "groupings")
    given = check_each(
        results.values() if isinstance(results, Mapping) else results,
        TrainingResult,
        "The results",
        "training results",
    )
    for matrix in affinities:
        check_tasks(matrix.tasks, collection, "the affinity matrix")
    for grouping in (*groupings, *frontier, *(pinned.plan for pinned in scenarios)):
        check_tasks(grouping.tasks, collection, "the grouping")
    for result in [*given, *(r for run in (runs or {}).values() for r in run.values())]:
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
        format=format,
        design=design,
        scenarios=scenarios,
        runs=runs,
    )


def open_report(path: Path | str) -> "ReportValues":
    """The values inside a report that taskviz wrote (.html, .zip, or the .json of a .zip).

    Nothing of the file is run or unpickled; every entry is checked, and that all of it can be shown
    is tried.

    Raises:
        TaskvizError: no such file, it is no report, or it holds more than is read.
    """
    from taskviz.report import read_report

    values = read_report(path)
    check_shown(values, Path(path).name)
    return values


def check_shown(values: "ReportValues", name: str) -> None:
    """That every part of a report can be drawn: a file may hold what no check foresees.

    Raises:
        TaskvizError: a part cannot be drawn.
    """
    from datetime import UTC, datetime

    from taskviz.report.document import make_document

    try:
        make_document(values.contents, values.design, datetime.now(UTC))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise TaskvizError(
            f"{name} holds values that cannot be shown ({type(error).__name__}): give a report as "
            "taskviz wrote it."
        ) from None
