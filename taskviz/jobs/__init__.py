"""Long work outside the pages: store, worker process, launcher."""

from taskviz.jobs.job import LIVE, STATES, Job, State
from taskviz.jobs.launcher import (
    cancel_job,
    delete_job,
    extend_job,
    pause_job,
    resume_job,
    start_job,
)
from taskviz.jobs.store import JobStore

__all__ = [
    "LIVE",
    "STATES",
    "Job",
    "JobStore",
    "State",
    "cancel_job",
    "delete_job",
    "extend_job",
    "pause_job",
    "resume_job",
    "start_job",
]
