"""A store whose jobs are noted and not run."""

from pathlib import Path

import pytest
import streamlit as st

from taskviz.cache import Cache
from taskviz.jobs import JobStore


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobStore:
    """The store of the app under test; its jobs are noted and not run."""
    monkeypatch.setenv("TASKVIZ_CACHE", str(tmp_path))
    monkeypatch.setattr("taskviz.jobs.launcher._launch", lambda store, job: job)
    st.cache_resource.clear()
    return JobStore(Cache(tmp_path))
