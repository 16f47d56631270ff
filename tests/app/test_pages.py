"""The pages as scripts: empty states, bad links, no traceback."""

import ast

import pytest
from app_pages_under_test import ROOT, open_app, words

from taskviz.ui import store
from taskviz.ui.pages import PAGES
from taskviz.values import TaskvizError

NEED_A_COLLECTION = [
    entry.name for entry in PAGES if entry.name not in ("collection", "jobs", "laboratory")
]


def test_no_page_shows_its_comments() -> None:
    """Streamlit writes a lone string of a page onto the page."""
    for file in (ROOT / "app.py", *ROOT.glob("app_pages/*.py")):
        lone = [
            node.value.value
            for node in ast.parse(file.read_text(encoding="utf-8")).body[1:]
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        ]
        assert lone == [], file.name


@pytest.mark.parametrize("page", [entry.name for entry in PAGES])
def test_a_page_with_nothing_chosen_says_what_to_do(page: str) -> None:
    app = open_app(page)
    assert not app.exception
    said = words(app)
    if page in NEED_A_COLLECTION and page != "groups":
        assert "No collection is chosen yet" in said
        assert "Use the yeast example" in [button.label for button in app.button]
    if page == "jobs":
        assert "Nothing has run yet" in said or "ended" in said


@pytest.mark.parametrize(
    "name", ["nonsense", "c-abc", "c-../../etc/passwd", "<script>alert(1)</script>", "upload:00"]
)
def test_a_link_to_no_collection_is_one_sentence(name: str) -> None:
    app = open_app("collection", collection=name)
    assert not app.exception
    assert len(app.error) == 1
    assert "<script>" not in words(app), "the name must be escaped"
    assert "Traceback" not in words(app)


@pytest.mark.parametrize(
    "query",
    [
        {"matrix": "zzz"},
        {"pair": "99-1"},
        {"pair": "x"},
        {"budget": "many"},
        {"budget": "-4"},
        {"plan": "0" * 64},
        {"job": "nope"},
        {"run": "../x"},
        {"study": "1"},
        {"grouper": "magic"},
        {"compared": "x.y", "estimate": "..", "earlier": "../x", "focus": "²"},
        {"ticked": "-", "methods": "many", "caught": "%%%", "affinity_tab": "Nowhere"},
    ],
)
@pytest.mark.parametrize("page", ["affinity", "training", "report"])
def test_odd_links_open_the_page_all_the_same(page: str, query: dict[str, str]) -> None:
    app = open_app(page, collection="linnerud", **query)
    assert not app.exception
    assert app.title[0].value == page.capitalize()


def test_a_link_narrows_the_list_of_jobs() -> None:
    jobs = store.jobs()
    made = [jobs.add("affinity", {}, f"work {i}", "cpu") for i in range(2)]
    jobs.finish(made[0].id, made[0].attempt, "failed", error="It could not be done.")
    jobs.finish(made[1].id, made[1].attempt, "done", result={})
    for which, told in (("failed or stopped", True), ("done", False), ("nonsense", True)):
        app = open_app("jobs", which_jobs=which)
        assert not app.exception
        assert ("It could not be done" in words(app)) == told
        assert ("work 1" in words(app)) == (which != "failed or stopped")


@pytest.mark.parametrize(
    ("page", "key"), [("optima", "map"), ("landscape", "landscape"), ("landscape", "dynamics")]
)
def test_a_link_to_no_study_offers_to_start_one(page: str, key: str) -> None:
    app = open_app(page, collection="linnerud", **{key: "../nope"})
    assert not app.exception
    assert {"Draw the map", "Measure the landscape"} & {button.label for button in app.button}


def test_a_built_in_is_opened_and_its_tasks_are_shown() -> None:
    app = open_app()
    app.button(key="use_linnerud").click().run()
    assert not app.exception
    assert app.query_params["collection"] == ["linnerud"] or app.query_params["collection"] == (
        "linnerud"
    )
    assert "linnerud" in [element.value for element in app.subheader]


def test_a_job_that_cannot_start_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise TaskvizError("The disk is full: free some space.")

    monkeypatch.setattr("taskviz.ui.job_panel.start_job", refuse)
    app = open_app("affinity", collection="linnerud")
    next(button for button in app.button if button.label == "Compute").click().run()
    assert not app.exception
    assert [error.value for error in app.error] == ["The disk is full\\: free some space\\."]


@pytest.mark.parametrize("page", [entry.name for entry in PAGES])
def test_a_job_store_that_cannot_be_used_is_one_sentence(
    page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise TaskvizError("The job store cannot be used: free some space there.")

    monkeypatch.setattr("taskviz.jobs.JobStore.running", refuse)
    app = open_app(page)
    assert not app.exception
    assert "free some space there" in words(app)
