"""A job's row, and what the attempt that has it may write: a sign of life, the end."""

import sqlite3
import time

from taskviz.jobs.job import State
from taskviz.jobs.leases import free_lease
from taskviz.values import TaskvizError


class LostJob(Exception):
    """This worker was given up: another attempt has the job, or it was deleted."""


def find_row(connection: sqlite3.Connection, job: str) -> sqlite3.Row:
    """A job by its id.

    Raises:
        TaskvizError: there is none.
    """
    row = connection.execute("SELECT * FROM jobs WHERE id = ?", (job,)).fetchone()
    if not isinstance(row, sqlite3.Row):
        raise TaskvizError(f"There is no job {job!r}: see the Jobs page or `taskviz jobs`.")
    return row


def own_row(connection: sqlite3.Connection, job: str, attempt: int) -> sqlite3.Row:
    """The same for its worker.

    Raises:
        LostJob: the job is not this attempt's any more.
    """
    row = connection.execute(
        "SELECT * FROM jobs WHERE id = ? AND attempt = ? AND state IN ('queued', 'running')",
        (job, attempt),
    ).fetchone()
    if not isinstance(row, sqlite3.Row):
        raise LostJob(job)
    return row


def beat(connection: sqlite3.Connection, job: str) -> None:
    """A sign of life."""
    connection.execute(
        "UPDATE jobs SET heartbeat = ?, beat = ? WHERE id = ?",
        (time.time(), time.monotonic(), job),
    )


def end(
    connection: sqlite3.Connection,
    job: str,
    state: State,
    result: str = "{}",
    error: str = "",
    details: str = "",
) -> None:
    """The job is over and its device free; one that was asked to pause is paused."""
    if state == "cancelled" and find_row(connection, job)["pause"]:
        state = "paused"
    connection.execute(
        "UPDATE jobs SET state = ?, result = ?, error = ?, details = ?, finished = ?, "
        "seconds_left = NULL, progress = CASE WHEN ? = 'done' THEN 1 ELSE progress END "
        "WHERE id = ?",
        (state, result, error, details, time.time(), state, job),
    )
    free_lease(connection, job)
