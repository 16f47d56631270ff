"""PDF, Markdown and .zip: each opened and checked; a .zip gives back equal values."""

import io
import json
import xml.etree.ElementTree as ET
import zipfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pypdf import PdfReader
from report.printed_pages import read_sheets

from taskviz.report import chromium, read_report, write_report
from taskviz.report.chromium import figures_to_svg, find_chromium, html_to_pdf
from taskviz.report.contents import PinnedPlan
from taskviz.report.design import WHOLE, Design
from taskviz.values import AffinityMatrix, Grouping, TaskvizError

needs_chromium = pytest.mark.skipif(find_chromium() is None, reason="no Chromium here")
NOTES = {WHOLE: "**Mind** this <i>x</i>", "affinity": "beside"}


def make(study: Any, path: Path, **changes: Any) -> Path:
    given = {
        "collection": study.collection,
        "affinities": [study.affinity],
        "groupings": [study.plan],
        "results": study.results,
        "frontier": study.frontier,
        "design": Design(notes=NOTES),
        "scenarios": [PinnedPlan("apart", Grouping.of([[t] for t in study.plan.tasks]), "why not")],
        "path": path,
    }
    return write_report(**{**given, **changes})


def rows_of(table: str) -> list[list[str]]:
    return [line.strip("|").split("|") for line in table.splitlines() if line.startswith("|")]


def test_markdown_tells_the_same_and_lets_nothing_out(study, hostile, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    text = make(study, tmp_path / "r.md").read_text(encoding="utf-8")
    for words in (
        "### Recommendation",
        "A: t0 and t3 together",
        "> **Mind** this &lt;i>x",
        "why not",
    ):
        assert words.replace("A: t0", "A\\: t0") in text, words
    assert "python -m taskviz" in text
    widths = [len(line.split(" | ")) for line in text.splitlines() if line.startswith("| ")]
    assert min(widths) >= 2
    bad = make(hostile, tmp_path / "h.md", scenarios=(), design=Design()).read_text(
        encoding="utf-8"
    )
    outside, fenced = [], False
    for line in bad.splitlines():
        fenced ^= line.startswith("```")
        if not fenced:
            outside.append(line)
    prose = "\n".join(outside)
    assert "<script" not in prose.replace("\\<", "")
    assert "<img" not in prose.replace("\\<", "")


@needs_chromium
def test_a_pdf_has_its_pages_with_every_chart(study, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = make(study, tmp_path / "r.pdf")
    reader = PdfReader(path)
    pages = [page.extract_text() for page in reader.pages]
    assert 5 <= len(pages) <= 40
    size = reader.pages[0].mediabox
    assert (round(float(size.width)), round(float(size.height))) == (595, 842), "A4"
    # the summary is one page by itself
    for heading in ("Recommendation", "Evidence", "Cost", "Doubts"):
        assert heading in pages[0]
    assert "Tasks of the collection" not in pages[0]
    assert "Data fingerprint" not in pages[0]
    whole = "\n".join(pages)
    check_sheets(path)
    # letters that Plotly drew: axes of the heatmap, the frontier, contenders, curves
    for drawn in ("target: is helped", "source: helps", "all-separate", "epoch"):
        assert drawn in whole, drawn
    # a chart is lines and fills on the page, not words alone
    strokes = [page.get_contents().get_data().count(b" l\n") for page in reader.pages]
    assert sum(count > 5 for count in strokes) >= 3


def check_sheets(path: Path) -> None:
    """Pages are well filled, nothing hangs over an edge, and no page ends in a heading."""
    sheets = read_sheets(path)
    assert len(sheets) == len(PdfReader(path).pages)
    for number, sheet in enumerate(sheets, 1):
        assert len(sheet.runs) > 20, number
        assert [run for run in sheet.runs if run.is_cut] == [], f"cut on page {number}"
        # headings, titles of figures and heads of tables are bold throughout
        assert not all(run.bold for run in sheet.last_line), f"page {number} ends in a heading"
    assert any(run.bold for sheet in sheets for run in sheet.runs)
    # A chart that does not fit goes to the next page: here one page is 68 % full, all 93 %.
    shares = [sheet.filled for sheet in sheets[:-1]]
    assert min(shares) > 0.6, shares
    assert np.mean(shares) > 0.88, shares


@needs_chromium
def test_what_belongs_together_stays_on_a_page_wherever_it_falls(tmp_path: Path) -> None:
    """A heading and the title of a chart, at each height of a page's foot."""
    css = (files("taskviz.report") / "templates/report.css").read_text(encoding="utf-8")
    row = "<tr><th scope='row'>t0</th><td>0.5</td></tr>"
    table = (
        "<div class='scroll'><table><thead><tr><th>task</th><th>value</th></tr></thead>"
        f"<tbody>{row * 4}</tbody></table></div>"
    )
    chart = "<figure class='card'><figcaption><b>Title</b></figcaption>{}</figure>"
    cases = (
        f"<h3>Heading</h3>{table}",
        f"<details open><summary>Method</summary>{table}</details>",
        chart.format("<div class='chart' style='height: 200px'>drawn</div>"),
    )
    heights = range(900, 1000, 5)
    body = "".join(
        f"<section style='break-after: page'><div style='height: {height}px'>above</div>{case}"
        "<p>below</p></section>"
        for case in cases
        for height in heights
    )
    path = tmp_path / "r.pdf"
    path.write_bytes(html_to_pdf(f"<!doctype html><style>{css}</style><body>{body}"))
    sheets = read_sheets(path)
    assert len(sheets) > len(cases) * len(heights), "some of them go over to another page"
    for sheet in sheets:
        assert [run for run in sheet.runs if run.is_cut] == []
        assert not all(run.bold for run in sheet.last_line)


@needs_chromium
def test_a_zip_gives_back_equal_values(study, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = make(study, tmp_path / "r.zip")
    read = read_report(path)
    assert read.affinities[0].to_json() == study.affinity.to_json()
    assert read.groupings == (study.plan,)
    assert read.contents.frontier == study.frontier
    assert read.design.notes == NOTES
    for label, result in study.results.items():
        pd.testing.assert_frame_equal(
            read.results[label].metrics, result.metrics, check_dtype=False
        )
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "out")
    folder = tmp_path / "out"
    matrix = AffinityMatrix.read(folder / "data/affinity-1-sca.csv")
    np.testing.assert_array_equal(matrix.values, study.affinity.values)
    assert AffinityMatrix.read(folder / "data/affinity-1-sca.json").to_json() == (
        study.affinity.to_json()
    )
    assert Grouping.read(folder / "data/plan-1-chosen.json") == study.plan
    metrics = pd.read_csv(folder / "data/results-1-chosen-metrics.csv")
    pd.testing.assert_frame_equal(metrics, study.results["chosen"].metrics, check_dtype=False)
    assert "python -m taskviz" in (folder / "commands.sh").read_text()
    charts = [name for name in names if name.endswith(".plotly.json")]
    pictures = [name for name in names if name.endswith(".svg")]
    assert len(pictures) == len(charts) >= 8
    text = (folder / "report.md").read_text(encoding="utf-8")
    for name in pictures:
        root = ET.fromstring((folder / name).read_text(encoding="utf-8"))
        assert root.tag.endswith("svg")
        assert len(list(root.iter("{http://www.w3.org/2000/svg}path"))) > 1
        assert f"({name})" in text
    # the page inside is a report by itself, and says the same
    inner = read_report(folder / "report.html")
    assert inner.affinities[0].to_json() == study.affinity.to_json()


def test_without_a_browser_a_zip_says_so_and_a_pdf_is_refused(  # type: ignore[no-untyped-def]
    study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(chromium.VARIABLE, str(tmp_path / "nothing"))
    with pytest.raises(TaskvizError, match=r"needs an installed Chromium.*apt install chromium"):
        make(study, tmp_path / "r.pdf")
    assert not (tmp_path / "r.pdf").exists()
    path = make(study, tmp_path / "r.zip")
    with zipfile.ZipFile(path) as archive:
        readme = archive.read("README.md").decode()
        assert not [name for name in archive.namelist() if name.endswith(".svg")]
    assert "No pictures were drawn: Drawing figures as SVG needs an installed Chromium" in readme
    assert read_report(path).groupings == (study.plan,)


def test_a_browser_that_fails_or_hangs_is_one_sentence(  # type: ignore[no-untyped-def]
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, body, message in (
        ("fails", "echo it broke >&2; exit 3", r"ended with status 3 \(it broke\)"),
        ("hangs", "sleep 600", "was given up after 1 s"),
        ("silent", "exit 0", "drew 0 of 1 figures"),
    ):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
        monkeypatch.setenv(chromium.VARIABLE, str(program))
        monkeypatch.setattr(chromium, "SECONDS", 1 if name == "hangs" else 60)
        with pytest.raises(TaskvizError, match=message):
            figures_to_svg([{"data": [], "layout": {}}], {})


@pytest.fixture(scope="module")
def written(study, tmp_path_factory: pytest.TempPathFactory) -> str:  # type: ignore[no-untyped-def]
    """The block of data of a report, as text."""
    from taskviz.report.read import _block

    path = make(study, tmp_path_factory.mktemp("read") / "r.html")
    return _block(path.read_text(encoding="utf-8"))


class TestWhatIsRead:
    @pytest.mark.parametrize(
        ("place", "value"),
        [
            (("affinities",), {}),
            (("affinities", 0, "values"), "x"),
            (("affinities", 0, "values", 0), [1.0]),
            (("affinities", 0, "tasks"), ["a", "a", "a", "a"]),
            (("groupings", 0, "groups"), [["t0"], []]),
            (("groupings", 0, "serving", "t0"), 99),
            (("results", 0, "metrics", "value"), [1.0]),
            (("results", 0, "metrics", "group", 0), 77),
            (("results", 0, "metrics", "split", 0), "secret"),
            (("results", 0, "metrics", "metric", 0), ["loss"]),
            (("results", 0, "history", 0, "run"), [0, 10**12]),
            (("results", 0, "history", 0, "values"), None),
            (("results", 0, "serving"), {"t0": -1}),
            (("results", 0, "settings"), []),
            (("results", 0, "label"), 3),
            (("collection", "n"), -1),
            (("collection", "tasks", 0, "kind"), "spy"),
            (("collection", "table", "rows", 0), ["short"]),
            (("design", "sections"), ["summary"]),
            (("design", "style"), ["x"]),
            (("design", "notes"), {"a": 1}),
            (("design", "notes"), {"a": "x" * 30_000}),
            (("scenarios", 0, "plan"), None),
            (("scenarios", 0, "comments"), [{"author": "x" * 1000, "text": "", "created": 0}]),
            (("runs",), [{"name": 1}]),
            (("format",), 99),
        ],
        ids=str,
    )
    def test_an_entry_of_another_kind_is_one_sentence(
        self, written: str, tmp_path: Path, place: tuple[Any, ...], value: Any
    ) -> None:
        data = json.loads(written)
        at = data
        for step in place[:-1]:
            at = at[step]
        at[place[-1]] = value
        path = tmp_path / "bad.json"
        path.write_text(json.dumps(data))
        with pytest.raises(TaskvizError) as told:
            read_report(path)
        assert len(str(told.value)) < 700

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ('{"a":' + "[" * 200_000, "nested too deeply|holds no values"),
            ('{"format": NaN}', "holds no values"),
            ('{"format": 1, "format": 1}', "holds no values"),
            ("{", "holds no values"),
            ("PK\x03\x04broken", "cannot be unpacked"),
        ],
        ids=["deep", "nan", "twice", "cut", "zip"],
    )
    def test_other_text_is_one_sentence(self, tmp_path: Path, text: str, message: str) -> None:
        path = tmp_path / "bad.html"
        path.write_text(text)
        with pytest.raises(TaskvizError, match=message):
            read_report(path)

    def test_what_is_too_large_is_refused_before_it_is_read(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from taskviz.report import read

        path = tmp_path / "big.html"
        with path.open("wb") as file:
            file.truncate(read.MOST_BYTES + 1)
        with pytest.raises(TaskvizError, match="of at most 64 MB is read"):
            read_report(path)
        monkeypatch.setattr(read, "MOST_BYTES", 100_000)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(read.ZIPPED, b" " * 10_000_000)
        bomb = tmp_path / "bomb.zip"
        bomb.write_bytes(packed.getvalue())
        assert bomb.stat().st_size < 100_000
        with pytest.raises(TaskvizError, match="unpacks to more than"):
            read_report(bomb)
        with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
            archive.writestr("../data/report.json", "{}")
        with pytest.raises(TaskvizError, match=r"holds no data/report\.json"):
            read_report(tmp_path / "other.zip")

    def test_values_that_no_check_foresees_are_one_sentence(
        self, written: str, tmp_path: Path
    ) -> None:
        from taskviz.verbs import open_report

        data = json.loads(written)
        data["results"][0]["settings"]["options"] = "abc"
        path = tmp_path / "odd.json"
        path.write_text(json.dumps(data))
        with pytest.raises(TaskvizError, match="holds values that cannot be shown"):
            open_report(path)
