"""How many jobs one owner may have at work or waiting."""

import sqlite3

from taskviz.jobs.job import LIVE
from taskviz.jobs.rows import state_of
from taskviz.values import TaskvizError


def check_quota(connection: sqlite3.Connection, owner: str, most: int | None) -> None:
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
