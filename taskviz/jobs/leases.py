"""One job a device: who has it, and who is next."""

import sqlite3

from taskviz.jobs.rows import occupies, state_of


def take_lease(connection: sqlite3.Connection, job: str, device: str, queued: float) -> bool:
    """Take a device for a job, if it is free and no older job waits for it.

    A holder whose process is gone holds it no longer.
    """
    held = connection.execute(
        "SELECT jobs.* FROM leases JOIN jobs ON jobs.id = leases.job "
        "WHERE leases.device = ? AND leases.job != ?",
        (device, job),
    ).fetchone()
    if held is not None and occupies(held):
        return False
    ahead = connection.execute(
        "SELECT * FROM jobs WHERE state = 'queued' AND device = ? AND cancel IS NULL "
        "AND (queued, id) < (?, ?)",
        (device, queued, job),
    ).fetchall()
    if any(state_of(row) == "queued" for row in ahead):
        return False
    connection.execute("REPLACE INTO leases (device, job) VALUES (?, ?)", (device, job))
    return True


def free_lease(connection: sqlite3.Connection, job: str) -> None:
    """Give back what a job has."""
    connection.execute("DELETE FROM leases WHERE job = ?", (job,))
