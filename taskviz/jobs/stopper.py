"""Sees a cancel through: ``python -m taskviz.jobs.stopper JOB ATTEMPT``.

The worker is given time to hear the flag, then SIGTERM, then its process group SIGKILL. A process
of its own, so that neither the page that was clicked waits nor a closed one matters.
"""

import os
import signal
import sys
import time

from taskviz.jobs.attempts import LostJob
from taskviz.jobs.job import Job
from taskviz.jobs.store import JobStore
from taskviz.values import TaskvizError

# The environment shortens them in tests.
FLAG_SECONDS = float(os.environ.get("TASKVIZ_FLAG_SECONDS", "5"))
TERM_SECONDS = float(os.environ.get("TASKVIZ_TERM_SECONDS", "5"))
POLL_SECONDS = 0.2


def main(job: str, attempt: int) -> int:
    """Return once the job is no longer at work."""
    store = JobStore()
    if _ended(store, job, attempt, FLAG_SECONDS):
        return 0
    process = store.identity(job)
    if process is not None:
        process.signal(job, signal.SIGTERM)
        if _ended(store, job, attempt, TERM_SECONDS):
            return 0
        process.kill(job)
    try:
        store.finish(job, attempt, "cancelled")
    except LostJob:
        return 0
    return 0


def _ended(store: JobStore, job: str, attempt: int, patience: float) -> bool:
    """True once the job has ended; one whose worker is gone is noted as cancelled."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            found: Job = store.get(job)
        except TaskvizError:
            return True
        if found.attempt != attempt or found.state in ("done", "failed", "cancelled", "paused"):
            return True
        if found.state == "interrupted":
            process = store.identity(job)
            if process is None or process.status(job) == "gone":
                store.request_cancel(job, pause=True)  # as what it was asked for stays
                return True
        time.sleep(POLL_SECONDS)
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
