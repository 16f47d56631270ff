"""All jobs, their live metrics and the leases of devices. The only place with SQL on them.

Every write of a worker names its attempt, so that one which was given up (it hung, and the job was
resumed) can do no harm when it wakes.
"""

import secrets
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from taskviz.cache import Cache
from taskviz.jobs.database import Database
from taskviz.jobs.job import LIVE, Job, State
from taskviz.jobs.process import Identity
from taskviz.jobs.rows import (
    identity_of,
    job_of,
    occupies,
    point_rows,
    points_of,
    state_of,
)
from taskviz.progress import Curves, Record
from taskviz.values import TaskvizError
from taskviz.values.storage import dumps

JobList = list[Job]
Points = list[tuple[int, dict[str, Any]]]


class LostJob(Exception):
    """This worker was given up: another attempt has the job, or it was deleted."""


class JobStore:
    """The job store of a cache: SQLite in WAL mode at ``<cache root>/jobs.sqlite``.

    Args:
        cache: the cache, its root, or None for the default one.
    """

    def __init__(self, cache: Cache | Path | str | None = None) -> None:
        self.cache = cache if isinstance(cache, Cache) else Cache(cache)
        self.root = self.cache.root.resolve()
        self.path = self.root / "jobs.sqlite"
        self.logs = self.root / "logs"
        self._database = Database(self.path)
        self.database = self._database
        """For what moves whole stores: :mod:`taskviz.jobs.records`."""

    # What everybody reads

    def get(self, job: str) -> Job:
        """A job by its id.

        Raises:
            TaskvizError: there is none.
        """
        with self._database.read() as connection:
            row = _row(connection, job)
        return self._jobs([row])[0]

    def running(self) -> JobList:
        """Jobs at work or waiting for their turn, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM jobs WHERE state IN ('queued', 'running') ORDER BY queued, id"
            ).fetchall()
        return [job for job in self._jobs(rows) if job.live]

    def metrics(self, job: str, after: int = 0) -> Points:
        """Live metrics in order, as ``(number, point)``: those with a number beyond ``after``.

        Points that were measured together share a number.
        """
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT id, point FROM metrics WHERE job = ? AND id > ? ORDER BY id", (job, after)
            ).fetchall()
        return [(row["id"], point) for row in rows for point in points_of(row["point"])]

    def log_tail(self, job: str, lines: int = 40) -> str:
        """The last lines of a worker's log; empty where it wrote none."""
        path = self.log_path(job)
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - 400 * lines, 0))
            text = file.read().decode("utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def log_path(self, job: str) -> Path:
        """Where a job's worker writes its log."""
        return self.logs / f"{Path(job).name}.log"

    def identity(self, job: str) -> Identity | None:
        """The worker process of a job, or None before it is known."""
        with self._database.read() as connection:
            return identity_of(_row(connection, job))

    def leftover(self, job: str) -> Identity | None:
        """What is left of the worker of a job that is not at work any more, or None."""
        with self._database.read() as connection:
            row = _row(connection, job)
            # One look at both: a job that someone else just resumed has a new worker.
            return None if state_of(row) in LIVE else identity_of(row)

    # What a launcher writes

    def add(
        self,
        kind: str,
        spec: Mapping[str, Any],
        title: str,
        device: str,
        owner: str = "",
        most: int | None = None,
    ) -> Job:
        """A new job in the queue.

        Args:
            owner: who started it.
            most: jobs that the owner may have at work or waiting at once; None: any number.

        Raises:
            TaskvizError: the owner has that many.
        """
        job, now = secrets.token_hex(6), time.time()
        with self._database.write() as connection:
            _check_quota(connection, owner, most)
            connection.execute(
                "INSERT INTO jobs (id, kind, title, spec, state, created, queued, beat, device, "
                "owner, stage) VALUES (?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?, 'Starting')",
                (job, kind, title, dumps(spec), now, now, time.monotonic(), device, owner),
            )
        return self.get(job)

    def requeue(self, job: str, most: int | None = None) -> Job:
        """Put a job that ended before it was done into the queue again, under a new attempt.

        Args:
            most: as in :meth:`add`.

        Raises:
            TaskvizError: it is done, or still at work, or its owner has as many as they may.
        """
        with self._database.write() as connection:
            found = job_of(_row(connection, job), self.log_path(job))
            if found.live:
                raise TaskvizError(f"Job {job} is {found.state}: only one that ended can resume.")
            if found.state == "done":
                raise TaskvizError(f"Job {job} is done: there is nothing left to resume.")
            _check_quota(connection, found.owner, most)
            # A paused job keeps its place among those that wait.
            connection.execute(
                "UPDATE jobs SET queued = CASE WHEN state = 'paused' THEN queued ELSE ? END, "
                "state = 'queued', attempt = attempt + 1, beat = ?, cancel = NULL, pause = 0, "
                "heartbeat = CASE WHEN state = 'paused' THEN ? END, pid = NULL, host = NULL, "
                "progress = 0, stage = 'Starting', message = '', seconds_left = NULL, error = '', "
                "details = '', finished = NULL WHERE id = ?",
                (time.time(), time.monotonic(), time.time(), job),
            )
            connection.execute("DELETE FROM leases WHERE job = ?", (job,))
        return self.get(job)

    def set_process(self, job: str, attempt: int, process: Identity) -> None:
        """Note which process is the worker of this attempt."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE jobs SET pid = ?, pid_created = ?, host = ? WHERE id = ? AND attempt = ?",
                (process.pid, process.created, process.host, job, attempt),
            )

    def request_cancel(self, job: str, *, pause: bool = False) -> Job:
        """Raise the flag that the worker looks at; a job without a worker ends at once.

        Args:
            pause: it ends as ``paused``, not as ``cancelled``; a cancel outdoes a pause.
        """
        with self._database.write() as connection:
            found = job_of(_row(connection, job), self.log_path(job))
            if found.live or found.state == "interrupted":
                connection.execute(
                    "UPDATE jobs SET pause = CASE WHEN cancel IS NULL THEN ? ELSE min(pause, ?) "
                    "END, cancel = coalesce(cancel, ?) WHERE id = ?",
                    (pause, pause, time.time(), job),
                )
            if found.state == "interrupted":
                _end(connection, job, "cancelled")
            elif found.state == "paused" and not pause:
                connection.execute("UPDATE jobs SET state = 'cancelled' WHERE id = ?", (job,))
        return self.get(job)

    def delete(self, job: str) -> None:
        """Forget a job, its metrics and its log; what it computed stays in the cache.

        Raises:
            TaskvizError: it is still at work.
        """
        with self._database.write() as connection:
            if state_of(_row(connection, job)) in LIVE:
                raise TaskvizError(f"Job {job} is still at work: cancel it before deleting it.")
            connection.execute("DELETE FROM jobs WHERE id = ?", (job,))
        self.log_path(job).unlink(missing_ok=True)

    def vacuum(self) -> int:
        """Give back the space of deleted jobs; returns how many bytes that was."""
        before = self._size()
        self._database.vacuum()
        return max(before - self._size(), 0)

    def _size(self) -> int:
        files = (self.path.with_name(self.path.name + end) for end in ("", "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    # What a worker writes

    def held(self) -> AbstractContextManager[None]:
        """While it lasts, each write is several times cheaper; see :meth:`Database.held`."""
        return self._database.held()

    def attach(self, job: str, process: Identity) -> Job:
        """A worker takes up its job.

        Raises:
            TaskvizError: there is no such job, or it is not in the queue.
        """
        with self._database.write() as connection:
            row = _row(connection, job)
            if row["state"] != "queued":
                raise TaskvizError(f"Job {job} is {row['state']}: a worker takes up queued ones.")
            other = identity_of(row)
            if other and other.pid != process.pid and other.status(job) != "gone":
                raise TaskvizError(f"Job {job} has a worker already, process {other.pid}.")
            connection.execute(
                "UPDATE jobs SET pid = ?, pid_created = ?, host = ?, heartbeat = ?, beat = ? "
                "WHERE id = ?",
                (process.pid, process.created, process.host, time.time(), time.monotonic(), job),
            )
        return self.get(job)

    def take_lease(self, job: Job) -> bool:
        """Take the device of a job, if it is free and no older job waits for it.

        A holder whose process is gone holds it no longer.
        """
        with self._database.write() as connection:
            mine = _own(connection, job.id, job.attempt)
            held = connection.execute(
                "SELECT jobs.* FROM leases JOIN jobs ON jobs.id = leases.job "
                "WHERE leases.device = ? AND leases.job != ?",
                (job.device, job.id),
            ).fetchone()
            if held is not None and occupies(held):
                return False
            ahead = connection.execute(
                "SELECT * FROM jobs WHERE state = 'queued' AND device = ? AND cancel IS NULL "
                "AND (queued, id) < (?, ?)",
                (job.device, mine["queued"], job.id),
            ).fetchall()
            if any(state_of(row) == "queued" for row in ahead):
                return False
            connection.execute(
                "REPLACE INTO leases (device, job) VALUES (?, ?)", (job.device, job.id)
            )
            connection.execute(
                "UPDATE jobs SET state = 'running', started = ? WHERE id = ?",
                (time.time(), job.id),
            )
        return True

    def cancel_wanted(self, job: str) -> bool:
        """True where the user asked to stop."""
        with self._database.read() as connection:
            return _row(connection, job)["cancel"] is not None

    def report(
        self,
        job: str,
        attempt: int,
        *,
        progress: float,
        stage: str,
        message: str,
        seconds_left: float | None,
        points: Sequence[Record | Curves] = (),
    ) -> bool:
        """Progress and metrics in one write; True where the user asked to stop.

        A point that tells again what an earlier attempt told (the same in everything but its
        value) takes that one's place and its number, so that no curve is drawn twice.
        """
        with self._database.write() as connection:
            row = _own(connection, job, attempt)
            _touch(connection, job)
            connection.execute(
                "UPDATE jobs SET progress = ?, stage = ?, message = ?, seconds_left = ? "
                "WHERE id = ?",
                (min(max(progress, 0.0), 1.0), stage, message, seconds_left, job),
            )
            connection.executemany(
                "INSERT INTO metrics (job, what, point) VALUES (?, ?, ?) "
                "ON CONFLICT (job, what) DO UPDATE SET point = excluded.point",
                [(job, *row) for point in points for row in point_rows(point)],
            )
        return row["cancel"] is not None

    def finish(
        self,
        job: str,
        attempt: int,
        state: State,
        *,
        result: Mapping[str, Any] | None = None,
        error: str = "",
        details: str = "",
    ) -> None:
        """The end of an attempt; its device is free again."""
        with self._database.write() as connection:
            _own(connection, job, attempt)
            _end(connection, job, state, dumps(dict(result or {})), error, details)

    def _jobs(self, rows: Sequence[sqlite3.Row]) -> JobList:
        jobs = [job_of(row, self.log_path(row["id"])) for row in rows]
        for i, row in enumerate(rows):
            if jobs[i].state == "interrupted" and row["state"] in LIVE:
                # Its process is gone: because it finished after the row was read? Then it says so
                # by now.
                with self._database.read() as connection:
                    again = connection.execute("SELECT * FROM jobs WHERE id = ?", (row["id"],))
                    jobs[i] = job_of(again.fetchone() or row, self.log_path(row["id"]))
        return jobs

    def ended(self) -> tuple[int, float]:
        """How many jobs have ended, and when the last did: changes whenever one more has."""
        with self._database.read() as connection:
            count, newest = connection.execute(
                "SELECT count(finished), max(finished) FROM jobs"
            ).fetchone()
        return int(count), float(newest or 0.0)

    # Last in the class, since its name hides the built-in from what follows

    def list(self, limit: int = 100) -> JobList:
        """All jobs, newest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM jobs ORDER BY created DESC, id LIMIT ?", (limit,)
            ).fetchall()
        return self._jobs(rows)


def _row(connection: sqlite3.Connection, job: str) -> sqlite3.Row:
    row = connection.execute("SELECT * FROM jobs WHERE id = ?", (job,)).fetchone()
    if not isinstance(row, sqlite3.Row):
        raise TaskvizError(f"There is no job {job!r}: see the Jobs page or `taskviz jobs`.")
    return row


def _check_quota(connection: sqlite3.Connection, owner: str, most: int | None) -> None:
    """In the same write as what it guards, so that two clicks at once do not pass it."""
    if most is None:
        return
    rows = connection.execute(
        "SELECT * FROM jobs WHERE owner = ? AND state IN ('queued', 'running')", (owner,)
    ).fetchall()
    live = sum(state_of(row) in LIVE for row in rows)
    if live >= most:
        raise TaskvizError(
            f"{live} of your jobs {'is' if live == 1 else 'are'} at work or waiting and {most} may "
            "be: wait for one to end, or stop one."
        )


def _own(connection: sqlite3.Connection, job: str, attempt: int) -> sqlite3.Row:
    row = connection.execute(
        "SELECT * FROM jobs WHERE id = ? AND attempt = ? AND state IN ('queued', 'running')",
        (job, attempt),
    ).fetchone()
    if not isinstance(row, sqlite3.Row):
        raise LostJob(job)
    return row


def _touch(connection: sqlite3.Connection, job: str) -> None:
    connection.execute(
        "UPDATE jobs SET heartbeat = ?, beat = ? WHERE id = ?",
        (time.time(), time.monotonic(), job),
    )


def _end(
    connection: sqlite3.Connection,
    job: str,
    state: State,
    result: str = "{}",
    error: str = "",
    details: str = "",
) -> None:
    if state == "cancelled" and _row(connection, job)["pause"]:
        state = "paused"
    connection.execute(
        "UPDATE jobs SET state = ?, result = ?, error = ?, details = ?, finished = ?, "
        "seconds_left = NULL, progress = CASE WHEN ? = 'done' THEN 1 ELSE progress END "
        "WHERE id = ?",
        (state, result, error, details, time.time(), state, job),
    )
    connection.execute("DELETE FROM leases WHERE job = ?", (job,))
