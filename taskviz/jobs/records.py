"""All jobs as plain data, for an archive of the whole workspace, and back."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from taskviz.access import actor
from taskviz.jobs.database import Database
from taskviz.jobs.job import LIVE, STATES
from taskviz.progress import Record
from taskviz.values import TaskvizError
from taskviz.values.storage import dumps

_TEXTS = ("kind", "title", "state", "stage", "message", "error", "details", "device", "owner")
_TIMES = ("created", "started", "finished")
_ID = re.compile(r"[0-9a-f]{12}")
_MOST_TEXT = 200_000


def dump(database: Database) -> Iterator[Record]:
    """Each job with its metrics, as one consistent state of the store."""
    with database.read() as connection:
        for row in connection.execute("SELECT * FROM jobs ORDER BY created, id").fetchall():
            found: dict[str, Any] = {name: row[name] for name in ("id", *_TEXTS, *_TIMES)}
            found |= {"progress": row["progress"], "attempt": row["attempt"]}
            found |= {"spec": json.loads(row["spec"]), "result": json.loads(row["result"])}
            points = connection.execute(
                "SELECT what, point FROM metrics WHERE job = ? ORDER BY id", (row["id"],)
            )
            found["metrics"] = [[what, json.loads(point)] for what, point in points]
            yield found


def restore(database: Database, jobs: Sequence[Mapping[str, Any]]) -> int:
    """Add jobs that are not there yet, all or none; returns how many.

    What was at work when it was written is interrupted now. A job whose spec this taskviz does not
    take is left out.

    Raises:
        TaskvizError: something that no job can be.
    """
    checked = [_checked(job) for job in jobs]
    added = 0
    with database.write() as connection:
        for job in checked:
            there = connection.execute("SELECT 1 FROM jobs WHERE id = ?", (job["id"],)).fetchone()
            if there is not None or not _runnable(job):
                continue
            names = [name for name in job if name != "metrics"]
            connection.execute(
                # The names are this file's own.
                f"INSERT INTO jobs ({', '.join(names)}, queued) "
                f"VALUES ({', '.join('?' * len(names))}, ?)",
                [*(job[name] for name in names), job["created"]],
            )
            connection.executemany(
                "INSERT OR IGNORE INTO metrics (job, what, point) VALUES (?, ?, ?)",
                [(job["id"], what, point) for what, point in job["metrics"]],
            )
            added += 1
    return added


def check(jobs: Sequence[Mapping[str, Any]]) -> None:
    """Errors as :func:`restore`; nothing is written."""
    for job in jobs:
        _checked(job)


def _checked(job: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(job, Mapping) or not _ID.fullmatch(str(job.get("id"))):
        raise TaskvizError("The archive has a job without an id of twelve hexadecimal digits.")
    label = f"Job {job['id']} of the archive"
    found: dict[str, Any] = {"id": job["id"]}
    for name in _TEXTS:
        value = job.get(name, "")
        if not isinstance(value, str) or len(value) > _MOST_TEXT:
            raise TaskvizError(f"{label}: {name!r} is no text of a job.")
        found[name] = value
    if found["state"] not in STATES:
        raise TaskvizError(f"{label} is in no state that a job can be in.")
    if found["state"] in LIVE:
        found["state"] = "interrupted"
    for name in (*_TIMES, "progress"):
        value = job.get(name)
        optional = name in ("started", "finished") and value is None
        if not optional and not _is_amount(value):
            raise TaskvizError(f"{label}: {name!r} is no number of a job.")
        found[name] = value
    attempt = job.get("attempt")
    if isinstance(attempt, bool) or not isinstance(attempt, int) or not 1 <= attempt < 10**6:
        raise TaskvizError(f"{label}: 'attempt' is no number of a job.")
    found["attempt"] = attempt
    for name in ("spec", "result"):
        if not isinstance(job.get(name), Mapping):
            raise TaskvizError(f"{label}: {name!r} is no named values.")
        found[name] = dumps(dict(job[name]))
    found["metrics"] = [_point(each, label) for each in job.get("metrics") or ()]
    return found


def _is_amount(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and 0 <= value < 1e11


def _point(each: Any, label: str) -> tuple[str, str]:
    if not isinstance(each, list) or len(each) != 2 or not isinstance(each[1], Mapping):
        raise TaskvizError(f"{label} has a metric that is none.")
    what, point = str(each[0])[:64], dict(each[1])
    if "cells" in point:
        common, names, cells = point.get("common"), point.get("names"), point["cells"]
        if (
            not isinstance(common, Mapping)
            or not isinstance(names, list)
            or not isinstance(cells, list)
            or not all(isinstance(c, list) and len(c) == len(names) for c in cells)
        ):
            raise TaskvizError(f"{label} has a metric that is none.")
    return what, dumps(point)


def _runnable(job: Mapping[str, Any]) -> bool:
    from taskviz.jobs.kinds import parse_spec

    actor().must_edit("import jobs")
    try:
        parse_spec(job["kind"], json.loads(job["spec"]))
    except TaskvizError:
        return False
    return True
