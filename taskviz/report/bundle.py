"""The report as a .zip: data as CSV and JSON, figures as SVG, the commands, the report itself."""

import io
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from taskviz.figures.style import chart_config
from taskviz.report.document import Document
from taskviz.report.markdown import markdown_text
from taskviz.report.read import ZIPPED
from taskviz.report.write import html_text
from taskviz.values import TaskvizError, TrainingResult
from taskviz.values.escaping import spreadsheet_safe
from taskviz.values.storage import dumps


def bundle_bytes(document: Document) -> bytes:
    """Every part of a report in one archive; ``data/report.json`` is what reads back.

    Figures are drawn by an installed Chromium. Where there is none, each is there as Plotly's JSON
    only, and the README says so.
    """
    pictures, problem = _pictures(document)
    files: dict[str, bytes] = {}
    for number, chart in document.charts:
        name = f"figures/{number:02d}-{_plain(chart.title)}"
        files[f"{name}.plotly.json"] = dumps(chart.figure).encode()
        if number in pictures:
            files[f"{name}.svg"] = pictures[number].encode()
    shown = {
        number: f"figures/{number:02d}-{_plain(chart.title)}.svg"
        for number, chart in document.charts
        if number in pictures
    }
    files["report.html"] = html_text(document).encode()
    files["report.md"] = markdown_text(document, shown).encode()
    files[ZIPPED] = dumps(document.values).encode()
    files |= _data(document)
    files["commands.sh"] = _commands(document).encode()
    if document.repeat.plan is not None:
        files["grouping.json"] = dumps(document.repeat.plan.to_json()).encode()
    files["README.md"] = _readme(document, problem).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            # A moment of its own would make two equal reports differ.
            entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    return out.getvalue()


def _pictures(document: Document) -> tuple[dict[int, str], str]:
    """Number of a chart → SVG, and why there are none."""
    from taskviz.report.chromium import figures_to_svg

    if not document.charts:
        return {}, ""
    try:
        drawn = figures_to_svg([chart.figure for _, chart in document.charts], chart_config())
    except TaskvizError as error:
        return {}, str(error)
    numbers = [number for number, _ in document.charts]
    return dict(zip(numbers, drawn, strict=True)), ""


def _data(document: Document) -> dict[str, bytes]:
    contents = document.contents
    files: dict[str, bytes] = {}
    for i, matrix in enumerate(contents.affinities, 1):
        stem = f"data/affinity-{i}-{_plain(matrix.method)}"
        files[f"{stem}.csv"] = _written(matrix.save, "matrix.csv")
        files[f"{stem}.json"] = dumps(matrix.to_json()).encode()
    for i, (name, plan) in enumerate(contents.named_plans().items(), 1):
        files[f"data/plan-{i}-{_plain(name)}.json"] = dumps(plan.to_json()).encode()
    runs: Mapping[str, Mapping[str, TrainingResult]] = {"results": contents.results}
    runs = {**runs, **{f"run {name}": results for name, results in contents.runs.items()}}
    for run, results in runs.items():
        for i, (label, result) in enumerate(results.items(), 1):
            stem = f"data/{_plain(run)}-{i}-{_plain(label)}"
            files[f"{stem}-metrics.csv"] = _csv(result, "metrics")
            files[f"{stem}-history.csv"] = _csv(result, "history")
    return files


def _csv(result: TrainingResult, what: str) -> bytes:
    frame = getattr(result, what)
    text: str = frame.map(
        lambda cell: spreadsheet_safe(cell) if isinstance(cell, str) else cell
    ).to_csv(index=False)
    return text.encode()


def _written(save: Callable[[Path], object], name: str) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        save(path)
        return path.read_bytes()


def _commands(document: Document) -> str:
    notes = "".join(f"# {' '.join(note.split())}\n" for note in document.repeat.notes)
    lines = "".join(f"{line}\n" for line in document.repeat.lines)
    return f"#!/bin/sh\n# Repeats what this report shows.\nset -e\n{notes}{lines}"


def _readme(document: Document, problem: str) -> str:
    lines = [
        "# A report of taskviz",
        "- `report.html`: opens in any browser, offline.",
        "- `report.md`: the same as Markdown.",
        f"- `{ZIPPED}`: every value. `taskviz report --open FILE.zip` and the Report page read it.",
        "- `data/`: matrices, metrics and curves as CSV, matrices and plans as JSON.",
        "- `commands.sh`: repeats everything.",
    ]
    if problem:
        lines.append(f"- `figures/`: as Plotly's JSON only. No pictures were drawn: {problem}")
    elif document.charts:
        lines.append("- `figures/`: every chart as SVG, and as Plotly's JSON.")
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """A part of a file name: small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40] or "x"
