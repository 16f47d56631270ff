"""The SQLite file of the job store: how it is opened, its tables, its errors in plain words."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from taskviz.values import TaskvizError

VERSION = 3
BUSY_SECONDS = 30.0

_TABLES = """
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    spec TEXT NOT NULL,
    state TEXT NOT NULL,
    progress REAL NOT NULL DEFAULT 0,
    stage TEXT NOT NULL DEFAULT '',
    message TEXT NOT NULL DEFAULT '',
    created REAL NOT NULL,
    queued REAL NOT NULL,
    started REAL,
    finished REAL,
    heartbeat REAL,
    beat REAL,
    seconds_left REAL,
    error TEXT NOT NULL DEFAULT '',
    details TEXT NOT NULL DEFAULT '',
    result TEXT NOT NULL DEFAULT '{}',
    device TEXT NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 1,
    cancel REAL,
    pause INTEGER NOT NULL DEFAULT 0,
    pid INTEGER,
    pid_created REAL,
    host TEXT,
    owner TEXT NOT NULL DEFAULT ''
);
CREATE INDEX jobs_by_age ON jobs (created DESC);
CREATE INDEX jobs_by_state ON jobs (state);
CREATE TABLE metrics (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    what TEXT NOT NULL,
    point TEXT NOT NULL,
    UNIQUE (job, what)
);
CREATE INDEX metrics_by_job ON metrics (job, id);
CREATE TABLE leases (
    device TEXT PRIMARY KEY,
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE
);
"""


_MAGIC, _WAL = b"SQLite format 3\0", b"\2\2"
"""What the header of a store begins with, and its bytes 18 and 19."""


class Database:
    """One SQLite file; a connection an operation, so any thread and any process may use it.

    Args:
        path: of the file; made with its folder at first use.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ready = False

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one consistent state.

        A full disk and a folder that cannot be written do not keep anybody from looking.
        """
        with ExitStack() as stack:
            if self._read_only():
                connection = stack.enter_context(self._look())
            else:
                try:
                    connection = stack.enter_context(self._open())
                    connection.execute("BEGIN")
                    connection.execute("SELECT 1 FROM leases LIMIT 1")  # opens what lies beside
                except (TaskvizError, sqlite3.Error) as error:
                    cause = error.__cause__ if isinstance(error, TaskvizError) else error
                    name = str(getattr(cause, "sqlite_errorname", ""))
                    if not name.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_FULL")):
                        raise
                    stack.close()
                    connection = stack.enter_context(self._look())
            yield connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A connection that alone may write; what it did is kept whole or not at all."""
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep an idle connection open: the last one to close writes all that lies beside the file
        into it, which costs ten times what a small write does."""
        with ExitStack() as stack:
            try:
                stack.enter_context(self._open()).execute("SELECT 1 FROM leases LIMIT 1").fetchall()
            except (TaskvizError, sqlite3.Error):
                stack.close()  # each write says by itself what is wrong
            yield

    def vacuum(self) -> None:
        """Give back the space of what was deleted; waits for whoever writes."""
        with self._open() as connection:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            if not self._ready or not self.path.exists():
                self._prepare()
            with closing(self._connect()) as connection:
                yield connection
        except sqlite3.Error as error:
            raise self._explain(error) from error
        except Timeout as error:
            raise self._cannot(self._held()) from error
        except OSError as error:
            raise TaskvizError(
                f"The job store {self.path} cannot be used ({error.strerror or error}): set "
                "TASKVIZ_CACHE to a folder that can be written."
            ) from error

    def _read_only(self) -> bool:
        folder = self.path.parent
        return folder.is_dir() and not os.access(folder, os.W_OK)

    @contextmanager
    def _look(self) -> Iterator[sqlite3.Connection]:
        """SQLite keeps files beside the store even for reading; ``immutable`` does without."""
        try:
            there = self.path.exists()
            name = f"{self.path.absolute().as_uri()}?mode=ro&immutable=1" if there else ":memory:"
            with closing(sqlite3.connect(name, uri=there, isolation_level=None)) as connection:
                connection.row_factory = sqlite3.Row
                if not there:
                    connection.executescript(_TABLES)
                yield connection
        except sqlite3.Error as error:
            raise self._explain(error) from error

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _prepare(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not self._in_order():
            # One at a time: a change to WAL does not wait for another that makes the same change,
            # and whoever finds a damaged file must not move away the one that another just made.
            lock = self.path.with_name(f".{self.path.name}.lock")
            with FileLock(lock, timeout=BUSY_SECONDS, poll_interval=0.01):
                if not self._in_order():
                    self._make()
        self._ready = True

    def _finished(self) -> bool:
        """Whether the file's header is that of a store whose making has ended; touches nothing."""
        try:
            with self.path.open("rb") as file:
                header = file.read(100)
        except FileNotFoundError:
            return False
        version = int.from_bytes(header[60:64], "big")
        return header.startswith(_MAGIC) and header[18:20] == _WAL and version == VERSION

    def _in_order(self) -> bool:
        # By its header first: SQLite, asked of a file that another is just making, takes away what
        # lies beside it.
        if not self._finished():
            return False
        try:
            with closing(self._connect()) as connection:
                mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
                return mode == "wal" and self._version(connection) == VERSION
        except sqlite3.DatabaseError as error:
            if _is_damage(error):
                return False
            raise

    def _make(self) -> None:
        try:
            self._make_tables()
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
            # Jobs are a record of what ran; what they computed lies in the cache. So start anew.
            aside = self.path.with_name(f"{self.path.name}.damaged-{int(time.time())}")
            self.path.rename(aside)
            for suffix in ("-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            self._make_tables()

    def _make_tables(self) -> None:
        with closing(self._connect()) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            found = self._version(connection)
            if found > VERSION:
                connection.execute("ROLLBACK")
                raise TaskvizError(
                    f"The job store {self.path} was written by a newer taskviz (version {found} "
                    f"of its tables, {VERSION} is known here): update taskviz."
                )
            if found == 0:
                for statement in _TABLES.split(";"):
                    connection.execute(statement)
            if found == 1:
                connection.execute("ALTER TABLE jobs ADD COLUMN pause INTEGER NOT NULL DEFAULT 0")
            if found in (1, 2):
                connection.execute("ALTER TABLE jobs ADD COLUMN owner TEXT NOT NULL DEFAULT ''")
            if found < VERSION:
                connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute("COMMIT")

    @staticmethod
    def _version(connection: sqlite3.Connection) -> int:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])

    def _explain(self, error: sqlite3.Error) -> TaskvizError:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            hint = self._held()
        elif name.startswith("SQLITE_FULL"):
            hint = "the disk is full: free some space there"
        elif name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR")):
            hint = f"{error}: set TASKVIZ_CACHE to a folder that can be written"
        else:
            hint = f"{error}: move the file away and start again"
        return self._cannot(hint)

    @staticmethod
    def _held() -> str:
        return f"another process has held it for {BUSY_SECONDS:g} s: try again in a moment"

    def _cannot(self, hint: str) -> TaskvizError:
        return TaskvizError(f"The job store {self.path} cannot be used: {hint}.")


def _is_damage(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorname", "") in ("SQLITE_NOTADB", "SQLITE_CORRUPT")
