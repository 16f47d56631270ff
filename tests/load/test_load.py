"""Many sessions, many pages, a long list: small, without a clock. ``python -m benchmarks load``
measures the same at full size."""

import pytest
from browser.app_process import start_app, stop_app
from coroutines import run

from benchmarks.load import contents, visitors
from benchmarks.load.client import open_session
from benchmarks.load.measure import PAGES, megabytes
from taskviz.cache import Cache
from taskviz.verbs import stored_affinities

MATRICES, RUNS = 60, 25


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    cache = Cache(tmp_path_factory.mktemp("load") / "cache")
    filled, _ = contents.fill_for_months(cache, MATRICES, RUNS)
    app = start_app(cache.root)
    yield app, filled.query
    stop_app(app)
    log = (cache.root.parent / "cache-app.log").read_text()
    assert "Traceback" not in log


def test_every_page_opens_with_a_long_list(full):
    app, query = full
    assert len(stored_affinities(None, Cache(app.cache))) == MATRICES
    found = run(visitors.load_pages(app.url, query, len(PAGES), PAGES, 1))
    assert {page for page, _, _ in found} == set(PAGES)
    assert [errors for _, _, errors in found if errors] == []

    async def lists():
        async with open_session(app.url, query) as session:
            await session.open("affinity")
            matrices = session.widgets[session.find("Matrix shown")].proto.options
            await session.go("training")
            runs = session.widgets[session.find("Runs of this collection")].proto.options
            return len(matrices), len(runs)

    assert run(lists()) == (MATRICES, RUNS + 1)


def test_sessions_side_by_side_see_no_error_and_memory_is_bounded(full):
    app, query = full
    run(visitors.load_pages(app.url, query, len(PAGES), PAGES, 1))
    before = megabytes(app.process.pid)
    visits = run(visitors.all_at_once(app.url, query, 5, 5, 0.5, PAGES))
    assert [visit.errors for visit in visits if visit.errors] == []
    assert sum(len(visit.done) for visit in visits) >= 5
    found = run(visitors.load_pages(app.url, query, 20, PAGES))
    assert [errors for _, _, errors in found if errors] == []
    # Wide: closed tabs are kept for two minutes.
    assert megabytes(app.process.pid) - before < 600


def test_a_client_sees_an_error_of_the_app(full):
    """A load test that cannot fail measures nothing."""
    app, _ = full

    async def wrong():
        async with open_session(app.url, "collection=nonsense") as session:
            await session.open("affinity")
            return session.errors

    assert run(wrong())
