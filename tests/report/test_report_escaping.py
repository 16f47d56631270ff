"""No text of a user leaves its place: not in HTML, not in attributes, not in script blocks."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report.page_parser import Page

from taskviz.report import read_report, write_report
from taskviz.report.embed import script_json


@pytest.fixture(scope="module")
def file(hostile, payload: str, tmp_path_factory: pytest.TempPathFactory) -> Path:  # type: ignore[no-untyped-def]
    return write_report(
        collection=hostile.collection,
        affinities=[hostile.affinity],
        groupings=[hostile.plan],
        results=hostile.results,
        frontier=hostile.frontier,
        notes=payload,
        title=payload,
        path=tmp_path_factory.mktemp("hostile") / "report.html",
    )


@pytest.fixture(scope="module")
def page(file: Path) -> Page:
    return Page(file.read_text(encoding="utf-8"))


def test_only_our_own_elements_are_there(page: Page) -> None:
    # values, charts, Plotly, ours: a payload that broke out would add one
    assert page.count("script") == 4
    assert page.count("style") == 1
    for tag in ("img", "textarea", "iframe", "svg", "form", "input", "object", "link"):
        assert page.count(tag) == 0
    for tag, attrs in page.tags:
        assert not any(name.startswith("on") for name in attrs), (tag, attrs)
        assert not any(name in attrs for name in ("src", "srcdoc", "action"))
        assert set(attrs) <= {
            *("lang", "data-theme", "charset", "http-equiv", "content", "name", "class", "id"),
            *("href", "role", "aria-label", "hidden", "type", "data-set-theme", "scope"),
            *("tabindex", "data-wide"),
        }
        assert str(attrs.get("href") or "#").startswith("#")


def test_the_text_is_shown_as_it_is(page: Page, payload: str) -> None:
    shown = " ".join(payload.split())
    words = page.words
    # title, notes, collection, licence, task names, classes, notes of values, options …
    assert words.count(shown) > 50
    assert "49" not in words.split("{{7*7}}")[1][:3]


def test_no_script_block_holds_a_bracket(page: Page) -> None:
    for script_id in ("taskviz-data", "taskviz-charts"):
        text = page.script(script_id)
        assert not set("<>&\u2028\u2029") & set(text)
        assert json.loads(text)


def test_the_values_come_back_to_the_letter(hostile, file: Path, payload: str) -> None:  # type: ignore[no-untyped-def]
    read = read_report(file)
    assert read.notes == payload
    assert read.collection["name"] == payload
    assert read.affinities[0].tasks == hostile.affinity.tasks
    assert read.affinities[0].options == {payload: payload}
    assert read.groupings[0] == hostile.plan
    assert list(read.results) == list(hostile.results)


@given(st.text())
def test_script_json_cannot_leave_its_block(text: str) -> None:
    written = script_json({"key": text})
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written) == {"key": text}
