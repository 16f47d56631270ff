"""What a terminal shows: JSON, tables, a bar with the time left."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer

from taskviz.progress import SILENT, Progress
from taskviz.values.storage import dumps


def put_json(data: Any) -> None:
    """The only thing on stdout with ``--json``."""
    typer.echo(dumps(data))


def one_line(text: str) -> str:
    """Text on one line, without the control characters that would command a terminal."""
    plain = "".join(c if c.isprintable() else " " for c in str(text))
    return " ".join(plain.split())


def put_table(title: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table on stdout; names are shown as they are, never as markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    put_line(title)
    table = Table()
    for i, name in enumerate(header):
        numbers = all(isinstance(row[i], int | float | None) for row in rows)
        table.add_column(Text(one_line(name)), justify="right" if numbers else "left")
    for row in rows:
        table.add_row(*(Text(one_line(_cell(value))) for value in row))
    # Where stdout is no terminal a table is as wide as it needs to be.
    width = None if sys.stdout.isatty() else 1000
    Console(file=sys.stdout, width=width).print(table)


def put_line(text: str) -> None:
    """One line on stdout."""
    typer.echo(one_line(text))


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def duration(seconds: float) -> str:
    """A time in words."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar with the time left on stderr; nothing where that is no terminal."""
    if not sys.stderr.isatty():
        yield SILENT
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("left", markup=False),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        yield _Bar(bars)


class _Bar(Progress):
    def __init__(self, bars: Any) -> None:
        self._bars = bars
        self._bar = bars.add_task("Loading", total=None)
        self._title = ""

    def begin(self, title: str, units: float) -> None:
        self._title = title
        self._bars.reset(self._bar, total=max(units, 1e-12), description=one_line(title))

    def advance(self, units: float = 1.0, message: str = "") -> None:
        text = f"{self._title} · {message}" if message else self._title
        self._bars.update(self._bar, advance=units, description=one_line(text)[:60])
