"""One log of the app and of all workers: a JSON object a line, in ``logs/taskviz.jsonl``.

Each line has the time (UTC), level, logger, process, message, the job's id where it speaks of one,
and who it was. A full file becomes ``.1``, that one ``.2``, …; the oldest goes.
"""

import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

MOST_BYTES = 5_000_000
KEPT = 4
"""Full files that stay, beside the one that is written."""
_EXTRAS = ("job", "by")


class JsonLines(logging.Handler):
    """Appends to a file that other processes append to as well.

    A disk that is full or read-only ends no work: the line is left out.

    Args:
        path: of the file.
        job: goes into each line that names no other; empty: none.
        most_bytes: then the file is full.
    """

    def __init__(self, path: Path, job: str = "", most_bytes: int = MOST_BYTES) -> None:
        super().__init__()
        self.path, self._job, self._most = path, job, most_bytes
        self._lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=5)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        try:
            line = (self.line(record) + "\n").encode("utf-8", errors="replace")
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._lock:
                self._rotate(len(line))
                with self.path.open("ab") as file:
                    file.write(line)
        except (OSError, Timeout):
            return

    def line(self, record: logging.LogRecord) -> str:
        """A record as JSON."""
        data: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        if self._job:
            data["job"] = self._job
        for name in _EXTRAS:
            value = getattr(record, name, "")
            if value:
                data[name] = str(value)
        if record.exc_info:
            data["exception"] = logging.Formatter().formatException(record.exc_info)
        return json.dumps(data, ensure_ascii=False)

    def _rotate(self, more: int) -> None:
        size = self.path.stat().st_size if self.path.exists() else 0
        if not size or size + more <= self._most:
            return
        for i in range(KEPT, 0, -1):
            older = self.path if i == 1 else self.path.with_name(f"{self.path.name}.{i - 1}")
            if older.exists():
                older.replace(self.path.with_name(f"{self.path.name}.{i}"))


def log_to(root: Path, job: str = "") -> None:
    """Log what taskviz says of itself into a cache, from this process; again is no harm.

    Args:
        root: of the cache.
        job: whose worker this is; empty: none's.
    """
    logger = logging.getLogger("taskviz")
    path = root / "logs" / "taskviz.jsonl"
    for handler in logger.handlers:
        if isinstance(handler, JsonLines) and handler.path == path:
            return
    logger.addHandler(JsonLines(path, job))
    if logger.getEffectiveLevel() > logging.INFO:
        logger.setLevel(logging.INFO)
    if not job and not logging.getLogger().handlers:
        # Warnings still reach the terminal.
        terminal = logging.StreamHandler(sys.stderr)
        terminal.setLevel(logging.WARNING)
        logger.addHandler(terminal)
