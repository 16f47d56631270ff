"""``taskviz collections``, ``taskviz check`` and ``taskviz init``."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from taskviz.cli.parameters import AsJson, Kinds, LeaveOut, Seed, Targets, names, pairs
from taskviz.cli.terminal import put_json, put_line, put_table
from taskviz.values import TaskvizError


def register(program: typer.Typer) -> None:
    """Add the commands."""
    program.command("collections")(list_collections)
    program.command("check")(check)
    program.command("init")(init)
    program.command("generate")(generate)


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
    path: Annotated[
        str, typer.Argument(help="A folder, .zip, .npz, .ts, .csv, .parquet or .arff.")
    ],
    targets: Targets = "",
    kinds: Kinds = None,
    leave_out: LeaveOut = None,
    as_json: AsJson = False,
) -> None:
    """Every problem of a collection; the exit status is 1 where one is an error."""
    out = None if leave_out is None else names(leave_out)
    found = _findings(path, names(targets), pairs(kinds, "--kind"), out)
    errors = sum(problem["severity"] == "error" for problem in found["problems"])
    if as_json:
        put_json(found)
    else:
        targeted = f"targets {', '.join(found['targets'])}" if found["targets"] else "no targets"
        put_line(f"{found['file']}: {found['rows']} rows, {targeted}")
        if found["format"]:
            put_line(f"{found['layout']} {found['modality']}, read as {', '.join(found['format'])}")
        for problem in found["problems"]:
            put_line(f"{problem['severity']}: {problem['message']}")
        put_line(
            "No problem was found."
            if not found["problems"]
            else f"{errors} error{'' if errors == 1 else 's'}."
        )
    if errors:
        raise typer.Exit(1)


def init(
    path: Annotated[str, typer.Argument(help="A folder, or a single file of data.")],
    force: Annotated[bool, typer.Option("--force", help="Write over a manifest.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write collection.toml by looking at the files; what is there already stays."""
    from taskviz.data import write_manifest

    written = write_manifest(Path(path).expanduser(), force=force)
    if as_json:
        put_json({"manifest": str(written), "text": written.read_text(encoding="utf-8")})
        return
    put_line(f"Wrote {written}. Look through it, then run: taskviz check {path}")


def generate(
    out: Annotated[Path, typer.Argument(help="The .npz file to write.")],
    tasks: Annotated[int, typer.Option(help="Communities, each a task.", min=2, max=5000)] = 500,
    nodes: Annotated[int | None, typer.Option(help="Nodes; by default 120 a task.")] = None,
    degree: Annotated[float, typer.Option(help="Mean degree of a node.")] = 40.0,
    features: Annotated[int, typer.Option(help="Eigenvectors that describe a node.", min=1)] = 64,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Generate a graph with overlapping communities: a node-labelling collection of any size."""
    from taskviz.data.generate import write_communities

    written = write_communities(
        out.expanduser(), tasks, nodes=nodes, degree=degree, features=features, seed=seed
    )
    if as_json:
        put_json({"file": str(out), **written})
        return
    put_line(
        f"Wrote {out}: {written['nodes']:,} nodes, {written['edges']:,} edges, {tasks} tasks. "
        f"Next: taskviz affinity {out} --method gradient"
    )


def _findings(
    path: str, targets: list[str], kinds: dict[str, str], leave_out: list[str] | None
) -> dict[str, Any]:
    from taskviz.data import Problem, find_problems, propose_targets, read_table
    from taskviz.data.manifest.opened import is_folder_like

    if is_folder_like(Path(path).expanduser()):
        return _folder_findings(path, targets, kinds)
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
        "layout": "joint",
        "modality": "table",
        "format": [],
        "problems": [asdict(problem) for problem in problems],
    }


def _folder_findings(path: str, targets: list[str], kinds: dict[str, str]) -> dict[str, Any]:
    from taskviz.cache import Cache
    from taskviz.data.manifest.opened import open_path
    from taskviz.data.problem import Problem

    place = Path(path).expanduser()
    if not place.exists():
        problems, found = [Problem("error", f"There is no file or folder {path}.")], None
    else:
        found = open_path(place, Cache(), targets=tuple(targets), kinds=kinds, thorough=True)
        problems = found.findings.problems
    contents = found.contents if found else None
    manifest = found.manifest if found else None
    blocks = contents.blocks if contents else ()
    return {
        "file": path,
        "rows": sum(len(block.inputs) for block in blocks),
        "targets": [task.name for block in blocks for task in block.tasks],
        "notes": [],
        "layout": manifest.layout if manifest else "",
        "modality": contents.modality if contents else manifest.modality if manifest else "",
        "format": sorted({part.reader.name for part in manifest.parts}) if manifest else [],
        "problems": [asdict(problem) for problem in problems],
    }
