"""State in the URL: links and the back button win, what the browser sent too late does not."""

import pytest
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.testing.v1 import AppTest

from taskviz.ui import state


def script() -> None:
    import streamlit as st

    from taskviz.ui import state

    state.sync(st.query_params.get("page", "training"))
    st.button("Enlarge", on_click=state.put, args=("focus", "0"))
    st.button("Another matrix", on_click=state.put, args=("matrix", "b"))
    st.markdown(f"{state.get('run')} {state.get('focus')} {state.get('matrix')}")


def opened(**query: str) -> AppTest:
    app = AppTest.from_function(script)
    return send(app, **query)


def send(app: AppTest, **query: str) -> AppTest:
    """A run with this query string, as a browser asks for it."""
    app.query_params.clear()
    app.query_params.update(query)
    app.run()
    assert not app.exception
    return app


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


def said(app: AppTest) -> str:
    return str(app.markdown[0].value)


def address(app: AppTest) -> dict[str, str]:
    found = {}
    for key, value in app.query_params.items():
        found[key] = value if isinstance(value, str) else value[0]
    return found


def test_what_was_replaced_just_now_does_not_come_back() -> None:
    app = opened(run="1")
    press(app, "Enlarge")
    assert (said(app), address(app)) == ("1 0 None", {"run": "1", "focus": "0"})
    send(app, run="1")  # on its way when the page said focus=0
    assert (said(app), address(app)) == ("1 0 None", {"run": "1", "focus": "0"})
    press(app, "Another matrix")
    send(app, run="1")  # two changes late
    assert (said(app), address(app)) == ("1 0 b", {"run": "1", "focus": "0", "matrix": "b"})


def test_another_link_wins_at_once() -> None:
    app = opened(run="1")
    press(app, "Enlarge")
    send(app, run="2")
    assert (said(app), address(app)) == ("2 None None", {"run": "2"})


def test_the_old_address_wins_later(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(run="1")
    press(app, "Enlarge")
    monkeypatch.setattr(state, "LATE", 0.0)
    send(app, run="1")
    assert (said(app), address(app)) == ("1 None None", {"run": "1"})


def test_the_back_button_wins_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(run="1")
    press(app, "Enlarge")

    def context() -> object:
        found = get_script_run_ctx()
        assert found is not None
        found.is_history_navigation = True
        return found

    monkeypatch.setattr(state, "get_script_run_ctx", context)
    send(app, run="1")
    assert (said(app), address(app)) == ("1 None None", {"run": "1"})


def test_what_depends_on_a_value_goes_with_it_everywhere() -> None:
    app = opened(matrix="a", pair="0-1", run="1")
    press(app, "Another matrix")
    assert address(app) == {"matrix": "b", "run": "1"}


def test_an_empty_address_of_another_page_is_filled_in() -> None:
    app = opened(run="1", matrix="a")
    app.query_params.clear()
    app.query_params["page"] = "report"
    app.run()
    assert address(app) == {"page": "report", "run": "1", "matrix": "a"}
