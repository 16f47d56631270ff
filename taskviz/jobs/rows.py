"""What a row of the job store means: above all, whether its worker is still at it."""

import json
import socket
import sqlite3
import time
from pathlib import Path

from taskviz.jobs.job import LIVE, Job, State
from taskviz.jobs.process import Identity

SILENT_SECONDS = 10.0
"""A worker beats every 2 s; without a beat for this long it is taken for lost …"""
HANGING_SECONDS = 60.0
"""… but one whose process is seen to be there and not stopped may be held up by a locked store or
by a library that lets no other thread run, so it gets this long."""

_LOST = (
    "The worker process ended, or went silent, before the work was done (killed, out of memory, or "
    "the machine was restarted): resume the job to go on from what is finished."
)


def job_of(row: sqlite3.Row, log: Path) -> Job:
    """The job of a row."""
    state = state_of(row)
    return Job(
        id=row["id"],
        kind=row["kind"],
        title=row["title"],
        spec=json.loads(row["spec"]),
        state=state,
        progress=row["progress"],
        stage=row["stage"],
        message=row["message"],
        created=row["created"],
        started=row["started"],
        finished=row["finished"],
        heartbeat=row["heartbeat"],
        seconds_left=row["seconds_left"] if state == "running" else None,
        error=row["error"] or (_LOST if state == "interrupted" else ""),
        details=row["details"],
        result=json.loads(row["result"]),
        device=row["device"],
        pid=row["pid"],
        log=str(log),
        attempt=row["attempt"],
        cancelling=state in LIVE and row["cancel"] is not None,
        pausing=state in LIVE and row["cancel"] is not None and bool(row["pause"]),
        # A read-only store of an older version has no such column.
        owner=row["owner"] if "owner" in row.keys() else "",  # noqa: SIM118
    )


def state_of(row: sqlite3.Row) -> State:
    """The stored state, or ``interrupted`` where the worker that should be there is not."""
    stored: State = row["state"]
    if stored not in LIVE:
        return stored
    process = identity_of(row)
    patience = SILENT_SECONDS
    if process is not None and process.here:
        seen = process.status(row["id"])
        patience = {"gone": 0.0, "stopped": SILENT_SECONDS, "alive": HANGING_SECONDS}[seen]
    return stored if _silence(row) < patience else "interrupted"


def occupies(row: sqlite3.Row) -> bool:
    """True while the holder of a lease may use its device, silent or not."""
    process = identity_of(row)
    if row["state"] not in LIVE or process is None:
        return False
    if process.here:
        return process.status(row["id"]) != "gone"
    return _silence(row) < SILENT_SECONDS


def identity_of(row: sqlite3.Row) -> Identity | None:
    """The worker process of a row; None between the launcher's first word and the worker's."""
    if row["pid"] is None:
        return None
    return Identity(row["pid"], row["pid_created"], row["host"])


def _silence(row: sqlite3.Row) -> float:
    """Seconds since the last sign of life; a sign from the future is no silence.

    By a clock that nobody can set where worker and reader share one; it starts anew with the
    machine, so the clock on the wall has to do where no process tells that the worker is gone.
    """
    if row["host"] == socket.gethostname():
        return max(time.monotonic() - float(row["beat"]), 0.0)
    return max(time.time() - float(row["heartbeat"] or row["queued"]), 0.0)
