"""Is a worker's process still there, and how to end it."""

import os
import signal
import socket
import time
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Identity:
    """A process that cannot be mistaken for another one with a reused number.

    Args:
        pid: process number; also that of its group, since a worker starts a session of its own.
        created: when the system says it was started, seconds since 1970.
        host: name of its machine; a process of another one cannot be looked at from here.
    """

    pid: int
    created: float
    host: str

    @classmethod
    def of(cls, pid: int) -> "Identity":
        """Of a process that runs here; a process that is gone already gets a start time of 0."""
        try:
            created = psutil.Process(pid).create_time()
        except psutil.Error:
            created = 0.0
        return cls(pid, created, socket.gethostname())

    @property
    def here(self) -> bool:
        """True where it can be looked at."""
        return self.host == socket.gethostname()

    def status(self, job: str) -> str:
        """``gone``, ``stopped`` (by a signal, or a debugger) or ``alive``.

        Args:
            job: its command line names this job; a set clock moves start times, but not that.
        """
        try:
            process = psutil.Process(self.pid)
            state = process.status()
            if state in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
                return "gone"
            if abs(process.create_time() - self.created) > 1 and job not in process.cmdline():
                return "gone"
        except psutil.Error:
            return "gone"
        stopped = state in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
        return "stopped" if stopped else "alive"

    def signal(self, job: str, number: signal.Signals) -> None:
        """Send a signal to its whole process group, if it is still this process."""
        if not self.here or self.status(job) == "gone" or self.pid == os.getpid():
            return
        try:
            # A worker that someone started by hand may be in the group of a shell: leave that be.
            if hasattr(os, "killpg") and os.getpgid(self.pid) == self.pid:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)
        except OSError:
            # It ended by itself between the look and the signal.
            return

    def kill(self, job: str, patience: float = 3.0) -> None:
        """SIGKILL, which nothing can refuse; return when it is gone."""
        self.signal(job, getattr(signal, "SIGKILL", signal.SIGTERM))
        deadline = time.monotonic() + patience
        while self.here and self.status(job) != "gone" and time.monotonic() < deadline:
            time.sleep(0.02)
