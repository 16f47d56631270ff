"""The Report page as a script: what a note costs."""

import pytest
from app_pages_under_test import open_app
from streamlit.testing.v1 import AppTest

from taskviz.ui import report_source, store
from taskviz.verbs import affinity_key, compute_affinity, load_collection


def preview(app: AppTest) -> str:
    """The page inside the page."""
    (frame,) = app.get("iframe")
    return str(frame.proto.srcdoc)


def test_a_note_or_another_order_draws_no_figure_again(monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[int] = []
    real = report_source.draw

    def counted(*given: object) -> object:
        times.append(1)
        return real(*given)

    monkeypatch.setattr(report_source, "draw", counted)
    linnerud = load_collection("linnerud")
    compute_affinity(linnerud, "label-correlation", cache=store.cache())
    matrix = affinity_key(linnerud, "label-correlation")
    report_source._drawn.clear()
    app = open_app("report", collection="linnerud", matrix=matrix)
    assert not app.exception
    assert times == [1]
    next(area for area in app.text_area if "Note" in area.label).set_value("**Mind** this").run()
    assert "<strong>Mind</strong> this" in preview(app)
    app.button(key="up_affinity").click().run()
    shown = preview(app)
    assert shown.index('<section id="affinity">') < shown.index('<section id="collection">')
    assert not app.exception
    assert times == [1]
