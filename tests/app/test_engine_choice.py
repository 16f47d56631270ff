"""A cluster is offered on the pages where its address is configured, and jobs say so."""

from pathlib import Path

import pytest
import streamlit as st
from app_pages_under_test import open_app
from streamlit.testing.v1 import AppTest

from taskviz.cache import Cache
from taskviz.engines.choose import ADDRESS
from taskviz.jobs import Job, JobStore


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobStore:
    """The store of the app under test; its jobs are noted and not run."""
    monkeypatch.setenv("TASKVIZ_CACHE", str(tmp_path))
    monkeypatch.setattr("taskviz.jobs.launcher._launch", lambda store, job: job)
    st.cache_resource.clear()
    return JobStore(Cache(tmp_path))


def choices(app: AppTest) -> list[list[str]]:
    return [choice.options for choice in app.segmented_control if choice.label == "Jobs run on"]


def started(app: AppTest, jobs: JobStore) -> Job:
    next(button for button in app.button if button.label == "Compute").click().run()
    assert not app.exception
    assert not app.error
    (job,) = jobs.list()
    return job


def test_without_an_address_there_is_no_choice(
    jobs: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ADDRESS, raising=False)
    app = open_app("affinity", collection="linnerud")
    assert choices(app) == []
    assert started(app, jobs).spec["engine"] == "local"


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_a_job_carries_the_engine_that_was_chosen(
    engine: str, jobs: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ADDRESS, "127.0.0.1:6379")
    app = open_app("affinity", collection="linnerud")
    assert choices(app) == [["This machine", "Ray cluster"]]
    control = app.segmented_control(key="engine")
    assert control.value == "local"
    if engine == "ray":
        control.set_value("ray").run()
    job = started(app, jobs)
    assert job.kind == "affinity"
    assert job.spec["engine"] == engine
