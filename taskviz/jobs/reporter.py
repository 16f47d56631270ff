"""Progress of a worker, written to the job store."""

import logging
import os
import threading
import time

from taskviz.jobs.attempts import LostJob
from taskviz.jobs.store import JobStore
from taskviz.jobs.time_left import TimeLeft
from taskviz.progress import Curves, Progress, Record
from taskviz.values import Cancelled, TaskvizError

WRITE_SECONDS = 0.5
BEAT_SECONDS = 2.0
log = logging.getLogger("taskviz.worker")


class JobProgress(Progress):
    """Gathers what the work tells; a thread of its own writes it, and is the heartbeat.

    So the work never waits for the store: it is told at most twice a second, metrics go in
    batches, and a store that is locked or a disk that is full holds up the telling only.

    Args:
        store: where to.
        job: whose progress it is.
        attempt: of the job.
    """

    def __init__(self, store: JobStore, job: str, attempt: int) -> None:
        self._store, self._job, self._attempt = store, job, attempt
        self._gathering, self._writing = threading.RLock(), threading.RLock()
        self._stage, self._message = "Starting", ""
        self._done, self._units = 0.0, 1.0
        self._time_left = TimeLeft(resumed=attempt > 1)
        self._points: list[Record | Curves] = []
        self._news = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tell, daemon=True)
        self.cancelled = False
        self.lost = False

    def begin(self, title: str, units: float) -> None:
        """See :meth:`taskviz.progress.Progress.begin`."""
        with self._gathering:
            self._stage, self._message = title, ""
            self._done, self._units = 0.0, max(units, 1e-12)
            self._time_left = TimeLeft(resumed=self._attempt > 1)
            self._news = True

    def advance(self, units: float = 1.0, message: str = "") -> None:
        """See :meth:`taskviz.progress.Progress.advance`."""
        with self._gathering:
            self._done += units
            self._message = message or self._message
            self._news = True

    def record(self, point: Record) -> None:
        """See :meth:`taskviz.progress.Progress.record`."""
        with self._gathering:
            self._points.append(dict(point))
            self._news = True

    def record_curves(self, curves: Curves) -> None:
        """See :meth:`taskviz.progress.Progress.record_curves`."""
        with self._gathering:
            self._points.append(curves)
            self._news = True

    def check(self) -> None:
        """See :meth:`taskviz.progress.Progress.check`."""
        if self.cancelled or self.lost:
            raise Cancelled

    def start(self) -> None:
        """Start to beat."""
        self._thread.start()

    def stop(self) -> None:
        """Beat no more; what has gathered stays until :meth:`flush`."""
        self._over.set()
        # A write that is under way ends first: after the end is noted it would find the job lost.
        self._thread.join()

    def flush(self) -> None:
        """Write what has gathered, at the least a sign of life.

        Raises:
            TaskvizError: the store cannot be written; nothing is forgotten by that.
        """
        with self._writing:
            with self._gathering:
                points, self._points = self._points, []
                progress = min(self._done / self._units, 1.0)
                stage, message = self._stage, self._message
                seconds_left = self._time_left.update(progress)
                self._news = False
            try:
                self.cancelled |= self._store.report(
                    self._job,
                    self._attempt,
                    progress=progress,
                    stage=stage,
                    message=message,
                    seconds_left=seconds_left,
                    points=points,
                )
            except LostJob:
                self.lost = True
            except BaseException:
                with self._gathering:
                    self._points = points + self._points
                raise

    def _tell(self) -> None:
        told = 0.0
        with self._store.held():
            while not self._over.wait(WRITE_SECONDS):
                if not self._news and time.monotonic() - told < BEAT_SECONDS:
                    continue
                try:
                    self.flush()
                except TaskvizError as error:
                    log.warning("no heartbeat: %s", error)
                if self.lost:
                    log.warning("given up: another attempt has this job, or it was deleted")
                    os._exit(3)
                told = time.monotonic()
