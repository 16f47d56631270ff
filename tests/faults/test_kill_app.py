"""SIGKILL of the app: its jobs go on, and the next app shows them; so does one beside it."""

import os
import signal

import pytest
from browser.app_process import start_app, stop_app
from coroutines import run

from benchmarks.load.client import open_session
from taskviz.jobs import JobStore, cancel_job

QUERY = "collection=yeast"


async def start_by_the_page(url: str) -> None:
    """Choose exhaustive truth on the Affinity page, which takes minutes, and press Compute."""
    async with open_session(url, QUERY) as session:
        await session.open("affinity")
        boxes = session.widgets[session.find("Estimator")].proto.options
        await session.change(
            session.find("Estimator"), next(name for name in boxes if name.startswith("Exhaustive"))
        )
        await session.change(session.find("Compute"), True)
        assert session.errors == []


async def said_by(url: str, page: str) -> str:
    """All that a page says to a new visitor."""
    async with open_session(url, QUERY) as session:
        await session.open(page)
        assert session.errors == []
        return " ".join(session.said)


@pytest.mark.filterwarnings("ignore")
def test_a_killed_app_leaves_its_job_at_work(tmp_path, wait_until):
    cache = tmp_path / "cache"
    store, app, beside, again = JobStore(cache), start_app(cache), None, None
    try:
        run(start_by_the_page(app.url))
        wait_until(lambda: [job.state for job in store.list()] == ["running"], 120)
        job = store.list()[0]
        beside = start_app(cache)
        os.kill(app.process.pid, signal.SIGKILL)
        app.process.wait(30)
        beat = store.get(job.id).heartbeat
        wait_until(lambda: (store.get(job.id).heartbeat or 0) > (beat or 0), 60)
        seen = store.get(job.id)
        assert (seen.state, seen.attempt, seen.pid) == ("running", 1, job.pid)
        again = start_app(cache)
        for url in (again.url, beside.url):
            told = run(said_by(url, "jobs"))
            assert "Exhaustive" in told
            assert "1 job** at work" in told
        cancel_job(job.id, store)
        wait_until(lambda: store.get(job.id).state == "cancelled", 120)
        assert "This job was stopped" in run(said_by(again.url, "jobs"))
    finally:
        for job in store.list():
            process = store.identity(job.id)
            if process is not None:
                process.kill(job.id)
        for running in (app, beside, again):
            if running is not None:
                stop_app(running)
