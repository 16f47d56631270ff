"""One file, whole, with everything that was found, and honest about what is missing."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from report.page_parser import Page

import taskviz as tv
from taskviz.figures.style import three_digits
from taskviz.report import write_report
from taskviz.report.charts import difference
from taskviz.training.compare import comparison_table, summary_sentences
from taskviz.values import AffinityMatrix, Grouping, TaskCollection, TaskvizError

MOMENT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def file(study, tmp_path_factory: pytest.TempPathFactory) -> Path:  # type: ignore[no-untyped-def]
    return write_report(
        collection=study.collection,
        affinities=[study.affinity],
        groupings=[study.plan],
        results=study.results,
        frontier=study.frontier,
        notes="First line.\n\nSecond & last <line>.",
        path=tmp_path_factory.mktemp("report") / "report.html",
        written=MOMENT,
    )


@pytest.fixture(scope="module")
def page(file: Path) -> Page:
    return Page(file.read_text(encoding="utf-8"))


def test_the_file_is_one_and_small(file: Path) -> None:
    assert [each.name for each in file.parent.iterdir()] == ["report.html"]
    assert file.stat().st_size < 8_000_000


def test_it_asks_for_nothing_from_outside(page: Page) -> None:
    for tag, attrs in page.tags:
        assert tag not in ("link", "iframe", "object", "embed", "base", "img")
        assert "src" not in attrs
        if "href" in attrs:
            assert str(attrs["href"]).startswith("#")
    assert not any("url(" in style or "@import" in style for style in page.styles)


def test_the_policy_names_each_script_by_its_hash(page: Page) -> None:
    policy = next(
        a["content"] for t, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data: blob:"
    run = [text for attrs, text in page.scripts if attrs.get("type") != "application/json"]
    hashes = [base64.b64encode(hashlib.sha256(t.encode()).digest()).decode() for t in run]
    assert rules["script-src"].split() == [f"'sha256-{each}'" for each in hashes]
    assert len(run) == 2
    assert sum("plotly.js v" in text for text in run) == 1
    # the policy stands before anything it has to hold
    names = [tag for tag, _ in page.tags]
    assert names.index("meta") < names.index("style") < names.index("script")


def test_what_was_found_is_told(study, page: Page) -> None:  # type: ignore[no-untyped-def]
    words = page.words
    collection = study.collection
    assert "Which of the 4 tasks of toy should be trained together, given that 2 models" in words
    assert "A: t0 and t3 together." in words
    assert "B: t1, t2 and t0 together." in words
    for sentence in summary_sentences(study.results):
        assert sentence in words
    for fact in (
        collection.fingerprint,
        "joint: every task sees the same inputs",
        "02 January 2026, 03:04 UTC",
        "First line.",
        "Second & last <line>.",
        study.affinity.notes[0],
        "A note of the grouper.",
        "Score 0.500 (density, higher is better).",
        "One initial state: no standard error was measured. SCA as published varies strongly",
        "2.13.0",
        tv.__version__,
    ):
        assert fact in words
    table = comparison_table(study.results)
    for label in ("chosen", "all-together", "all-separate"):
        for value in table[label]:
            assert three_digits(float(value)) in words
    means = table[["random 1", "random 2"]].mean(axis=1)
    assert "random (mean of 2)" in words
    for value in means:
        assert three_digits(float(value)) in words
    for name, value in study.affinity.options.items():
        assert f"{name} {value}" in words
    for name, value in study.results["chosen"].settings["options"].items():
        assert f"{name.replace('_', ' ')} " in words
        assert {True: "yes", False: "no"}.get(value, str(value)) in words


def test_each_chart_has_alt_text_and_a_table(page: Page) -> None:
    drawn = json.loads(page.script("taskviz-charts"))["charts"]
    places = {a["id"]: a for _, a in page.tags if str(a.get("id", "")).startswith("chart-")}
    assert set(places) == {f"chart-{chart['number']}" for chart in drawn}
    # heatmap, graph; groups, frontier; contenders, gains; a curve a group
    assert len(drawn) == 8
    assert all(len(str(a["aria-label"])) > 20 for a in places.values())
    assert page.count("figure") == 8
    summaries = page.words.count("Table: ")
    assert summaries >= 8


def test_the_charts_are_those_of_the_app(study, page: Page) -> None:  # type: ignore[no-untyped-def]
    from taskviz.figures.heatmap import affinity_heatmap

    charts = json.loads(page.script("taskviz-charts"))["charts"]
    light = json.loads(affinity_heatmap(study.affinity).to_json())
    dark = json.loads(affinity_heatmap(study.affinity, dark=True).to_json())
    assert charts[0]["figure"] == light
    made = json.loads(json.dumps(charts[0]["figure"]))
    for path, value in charts[0]["dark"]:
        place = made
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
    assert made == dark


def test_difference_is_small_and_exact() -> None:
    first = {"a": [1, {"b": 2}], "c": "x"}
    assert difference(first, {"a": [1, {"b": 3}], "c": "x"}) == [[["a", 1, "b"], 3]]
    assert difference(first, {"a": [1], "c": "x"}) == [[["a"], [1]]]
    assert difference(first, first) == []


def test_every_heading_leads_somewhere(page: Page) -> None:
    ids = [attrs["id"] for _, attrs in page.tags if attrs.get("id")]
    assert len(ids) == len(set(ids))
    targets = [str(a["href"])[1:] for t, a in page.tags if t == "a"]
    assert targets
    assert set(targets) <= set(ids)
    assert page.count("h1") == page.count("main") == 1
    assert next(a for t, a in page.tags if t == "html")["lang"] == "en"


def test_the_same_study_gives_the_same_bytes(study, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    texts = [
        write_report(
            collection=study.collection,
            affinities=[study.affinity],
            groupings=[study.plan],
            path=tmp_path / name,
            written=MOMENT,
        ).read_bytes()
        for name in ("a.html", "b.html")
    ]
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("parts", "missing"),
    [
        ((), ("no affinity was computed", "no groups were chosen", "nothing was trained")),
        (("affinities",), ("no groups were chosen", "nothing was trained")),
        (("groupings",), ("no affinity was computed", "nothing was trained")),
        (("affinities", "groupings"), ("nothing was trained",)),
        (("results",), ("no affinity was computed",)),
    ],
)
def test_any_part_may_be_missing(  # type: ignore[no-untyped-def]
    study, tmp_path: Path, parts: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    given = {
        "affinities": [study.affinity],
        "groupings": [study.plan],
        "results": study.results,
    }
    path = write_report(
        collection=study.collection,
        path=tmp_path / "r.html",
        **{part: given[part] for part in parts},
    )
    words = Page(path.read_text(encoding="utf-8")).words
    for text in ("no affinity was computed", "no groups were chosen", "nothing was trained"):
        assert (f"Missing: {text}" in words) == (text in missing)
    if not parts:
        assert path.stat().st_size < 100_000  # no chart, so no Plotly


def test_results_without_names_are_named(study, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = write_report(
        collection=study.collection, results=list(study.results.values()), path=tmp_path / "r.html"
    )
    words = Page(path.read_text(encoding="utf-8")).words
    for label in ("gat-gmm", "all-together", "all-separate"):
        assert label in words
    assert "random (mean of 2)" in words


def test_a_plan_found_twice_is_shown_once(study, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from dataclasses import replace

    again = replace(study.plan, seconds=12.0)
    path = write_report(
        collection=study.collection,
        groupings=[again],
        results=study.results,
        path=tmp_path / "r.html",
    )
    assert Page(path.read_text(encoding="utf-8")).words.count("2 groups by gat-gmm") == 2
    # once as a heading and once as the caption of its table


def test_other_data_are_a_doubt(study, toy_factory, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    other: TaskCollection = toy_factory(seed=5)
    path = write_report(collection=other, affinities=[study.affinity], path=tmp_path / "r.html")
    assert "was made from other data" in Page(path.read_text(encoding="utf-8")).words


def test_a_standard_error_is_told(study, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from dataclasses import replace

    errors = np.full((4, 4), 0.05)
    matrix = replace(
        study.affinity, standard_error=errors, options={**study.affinity.options, "inits": 20}
    )
    path = write_report(collection=study.collection, affinities=[matrix], path=tmp_path / "r.html")
    words = Page(path.read_text(encoding="utf-8")).words
    assert "Standard error of an entry: 0.0500 (median) over 20 initial states." in words
    assert "no standard error was measured" not in words
    assert "± 0.050" in words


def test_many_tasks_stay_within_the_size(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    names = tuple(f"a task with a long name number {i}" for i in range(100))
    from taskviz.values import Task

    collection = TaskCollection.from_arrays(
        "large",
        rng.normal(size=(40, 3)),
        {name: rng.normal(size=40) for name in names},
        [Task(name, "regression") for name in names],
        np.repeat([0, 1, 2, 0], 10),
    )
    matrix = AffinityMatrix(rng.normal(size=(100, 100)), names, "imported")
    plan = Grouping.of([names[k::7] for k in range(7)])
    path = write_report(
        collection=collection, affinities=[matrix], groupings=[plan], path=tmp_path / "r.html"
    )
    assert path.stat().st_size < 8_000_000


def test_what_cannot_be_written_is_told(study, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TaskvizError, match="is a folder"):
        write_report(collection=study.collection, path=tmp_path)
    with pytest.raises(TaskvizError, match=r"x\.xyz does not say .* \.html, \.pdf, \.md, \.zip"):
        write_report(collection=study.collection, path=tmp_path / "x.xyz")
    assert not (tmp_path / "x.xyz").exists()
    blocked = tmp_path / "file"
    blocked.write_text("x")
    with pytest.raises(TaskvizError, match="Cannot write the report"):
        write_report(collection=study.collection, path=blocked / "r.html")
    with pytest.raises(TaskvizError, match="Unknown theme 'pink'"):
        write_report(collection=study.collection, path=tmp_path / "r.html", theme="pink")  # type: ignore[arg-type]
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
