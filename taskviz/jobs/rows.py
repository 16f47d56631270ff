"""What a row of the job store means: above all, whether its worker is still at it."""

import base64
import hashlib
import json
import socket
import sqlite3
import struct
import time
from math import isfinite
from pathlib import Path
from typing import Any

from taskviz.jobs.job import LIVE, Job, State
from taskviz.jobs.process import Identity
from taskviz.progress import Curves, Record
from taskviz.values.storage import dumps

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


def point_rows(point: Record | Curves) -> list[tuple[str, str]]:
    """Rows of the store: what is told (hashed), and all of it; a value that is no number is null.

    The curves' points at one step are one row: an epoch has many points, and a row each would cost
    a small network a tenth of its time. What they have in common and the step say what is told.
    """
    if not isinstance(point, Curves):
        plain = {name: _plain(value) for name, value in point.items()}
        about = sorted((name, value) for name, value in plain.items() if name != "value")
        return [(_hashed(dumps(about)), dumps(plain))]
    names = list(point.series[0]) if point.series else []
    series = dumps([[one[name] for name in names] for one in point.series])
    columns = dumps([*names, "value"])
    # Nearly all of a row is the same from step to step; JSON writes no such text within a string.
    before, after = dumps(dict(sorted({**point.common, "step": 0}.items()))).split('"step": 0')
    rows = []
    for step, values in zip(point.steps, point.values, strict=True):
        common = f'{before}"step": {int(step)}{after}'
        # Numbers as text would take longer than all else here.
        packed = base64.b64encode(struct.pack(f"<{len(values)}d", *values)).decode()
        row = (
            f'{{"common": {common}, "names": {columns}, "series": {series}, "values": "{packed}"}}'
        )
        rows.append((_hashed(f"curves {common}"), row))
    return rows


def points_of(text: str) -> list[dict[str, Any]]:
    """The points in one row of the store; a value of a curve that is no number is left out."""
    data = json.loads(text)
    if "series" in data:
        packed = base64.b64decode(data["values"])
        values = struct.unpack(f"<{len(packed) // 8}d", packed)
        told = zip(data["series"], values, strict=True)
        cells = [[*about, value] for about, value in told if isfinite(value)]
    elif "cells" in data:  # as it was written before
        cells = data["cells"]
    else:
        return [data]
    names, common = data["names"], data["common"]
    return [{**common, **dict(zip(names, row, strict=True))} for row in cells]


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not isfinite(value) else value


def _hashed(about: str) -> str:
    return hashlib.blake2b(about.encode(), digest_size=12).hexdigest()


def _silence(row: sqlite3.Row) -> float:
    """Seconds since the last sign of life; a sign from the future is no silence.

    By a clock that nobody can set where worker and reader share one; it starts anew with the
    machine, so the clock on the wall has to do where no process tells that the worker is gone.
    """
    if row["host"] == socket.gethostname():
        return max(time.monotonic() - float(row["beat"]), 0.0)
    return max(time.time() - float(row["heartbeat"] or row["queued"]), 0.0)
