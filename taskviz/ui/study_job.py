"""A study that runs as a job and is kept in the URL: start it, watch it, hand it over when done."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from taskviz.jobs import LIVE, Job
from taskviz.ui import job_panel, state, store


def start(kind: str, options: Mapping[str, Any], seed: int, *, title: str, key: str) -> None:
    """Start a study on the collection in use.

    Args:
        kind: of the job.
        key: where the URL keeps the job's id.
    """
    entries = {"options": dict(options), "seed": seed}
    job_panel.start(kind, entries, title=title, url_key=key)


def watch(key: str, kind: str) -> Job | None:
    """The study in the URL, its progress or failure drawn; None where there is none.

    Polls while it runs and redraws the page when it has ended.
    """
    job = store.job(state.get(key))
    if job is None or job.kind != kind:
        return None
    job_panel.watch(job)
    if job.state in LIVE:
        st.skeleton(height=320)
    return job
