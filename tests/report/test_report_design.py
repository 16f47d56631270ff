"""Sections, their order, notes beside them, and what a note can do: nothing but be read."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report.page_parser import Page

from taskviz.report import read_report, write_report
from taskviz.report.charts import Chart
from taskviz.report.contents import Comment, Contents, PinnedPlan
from taskviz.report.design import SECTIONS, WHOLE, Design
from taskviz.report.document import draw, lay_out
from taskviz.report.facts import Facts
from taskviz.report.notes import TAGS, note_html
from taskviz.report.thinning import MOST_POINTS, blocks, points_of, thin
from taskviz.report.write import html_text
from taskviz.values import AffinityMatrix, Grouping, TaskvizError

MOMENT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
OTHER = Grouping.of([["t0", "t1"], ["t2"], ["t3"]], method="lloyd")


def make(study, path: Path, **changes) -> Page:  # type: ignore[no-untyped-def]
    given = {
        "collection": study.collection,
        "affinities": [study.affinity],
        "groupings": [study.plan],
        "results": study.results,
        "path": path,
        "written": MOMENT,
    }
    write_report(**{**given, **changes})
    return Page(path.read_text(encoding="utf-8"))


def sections(page: Page) -> list[str]:
    return [str(attrs["id"]) for tag, attrs in page.tags if tag == "section"]


def test_sections_are_chosen_and_ordered_and_the_summary_stays_first(study, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    design = Design(sections=("results", "affinity"))
    page = make(study, tmp_path / "r.html", design=design)
    assert sections(page) == ["summary", "results", "affinity"]
    assert "Repeat it" not in page.words
    # a plan is told in the summary, its charts are not drawn
    assert "A: t0 and t3 together." in page.words
    assert "Groups in the task graph" not in page.words


def test_a_section_moves_up_and_down() -> None:
    design = Design(sections=("collection", "affinity", "groups"))
    assert design.moved("groups", -1).sections == ("collection", "groups", "affinity")
    assert design.moved("collection", 5).sections == ("affinity", "groups", "collection")
    assert design.moved("collection", -1) == design
    assert design.moved("results", 1) == design
    without = design.with_section("affinity", wanted=False)
    assert without.sections == ("collection", "groups")
    assert without.with_section("affinity", wanted=True).sections[-1] == "affinity"


def test_another_order_or_note_draws_nothing_again(study, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    contents = Contents(
        Facts.of(study.collection), (study.affinity,), (study.plan,), results=study.results
    )
    drawn = draw(contents)
    monkeypatch.setattr(Chart, "of", None)
    first = lay_out(drawn, Design(), MOMENT)
    assert {chart.key for _, chart in first.charts} >= {"heatmap sca 0", "curve A"}
    design = Design(
        title="Other", sections=("results", "affinity"), notes={"heatmap sca 0": "see *here*"}
    )
    second = lay_out(drawn, design, MOMENT)
    numbers = {chart.key: number for number, chart in second.charts}
    assert numbers["contenders"] == 1
    assert "frontier" not in numbers
    figures = {chart.key: chart.figure for _, chart in first.charts}
    assert all(chart.figure is figures[chart.key] for _, chart in second.charts)
    assert "see <em>here</em>" in html_text(second)
    assert "see <em>here</em>" not in html_text(first), "what was laid out stays as it was"
    assert second.values["design"] == design.to_json()
    assert first.values["design"] == Design().to_json()


def test_notes_stand_beside_what_they_speak_of(study, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    notes = {
        WHOLE: "# All\n\nsee **this** [paper](https://example.org/a)",
        "groups": "of groups",
        "heatmap sca 0": "of the *heatmap*",
    }
    path = tmp_path / "r.html"
    page = make(study, path, design=Design(notes=notes))
    html = path.read_text(encoding="utf-8")
    assert "see <strong>this</strong>" in html
    assert 'href="https://example.org/a"' in html
    figure = html[html.index('id="chart-1"') : html.index('id="chart-2"')]
    assert "of the <em>heatmap</em>" in figure
    group = html[html.index('<section id="groups">') :]
    assert group.index("of groups") < group.index("<h3>")
    assert page.count("h1") == 1, "a heading of a note stands below those of the report"
    assert read_report(path).design.notes == notes


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:a)",
        "![x](https://evil.example/a.png)",
        "<https://evil.example/>",
        "[x](https://a.example 'title\" onclick=alert(1)')",
        "```js onload=alert(1)\nx\n```",
        "| a | b |\n|:--|--:|\n| <b>1</b> | 2 |",
        "[x]: javascript:alert(1)\n\n[x]",
        "&lt;script&gt;",
        "<div\n\nonclick=x>",
    ],
)
def test_a_note_can_only_be_read(text: str) -> None:
    harmless(note_html(text))


@given(
    st.text(alphabet=st.sampled_from(list("<>[]()!#*_`|-~\"'&: \n:/ajscriptonerr=.1")), max_size=80)
)
def test_no_text_makes_another_tag(text: str) -> None:
    harmless(note_html(text))


def harmless(html: str) -> None:
    for tag, attrs in Page(html).tags:
        assert tag in TAGS, (tag, html)
        for name, value in attrs.items():
            assert (tag, name) in {("a", "href"), ("ol", "start")}, (tag, attrs)
            if name == "href":
                assert str(value).startswith(("https://", "http://", "mailto:"))


def test_scenarios_runs_and_a_comparison_are_told_and_come_back(study, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    pinned = PinnedPlan("smaller", OTHER, "cheap <b>", (Comment("Ada", "why t3?", 1.7e9),))
    path = tmp_path / "r.html"
    runs = {"second run": dict(list(study.results.items())[:2])}
    page = make(
        study, path, scenarios=[pinned], runs=runs, design=Design(compare=("chosen", "smaller"))
    )
    for words in (
        "cheap <b>",
        "Ada , 14 November 2023, 22:13 UTC: why t3?",
        "From chosen to smaller:",
        "second run",
        "predicted gain",
    ):
        assert words in page.words, words
    assert page.count("ins") > 0
    assert page.count("del") > 0
    read = read_report(path)
    assert read.contents.scenarios == (pinned,)
    assert list(read.contents.runs["second run"]) == list(runs["second run"])
    assert read.design.compare == ("chosen", "smaller")
    with pytest.raises(TaskvizError, match="no plan 'nobody' to compare"):
        make(study, path, design=Design(compare=("chosen", "nobody")))


def test_a_design_that_cannot_be_is_told() -> None:
    with pytest.raises(TaskvizError, match=r"Unknown section of a report 'grups'.*'groups'"):
        Design(sections=("grups",))
    with pytest.raises(TaskvizError, match="named twice"):
        Design(sections=("groups", "groups"))
    with pytest.raises(TaskvizError, match="letters: at most"):
        Design(notes={"groups": "x" * 20_001})
    assert Design.from_json(Design().to_json()) == Design()
    assert set(SECTIONS) == set(Design().sections)


class TestThinning:
    def figure(self, lines: int, length: int):  # type: ignore[no-untyped-def]
        import plotly.graph_objects as go

        rng = np.random.default_rng(0)
        return go.Figure(
            [go.Scatter(x=np.arange(length), y=rng.normal(size=length)) for _ in range(lines)]
        )

    def test_a_full_chart_is_thinned_keeps_its_extremes_and_says_so(self) -> None:
        full = self.figure(6, 2000)
        before = [np.asarray(trace.y) for trace in full.data]
        chart = Chart.of("t", lambda dark: self.figure(6, 2000), "alt", caption="Of losses.")
        assert "Thinned: " in chart.caption
        assert "of 12,000 points" in chart.caption
        assert thin(full) == 12_000
        assert points_of(full) <= MOST_POINTS
        for trace, y in zip(full.data, before, strict=True):
            assert max(trace.y) == y.max()
            assert min(trace.y) == y.min()
            assert (trace.x[0], trace.x[-1]) == (0, 1999)

    def test_a_chart_of_few_points_stays_as_it_is(self) -> None:
        small = self.figure(2, 2500)
        assert thin(small) == 0
        assert points_of(small) == 5000
        assert "Thinned" not in Chart.of("t", lambda dark: self.figure(2, 2500), "alt").caption

    def test_edges_go_as_whole_pieces(self) -> None:
        import plotly.graph_objects as go

        count = 4000
        x = [value for i in range(count) for value in (float(i), i + 0.5, None)]
        figure = go.Figure(go.Scatter(x=x, y=x))
        thin(figure)
        kept = list(figure.data[0].x)
        assert len(kept) <= MOST_POINTS
        assert len(kept) % 3 == 0
        for a, b, gap in zip(kept[::3], kept[1::3], kept[2::3], strict=True):
            assert b - a == 0.5
            assert gap is None

    def test_a_large_matrix_is_averaged_over_blocks(self) -> None:
        rng = np.random.default_rng(0)
        matrix = AffinityMatrix(
            rng.normal(size=(150, 150)), tuple(f"t{i}" for i in range(150)), "x"
        )
        small, width = blocks(matrix)
        assert width == 3
        assert len(small.tasks) == 50
        off = matrix.values[~np.eye(150, dtype=bool)]
        weights = np.full((50, 50), 9.0)
        np.fill_diagonal(weights, 6.0)
        assert (small.values * weights).sum() == pytest.approx(off.sum())
        assert blocks(AffinityMatrix(np.zeros((4, 4)), tuple("abcd"), "x"))[1] == 1
