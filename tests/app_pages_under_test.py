"""Pages run as scripts, and what they say."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parent.parent


def open_app(page: str = "collection", **query: str) -> AppTest:
    """The whole app at one page, as a link opens it."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    if page != "collection":
        app.switch_page(f"app_pages/{page}.py")
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
    return app


def words(app: AppTest) -> str:
    """All that the page says."""
    return " ".join(
        str(element.value)
        for kind in ("title", "markdown", "caption", "error", "warning", "info", "subheader")
        for element in app.get(kind)
    )
