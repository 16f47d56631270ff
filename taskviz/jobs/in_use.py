"""What jobs at work may need of the cache, so that nobody removes it under them."""

from taskviz.care.pins import keys_in
from taskviz.jobs.job import LIVE
from taskviz.jobs.store import JobStore


def in_use(store: JobStore) -> tuple[set[str], float | None]:
    """Keys that jobs at work name, and when the oldest of them was first started (None: none)."""
    live = store.running()
    keys: set[str] = set()
    for job in live:
        keys |= keys_in(job.spec)
    return keys, min((job.created for job in live if job.state in LIVE), default=None)
