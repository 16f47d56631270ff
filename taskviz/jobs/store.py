"""All jobs, their live metrics and the leases of devices; each operation is one transaction.

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
from taskviz.jobs.attempts import beat, end, find_row, own_row
from taskviz.jobs.database import Database
from taskviz.jobs.job import LIVE, Job, State
from taskviz.jobs.leases import free_lease, take_lease
from taskviz.jobs.points import points_of, rows_after, write_points
from taskviz.jobs.process import Identity
from taskviz.jobs.quota import check_quota
from taskviz.jobs.rows import identity_of, job_of, state_of
from taskviz.progress import Curves, Record
from taskviz.values import TaskvizError
from taskviz.values.storage import dumps

JobList = list[Job]
Points = list[tuple[int, dict[str, Any]]]


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
            row = find_row(connection, job)
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
            rows = rows_after(connection, job, after)
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
            return identity_of(find_row(connection, job))

    def leftover(self, job: str) -> Identity | None:
        """What is left of the worker of a job that is not at work any more, or None."""
        with self._database.read() as connection:
            row = find_row(connection, job)
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
            check_quota(connection, owner, most)
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
            found = job_of(find_row(connection, job), self.log_path(job))
            if found.live:
                raise TaskvizError(f"Job {job} is {found.state}: only one that ended can resume.")
            if found.state == "done":
                raise TaskvizError(f"Job {job} is done: there is nothing left to resume.")
            check_quota(connection, found.owner, most)
            # A paused job keeps its place among those that wait.
            connection.execute(
                "UPDATE jobs SET queued = CASE WHEN state = 'paused' THEN queued ELSE ? END, "
                "state = 'queued', attempt = attempt + 1, beat = ?, cancel = NULL, pause = 0, "
                "heartbeat = CASE WHEN state = 'paused' THEN ? END, pid = NULL, host = NULL, "
                "progress = 0, stage = 'Starting', message = '', seconds_left = NULL, error = '', "
                "details = '', finished = NULL WHERE id = ?",
                (time.time(), time.monotonic(), time.time(), job),
            )
            free_lease(connection, job)
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
            found = job_of(find_row(connection, job), self.log_path(job))
            if found.live or found.state == "interrupted":
                connection.execute(
                    "UPDATE jobs SET pause = CASE WHEN cancel IS NULL THEN ? ELSE min(pause, ?) "
                    "END, cancel = coalesce(cancel, ?) WHERE id = ?",
                    (pause, pause, time.time(), job),
                )
            if found.state == "interrupted":
                end(connection, job, "cancelled")
            elif found.state == "paused" and not pause:
                connection.execute("UPDATE jobs SET state = 'cancelled' WHERE id = ?", (job,))
        return self.get(job)

    def delete(self, job: str) -> None:
        """Forget a job, its metrics and its log; what it computed stays in the cache.

        Raises:
            TaskvizError: it is still at work.
        """
        with self._database.write() as connection:
            if state_of(find_row(connection, job)) in LIVE:
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
            row = find_row(connection, job)
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
            mine = own_row(connection, job.id, job.attempt)
            if not take_lease(connection, job.id, job.device, mine["queued"]):
                return False
            connection.execute(
                "UPDATE jobs SET state = 'running', started = ? WHERE id = ?",
                (time.time(), job.id),
            )
        return True

    def cancel_wanted(self, job: str) -> bool:
        """True where the user asked to stop."""
        with self._database.read() as connection:
            return find_row(connection, job)["cancel"] is not None

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
            row = own_row(connection, job, attempt)
            beat(connection, job)
            connection.execute(
                "UPDATE jobs SET progress = ?, stage = ?, message = ?, seconds_left = ? "
                "WHERE id = ?",
                (min(max(progress, 0.0), 1.0), stage, message, seconds_left, job),
            )
            write_points(connection, job, points)
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
            own_row(connection, job, attempt)
            end(connection, job, state, dumps(dict(result or {})), error, details)

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
