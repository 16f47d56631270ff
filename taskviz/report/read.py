"""The way back: the values inside a report, checked as a file that anybody may have written."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

from taskviz.report.checked import bounded, mapping, parse, sequence
from taskviz.report.contents import Contents, PinnedPlan
from taskviz.report.design import WHOLE, Design
from taskviz.report.embed import DATA_ID, FORMAT
from taskviz.report.facts import Facts
from taskviz.report.result_json import result_from_json
from taskviz.values import AffinityMatrix, Grouping, TaskvizError, TrainingResult

MOST_BYTES: Final = 64_000_000
"""Of a file, and of the data inside it."""
MOST_TASKS: Final = 1000
MOST_VALUES: Final = 200
"""Matrices, plans or results of a report."""
ZIPPED: Final = "data/report.json"
"""Where the values lie in a .zip."""


@dataclass(frozen=True)
class ReportValues:
    """What :func:`read_report` finds in a report.

    Args:
        contents: everything the report was made from; results without their networks, curves to
            six digits.
        design: sections, notes, style.
    """

    contents: Contents
    design: Design

    @property
    def collection(self) -> Mapping[str, Any]:
        """Name, fingerprint, layout, modality, sizes and tasks; the data are not in a report."""
        return self.contents.facts.to_json()

    @property
    def affinities(self) -> tuple[AffinityMatrix, ...]:
        """Every matrix, whole."""
        return self.contents.affinities

    @property
    def groupings(self) -> tuple[Grouping, ...]:
        """Every plan that is no scenario."""
        return self.contents.groupings

    @property
    def results(self) -> Mapping[str, TrainingResult]:
        """Label → result of the main run."""
        return self.contents.results

    @property
    def notes(self) -> str:
        """The notes behind the summary."""
        return self.design.notes.get(WHOLE, "")


def read_report(path: Path | str) -> ReportValues:
    """The values inside a report: an .html or .zip that taskviz wrote, or the .json of a .zip.

    Nothing of the file is run, unpickled or fetched; only its block of data is read, and each entry
    is checked.

    Raises:
        TaskvizError: no such file, it is no report of taskviz, or it holds more than is read.
    """
    path = Path(path)
    name = path.name
    try:
        if path.stat().st_size > MOST_BYTES:
            raise TaskvizError(
                f"{name} has {path.stat().st_size / 1e6:,.0f} MB: a report of at most "
                f"{MOST_BYTES / 1e6:.0f} MB is read."
            )
        data = path.read_bytes()
    except FileNotFoundError:
        raise TaskvizError(f"There is no file {path}: give the path of a saved report.") from None
    except OSError as error:
        raise TaskvizError(
            f"{name} cannot be read as a report ({error.strerror or error})."
        ) from None
    return read_report_bytes(data, name)


def read_report_bytes(data: bytes, name: str) -> ReportValues:
    """Likewise from the bytes of a file.

    Raises:
        TaskvizError: as :func:`read_report`.
    """
    if len(data) > MOST_BYTES:
        raise TaskvizError(
            f"{name} has {len(data) / 1e6:,.0f} MB: a report of at most {MOST_BYTES / 1e6:.0f} MB "
            "is read."
        )
    try:
        text = _unzipped(data, name) if data.startswith(b"PK") else data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TaskvizError(f"{name} cannot be read as a report ({error}).") from None
    block = text if text.lstrip()[:1] == "{" else _block(text)
    try:
        return _values(parse(block, name, MOST_BYTES), name)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, IndexError) as error:
        raise TaskvizError(
            f"{name} holds no values of a taskviz report ({type(error).__name__}): give a "
            "report that taskviz wrote."
        ) from None


def _values(data: Mapping[str, Any], name: str) -> ReportValues:
    if data["format"] != FORMAT:
        raise TaskvizError(
            f"{name} is a report of format {str(data['format'])[:40]}; this version of taskviz "
            f"reads format {FORMAT}."
        )
    facts = Facts.from_json(mapping(data["collection"], "collection"))
    runs = {}
    for run in sequence(data, "runs", MOST_VALUES):
        runs[bounded(mapping(run, "a run")["name"], "name", 2000)] = _results(run)
    contents = Contents(
        facts=facts,
        affinities=tuple(map(_matrix, sequence(data, "affinities", MOST_VALUES))),
        groupings=tuple(map(_plan, sequence(data, "groupings", MOST_VALUES))),
        results=_results(data),
        frontier=tuple(map(_plan, sequence(data, "frontier", MOST_TASKS))),
        scenarios=tuple(
            PinnedPlan.from_json(mapping(entry, "a scenario"))
            for entry in sequence(data, "scenarios", MOST_VALUES)
        ),
        runs=runs,
    )
    # A report written before there were designs has its notes by themselves.
    notes = bounded(data.get("notes", ""), "notes")
    design = Design.from_json(mapping(data.get("design") or {}, "design"))
    return ReportValues(contents, design.with_note(WHOLE, notes) if notes else design)


def _results(data: Mapping[str, Any]) -> dict[str, TrainingResult]:
    return dict(
        result_from_json(mapping(entry, "a result"))
        for entry in sequence(data, "results", MOST_VALUES)
    )


def _matrix(entry: Any) -> AffinityMatrix:
    if len(sequence(mapping(entry, "a matrix"), "tasks")) > MOST_TASKS:
        raise TaskvizError(f"A matrix of this report has over {MOST_TASKS} tasks.")
    return AffinityMatrix.from_json(entry)


def _plan(entry: Any) -> Grouping:
    return Grouping.from_json(mapping(entry, "a plan"))


def _unzipped(data: bytes, name: str) -> str:
    import io

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(ZIPPED) as member:
            # What the list of members says can be a lie: count while unpacking.
            text = member.read(MOST_BYTES + 1)
    except KeyError:
        raise TaskvizError(
            f"{name} holds no {ZIPPED}: give a .zip that taskviz wrote as a report."
        ) from None
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise TaskvizError(f"{name} cannot be unpacked ({error}).") from None
    if len(text) > MOST_BYTES:
        raise TaskvizError(f"{name} unpacks to more than {MOST_BYTES / 1e6:.0f} MB of data.")
    return text.decode("utf-8")


def _block(html: str) -> str:
    finder = _DataFinder()
    finder.feed(html)
    return "".join(finder.parts)


class _DataFinder(HTMLParser):
    """Collects the text of the data block."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self._inside = (
            tag == "script"
            and found.get("id") == DATA_ID
            and found.get("type") == "application/json"
            # The first one only: another would be somebody else's.
            and not self.parts
        )

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.parts.append(data)
