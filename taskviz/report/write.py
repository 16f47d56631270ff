"""Write the report: an HTML file that opens offline, a PDF, Markdown, or a .zip of all parts."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, get_args

from taskviz.report.contents import Contents, PinnedPlan, named_results
from taskviz.report.design import WHOLE, Design, Style
from taskviz.report.document import Document, make_document
from taskviz.report.facts import Facts
from taskviz.report.page import render
from taskviz.values import (
    AffinityMatrix,
    Grouping,
    TaskCollection,
    TaskvizError,
    TrainingResult,
    unknown_choice,
)
from taskviz.values.storage import write_bytes

Theme = Style
Format = Literal["html", "pdf", "md", "zip"]
FORMATS: Final[tuple[str, ...]] = get_args(Format)
Results = Sequence[TrainingResult] | Mapping[str, TrainingResult]


def write_report(
    *,
    collection: TaskCollection,
    affinities: Sequence[AffinityMatrix] = (),
    groupings: Sequence[Grouping] = (),
    results: Results = (),
    path: Path | str,
    notes: str = "",
    title: str = "",
    frontier: Sequence[Grouping] = (),
    theme: Style = "auto",
    written: datetime | None = None,
    format: str | None = None,  # noqa: A002
    design: Design | None = None,
    scenarios: Sequence[PinnedPlan] = (),
    runs: Mapping[str, Mapping[str, TrainingResult]] | None = None,
) -> Path:
    """Write one file with everything that was found; any part may be empty.

    Args:
        collection: its tasks and sizes are shown; its data do not go into the file.
        affinities: matrices of this collection.
        groupings: plans; the grouping of the first result is put first where it is not among them.
        results: the chosen one first. A sequence is named by ``settings["label"]``, else by the
            method of its grouping.
        path: where the file goes; written whole or not at all.
        notes: Markdown of the author, behind the summary; raw HTML is shown as text.
        title: heading; the collection's name where empty.
        frontier: a plan for each budget, to show what other budgets would buy.
        theme: ``auto`` follows the reader's system; ``print`` looks on the screen as on paper.
        written: moment shown; now where None.
        format: one of :data:`FORMATS`; None goes by the end of the path, HTML where it has none.
        design: sections and their order, notes beside each, plans to compare; title, notes and
            theme from here hold where they are not given by themselves.
        scenarios: plans with a name, what their author wrote, what others said.
        runs: name → results of further runs.

    Returns:
        the path.

    Raises:
        TaskvizError: an unknown theme, format or ending, no Chromium for a PDF, or a file that
            cannot be written.
    """
    from dataclasses import replace

    design = design or Design()
    if theme != "auto":
        design = replace(design, style=theme)
    if title:
        design = replace(design, title=title)
    if notes.strip():
        design = design.with_note(WHOLE, notes)
    contents = Contents(
        facts=Facts.of(collection),
        affinities=tuple(affinities),
        groupings=tuple(groupings),
        results=named_results(results),
        frontier=tuple(frontier),
        scenarios=tuple(scenarios),
        runs=dict(runs or {}),
    )
    return write_contents(contents, design, path, format=format, written=written)


def write_contents(
    contents: Contents,
    design: Design,
    path: Path | str,
    *,
    format: str | None = None,  # noqa: A002
    written: datetime | None = None,
) -> Path:
    """Likewise from contents, such as those of a report that was opened.

    Raises:
        TaskvizError: as :func:`write_report`.
    """
    path = Path(path)
    if path.is_dir():
        raise TaskvizError(f"{path} is a folder: give the name of a file, such as report.html.")
    made = format_of(path) if format is None else format
    if made not in FORMATS:
        raise unknown_choice("format of a report", made, FORMATS)
    data = document_bytes(make_document(contents, design, written or datetime.now(UTC)), made)
    try:
        return write_bytes(path, data)
    except OSError as error:
        raise TaskvizError(
            f"Cannot write the report to {path} ({error.strerror or error}): choose a folder that "
            "can be written."
        ) from None


def format_of(path: Path) -> str:
    """The format that the end of a name speaks of; HTML where it has none.

    Raises:
        TaskvizError: another ending.
    """
    ending = path.suffix.lower().removeprefix(".")
    if ending and ending not in FORMATS:
        known = ", ".join(f".{name}" for name in FORMATS)
        raise TaskvizError(
            f"{path.name} does not say what format the report is to have: let its name end in one "
            f"of {known}, or give the format."
        )
    return ending or "html"


def document_bytes(document: Document, format: str) -> bytes:  # noqa: A002
    """The file in one of the formats.

    Raises:
        TaskvizError: a PDF is wanted and there is no Chromium.
    """
    return _WRITERS[format](document)


def html_text(document: Document, style: Style | None = None) -> str:
    """The text of the HTML file."""
    parts = document.parts if style is None else {**document.parts, "theme": style}
    return render(parts, document.charts, document.values)


def _html(document: Document) -> bytes:
    return html_text(document).encode()


def _pdf(document: Document) -> bytes:
    from taskviz.report.chromium import html_to_pdf

    return html_to_pdf(html_text(document, "print"))


def _markdown(document: Document) -> bytes:
    from taskviz.report.markdown import markdown_text

    return markdown_text(document).encode()


def _zip(document: Document) -> bytes:
    from taskviz.report.bundle import bundle_bytes

    return bundle_bytes(document)


_WRITERS: Final[Mapping[str, Callable[[Document], bytes]]] = {
    "html": _html,
    "pdf": _pdf,
    "md": _markdown,
    "zip": _zip,
}
