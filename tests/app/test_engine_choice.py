"""A cluster is offered on the pages where its address is configured, and jobs say so."""

import pytest
from app_pages_under_test import open_app
from streamlit.testing.v1 import AppTest

from taskviz.engines.choose import ADDRESS
from taskviz.jobs import Job, JobStore


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
