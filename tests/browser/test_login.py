"""Log-in through a real OpenID provider: nobody, a stranger, a viewer, an editor."""

import re
from collections.abc import Iterator

import pytest
from browser.app_process import App, free_port, start_app, stop_app
from browser.oidc_provider import CLIENT, SECRET, provider
from browser.steps import open_page, press, settled
from playwright.sync_api import Browser, Page, expect

from taskviz.jobs import JobStore


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An app with log-in: ada is an editor, everybody else at example.org a viewer."""
    folder, port = tmp_path_factory.mktemp("login"), free_port()
    access = folder / "access.toml"
    access.write_text(
        'login = true\n[roles]\neditors = ["ada@example.org"]\nviewers = ["*@example.org"]\n'
    )
    with provider() as issuer:
        secrets = folder / ".streamlit" / "secrets.toml"
        secrets.parent.mkdir()
        secrets.write_text(
            f'[auth]\nredirect_uri = "http://localhost:{port}/oauth2callback"\n'
            f'cookie_secret = "{"0123456789abcdef" * 4}"\n'
            f'client_id = "{CLIENT}"\nclient_secret = "{SECRET}"\n'
            f'server_metadata_url = "{issuer}/.well-known/openid-configuration"\n'
        )
        running = start_app(folder / "cache", port, ["--access", str(access)], folder)
        yield running
        stop_app(running)


def enter(browser: Browser, server: App, who: str) -> Page:
    """A browser of its own, logged in as somebody."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{server.url}/jobs")
    page.get_by_role("button", name="Log in", exact=True).click()
    page.get_by_role("link", name=who, exact=True).click()
    page.wait_for_url(f"{server.url}/**")
    return page


def test_nobody_sees_anything_before_the_log_in(server: App, page: Page) -> None:
    for place in ("", "/jobs", "/affinity?collection=yeast", "/report?collection=yeast"):
        page.goto(server.url + place)
        expect(page.get_by_role("button", name="Log in", exact=True)).to_be_visible(timeout=60_000)
        settled(page)
        text = page.inner_text("body")
        for word in ("Yeast", "yeast", "Affinity", "Jobs", "ended", "Collection in use"):
            assert word not in text, f"{place} shows {word}"


def test_an_address_that_is_not_verified_is_nobody(server: App, browser: Browser) -> None:
    page = enter(browser, server, "mallory")
    expect(page.get_by_text("Not let in")).to_be_visible(timeout=60_000)
    settled(page)
    assert "Nothing has run yet" not in page.inner_text("body")
    page.context.close()


def test_a_viewer_sees_and_an_editor_starts(server: App, browser: Browser) -> None:
    store = JobStore(server.cache)
    eve = enter(browser, server, "eve")
    open_page(eve, f"{server.url}/affinity?collection=linnerud", "Affinity")
    expect(eve.get_by_text("eve@example.org · viewer")).to_be_visible(timeout=60_000)
    settled(eve)
    expect(eve.get_by_role("button", name=re.compile("Make a first guess"))).to_be_disabled()
    open_page(eve, f"{server.url}/collection", "Collection")
    settled(eve)
    assert eve.get_by_text("You are a viewer here").count() >= 1
    assert store.list() == []

    ada = enter(browser, server, "ada")
    open_page(ada, f"{server.url}/affinity?collection=linnerud", "Affinity")
    expect(ada.get_by_text("ada@example.org · editor")).to_be_visible(timeout=60_000)
    settled(ada)
    ada.get_by_role("button", name=re.compile("Make a first guess")).click()
    expect(ada.locator(".st-key-heatmap .main-svg, .js-plotly-plot").first).to_be_visible(
        timeout=180_000
    )
    assert [job.owner for job in store.list()] == ["ada@example.org"]

    open_page(eve, f"{server.url}/jobs", "Jobs")
    expect(eve.get_by_role("button", name="Delete", exact=True)).to_be_disabled(timeout=60_000)
    open_page(ada, f"{server.url}/jobs", "Jobs")
    expect(ada.get_by_role("button", name="Delete", exact=True)).to_be_enabled(timeout=60_000)
    settled(ada)
    press(ada, "Log out")
    expect(ada.get_by_role("button", name="Log in", exact=True)).to_be_visible(timeout=60_000)
    eve.context.close()
    ada.context.close()
