"""Live metrics of a job as rows of the store, and back."""

import base64
import hashlib
import json
import sqlite3
import struct
from collections.abc import Sequence
from math import isfinite
from typing import Any

from taskviz.progress import Curves, Record
from taskviz.values.storage import dumps


def write_points(
    connection: sqlite3.Connection, job: str, points: Sequence[Record | Curves]
) -> None:
    """Add points; one that is told again takes the place and the number of the one before."""
    connection.executemany(
        "INSERT INTO metrics (job, what, point) VALUES (?, ?, ?) "
        "ON CONFLICT (job, what) DO UPDATE SET point = excluded.point",
        [(job, *row) for point in points for row in point_rows(point)],
    )


def rows_after(connection: sqlite3.Connection, job: str, after: int) -> list[sqlite3.Row]:
    """Rows with a number beyond ``after``, in order."""
    return connection.execute(
        "SELECT id, point FROM metrics WHERE job = ? AND id > ? ORDER BY id", (job, after)
    ).fetchall()


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
