"""Parameters that several commands take, and how their text is read."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from taskviz.values import TaskCollection, TaskvizError

Reference = Annotated[
    str, typer.Argument(help="A built-in collection, or a path: folder, .zip, .csv, .parquet.")
]
Targets = Annotated[str, typer.Option(help="Target columns of a table: a,b,c.")]
Tasks = Annotated[str, typer.Option(help="Tasks to keep: a,b,c, or how many of the first ones.")]
Kinds = Annotated[
    list[str] | None, typer.Option("--kind", help="Kind of a target, column=kind; repeatable.")
]
LeaveOut = Annotated[
    str | None,
    typer.Option(help="Columns that are neither input nor target: a,b; '' leaves out none."),
]
SplitSeed = Annotated[int, typer.Option(help="Seed of the train, valid and test split.", min=0)]
Seed = Annotated[int, typer.Option(help="Every random draw derives from it.", min=0)]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")]
EngineName = Annotated[
    str, typer.Option("--engine", help="Where units of work run: local, or ray: a Ray cluster.")
]
Address = Annotated[
    str, typer.Option("--address", help="Of the Ray cluster: host:port, or local to start one.")
]
JobId = Annotated[str, typer.Argument(help="Id of a job.", metavar="ID")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on stdout.")]
Options = Annotated[
    list[str] | None, typer.Option("--option", help="An option, name=value; repeatable.")
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Compute anew and store nothing.")]
Background = Annotated[
    bool, typer.Option("--background", help="Start a job that outlives this terminal.")
]

PASS_THROUGH = {"allow_extra_args": True, "ignore_unknown_options": True}
"""Options that a command does not know itself are those of its method: ``--n 200``."""


@contextmanager
def chosen_engine(name: str, address: str) -> Iterator[None]:
    """Units of all that is computed within run there; jobs that are started inherit the address.

    Raises:
        TaskvizError: an unknown engine, or an address without the engine that takes it.
    """
    from taskviz.engines import make_engine, use_engine
    from taskviz.engines.choose import ADDRESS

    if address and name != "ray":
        raise TaskvizError(
            f"--address {address} names a Ray cluster, but --engine is {name}: add --engine ray."
        )
    if address:
        os.environ[ADDRESS] = address
    with use_engine(make_engine(name)):
        yield


@dataclass(frozen=True)
class Source:
    """The collection that the common parameters speak of."""

    reference: str
    targets: str
    tasks: str
    kinds: Sequence[str] | None
    leave_out: str | None
    split_seed: int

    def open(self) -> TaskCollection:
        """Load it."""
        from taskviz.verbs import load_collection

        return load_collection(
            self.reference,
            targets=names(self.targets),
            tasks=task_choice(self.tasks),
            kinds=pairs(self.kinds, "--kind"),
            split_seed=self.split_seed,
            leave_out=None if self.leave_out is None else names(self.leave_out),
        )

    def to_json(self) -> dict[str, Any]:
        """The same as plain data for a job."""
        from taskviz.data import CollectionRef

        chosen = task_choice(self.tasks)
        ref = CollectionRef(
            reference=self.reference,
            targets=tuple(names(self.targets)),
            kinds=pairs(self.kinds, "--kind"),
            # How many of the first: their names are known once it is open.
            tasks=tuple(self.open().names if isinstance(chosen, int) else chosen or ()),
            split_seed=self.split_seed,
            leave_out=None if self.leave_out is None else tuple(names(self.leave_out)),
        )
        return ref.to_json()


def names(text: str) -> list[str]:
    """``a,b,c``, or a JSON list where a name has a comma in it."""
    if text.strip().startswith("["):
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if isinstance(found, list) and all(isinstance(name, str) for name in found):
            return found
    return [name.strip() for name in text.split(",") if name.strip()]


def task_choice(text: str) -> list[str] | int | None:
    """Names, a number of first tasks, or None for all. ``8,`` is a task that is called 8."""
    if text.strip().isascii() and text.strip().isdigit():
        return int(text)
    return names(text) or None


def pairs(given: Sequence[str] | None, where: str) -> dict[str, str]:
    """``name=value`` each."""
    found = {}
    for text in given or ():
        name, sign, value = text.rpartition("=") if where == "--kind" else text.partition("=")
        if not sign or not name:
            raise TaskvizError(f"{where} {text!r} is not understood: write name=value.")
        found[name.strip()] = value.strip()
    return found


def method_options(
    context: typer.Context, given: Sequence[str] | None, where: str = "--option"
) -> dict[str, str]:
    """Options of a method: those of ``--option`` and those passed through as ``--name value``.

    Raises:
        TaskvizError: a word that is neither an option nor the value of one.
    """
    found, rest = pairs(given, where), list(context.args)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--") or len(word) < 3:
            raise TaskvizError(
                f"{word!r} is not understood: options of the method are written --name value."
            )
        name, sign, value = word[2:].partition("=")
        if not sign:
            # A switch has no value behind it; a negative number is one.
            value = rest.pop(0) if rest and not rest[0].startswith("--") else "true"
        found[name] = value
    return found
