"""``taskviz collections`` and ``taskviz check``."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from taskviz.cli.parameters import AsJson, Kinds, LeaveOut, Targets, names, pairs
from taskviz.cli.terminal import put_json, put_line, put_table
from taskviz.values import TaskvizError


def register(program: typer.Typer) -> None:
    """Add the commands."""
    program.command("collections")(list_collections)
    program.command("check")(check)


def list_collections(as_json: AsJson = False) -> None:
    """The built-in collections, which are there without a download."""
    from taskviz.data import BUILT_INS

    found = [built_in.to_json() for built_in in BUILT_INS.values()]
    if as_json:
        put_json(found)
        return
    put_table(
        "Built-in collections",
        ("name", "modality", "layout", "n", "tasks", "description"),
        [
            [c[key] for key in ("name", "modality", "layout", "n", "tasks", "description")]
            for c in found
        ],
    )


def check(
    path: Annotated[str, typer.Argument(help="A table, .csv or .parquet.")],
    targets: Targets = "",
    kinds: Kinds = None,
    leave_out: LeaveOut = None,
    as_json: AsJson = False,
) -> None:
    """Every problem of a table as a collection; the exit status is 1 where one is an error."""
    out = None if leave_out is None else names(leave_out)
    found = _findings(path, names(targets), pairs(kinds, "--kind"), out)
    errors = sum(problem["severity"] == "error" for problem in found["problems"])
    if as_json:
        put_json(found)
    else:
        put_line(f"{found['file']}: {found['rows']} rows, targets {', '.join(found['targets'])}")
        for problem in found["problems"]:
            put_line(f"{problem['severity']}: {problem['message']}")
        put_line("No problem was found." if not found["problems"] else f"{errors} errors.")
    if errors:
        raise typer.Exit(1)


def _findings(
    path: str, targets: list[str], kinds: dict[str, str], leave_out: list[str] | None
) -> dict[str, Any]:
    from taskviz.data import Problem, find_problems, propose_targets, read_table

    try:
        table = read_table(path)
    except TaskvizError as error:
        problems, rows, notes = [Problem("error", str(error))], 0, list[str]()
    else:
        if not targets:
            targets = [p.name for p in propose_targets(table.frame) if p.role == "target"]
        problems = find_problems(table.frame, targets, kinds, leave_out)
        rows, notes = len(table.frame), list(table.notes)
    return {
        "file": path,
        "rows": rows,
        "targets": targets,
        "notes": notes,
        "problems": [asdict(problem) for problem in problems],
    }
