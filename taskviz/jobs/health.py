"""Is the app well? For a probe of a container or a monitor: no names, no data."""

import shutil
from typing import Any

from taskviz.jobs.store import JobStore
from taskviz.values import TaskvizError


def health(store: JobStore) -> tuple[bool, dict[str, Any]]:
    """Whether jobs can be seen, and figures: version, disk, jobs.

    Returns:
        True where all is well, and plain data.
    """
    from taskviz import __version__

    found: dict[str, Any] = {"status": "ok", "version": __version__, "store": "ok"}
    try:
        live = store.running()
        found["jobs"] = {
            state: sum(job.state == state for job in live) for state in ("running", "queued")
        }
    except TaskvizError:
        # Why is for the page and the log; a path is nobody's business here.
        found |= {"status": "failing", "store": "cannot be opened"}
    try:
        found["disk_free_bytes"] = shutil.disk_usage(store.root).free
    except OSError:
        found["disk_free_bytes"] = None
    return found["status"] == "ok", found
