"""``taskviz report``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taskviz.cli.parameters import (
    PASS_THROUGH,
    AsJson,
    Device,
    Kinds,
    LeaveOut,
    Options,
    Seed,
    Source,
    SplitSeed,
    Targets,
    Tasks,
    method_options,
    names,
)
from taskviz.cli.plan import (
    AffinityOptions,
    Budget,
    Grouper,
    GroupingFile,
    GroupingOptions,
    Method,
    Plan,
    RandomDraws,
    Weighting,
)
from taskviz.cli.terminal import progress_bar, put_json, put_line
from taskviz.values import TaskvizError

if TYPE_CHECKING:
    from taskviz.report import ReportValues
    from taskviz.report.design import Design

FORMATS = "html, pdf, md or zip; the end of --out where it is not given."


def register(program: typer.Typer) -> None:
    """Add the command."""
    program.command("report", context_settings=PASS_THROUGH)(report)


def report(
    context: typer.Context,
    reference: Annotated[
        str,
        typer.Argument(
            help="A built-in collection, or a path: folder, .zip, .csv, .parquet. None with --open."
        ),
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="The file to write; report.html where it is not given.")
    ] = None,
    wanted: Annotated[str, typer.Option("--format", help=FORMATS)] = "",
    opened: Annotated[
        Path | None,
        typer.Option(
            "--open",
            help="A report that taskviz wrote (.html, .zip): tell what is in it, and write it anew "
            "where --out or --format is given.",
        ),
    ] = None,
    theme: Annotated[str, typer.Option(help="auto, light, dark or print.")] = "",
    title: Annotated[str, typer.Option(help="Heading of the report.")] = "",
    notes: Annotated[
        Path | None, typer.Option(help="A Markdown file to stand behind the summary.")
    ] = None,
    sections: Annotated[
        str,
        typer.Option(help="Sections in the order wanted: collection,affinity,groups,results,…"),
    ] = "",
    compare: Annotated[
        str, typer.Option(help="Two plans to set side by side: chosen,all-together.")
    ] = "",
    budget: Budget = None,
    grouping_file: GroupingFile = None,
    method: Method = "sca",
    grouper: Grouper = "gat-gmm",
    weighting: Weighting = "equal",
    baselines: Annotated[
        bool, typer.Option(help="Set all-together, all-separate and random groupings beside it.")
    ] = True,
    random_draws: RandomDraws = 3,
    targets: Targets = "",
    tasks: Tasks = "",
    kinds: Kinds = None,
    leave_out: LeaveOut = None,
    split_seed: SplitSeed = 0,
    seed: Seed = 0,
    device: Device = "auto",
    options: Options = None,
    affinity_options: AffinityOptions = None,
    grouping_options: GroupingOptions = None,
    as_json: AsJson = False,
) -> None:
    """All steps, and one file that tells them: HTML, PDF, Markdown or a .zip of all parts.

    Training options follow.
    """
    from taskviz.verbs import compare_groupings, contenders, write_report
    from taskviz.verbs.options import training_options

    if (opened is None) == (not reference):
        raise TaskvizError("Give either a collection to report on, or --open with a saved report.")
    if opened is not None:
        _open(opened, out, wanted, (theme, title, notes, sections, compare), as_json)
        return
    # What cannot be written is told before anything is computed.
    design, target, kind = (
        _design(None, theme, title, notes, sections, compare),
        *_target(out, wanted),
    )
    plan = Plan(budget, grouping_file, method, grouper, affinity_options, grouping_options)
    source = Source(reference, targets, tasks, kinds, leave_out, split_seed)
    chosen = training_options(method_options(context, options))
    with progress_bar() as progress:
        collection = source.open()
        grouping, matrix = plan.make(collection, seed, device, progress)
        groupings = {"chosen": grouping}
        if baselines:
            groupings = contenders(
                collection, matrix, grouping, random_draws=random_draws, seed=seed
            )
        results = compare_groupings(
            collection, groupings, weighting, seed, device, progress, **chosen
        )
        path = write_report(
            collection=collection,
            affinities=[] if matrix is None else [matrix],
            groupings=[grouping],
            results=results,
            path=target,
            format=kind,
            design=design,
            frontier=[] if matrix is None else plan.frontier(matrix, seed),
        )
    _put_written(path, as_json)


def _open(
    file: Path,
    out: Path | None,
    wanted: str,
    layout: tuple[Any, ...],
    as_json: bool,
) -> None:
    """Tell what is in a report, and write it anew where that is asked for."""
    from taskviz.report import write_contents
    from taskviz.verbs import open_report

    values = open_report(file)
    if out is None and not wanted:
        _put_contents(values, as_json)
        return
    target, kind = _target(out, wanted)
    path = write_contents(values.contents, _design(values, *layout), target, format=kind)
    _put_written(path, as_json)


def _target(out: Path | None, wanted: str) -> tuple[Path, Any]:
    """Where the file goes and its format; a PDF without a browser is told at once."""
    from taskviz.report.chromium import need_chromium
    from taskviz.report.write import FORMATS as KNOWN
    from taskviz.report.write import format_of
    from taskviz.values import unknown_choice

    if wanted and wanted not in KNOWN:
        raise unknown_choice("format of a report", wanted, KNOWN)
    target = out or Path(f"report.{wanted or 'html'}")
    kind = wanted or format_of(target)
    if kind == "pdf":
        need_chromium("A PDF")
    return target, kind


def _design(
    values: "ReportValues | None",
    theme: str,
    title: str,
    notes: Path | None,
    sections: str,
    compare: str,
) -> "Design":
    """The layout that the options speak of, over that of a report that was opened."""
    from dataclasses import replace

    from taskviz.report.design import WHOLE, Design

    design = Design() if values is None else values.design
    changes: dict[str, Any] = {}
    if theme:
        changes["style"] = theme
    if title:
        changes["title"] = title
    if sections:
        changes["sections"] = tuple(names(sections))
    if compare:
        pair = names(compare)
        if len(pair) != 2:
            raise TaskvizError(f"--compare {compare!r} is not understood: name two plans, a,b.")
        changes["compare"] = (pair[0], pair[1])
    design = replace(design, **changes)
    if notes is None:
        return design
    try:
        return design.with_note(WHOLE, notes.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise TaskvizError(
            f"Cannot read notes from {notes} ({error}): give a text file in UTF-8."
        ) from None


def _put_written(path: Path, as_json: bool) -> None:
    size = path.stat().st_size
    if as_json:
        put_json({"path": str(path), "bytes": size})
    else:
        put_line(f"Written to {path} ({size / 1e6:.1f} MB).")


def _put_contents(values: "ReportValues", as_json: bool) -> None:
    from taskviz.report.summary import summarise

    contents = values.contents
    summary = summarise(contents.facts, contents.affinities, contents.main, contents.results)
    if as_json:
        put_json(
            {
                "collection": contents.facts.name,
                "fingerprint": contents.facts.fingerprint,
                "tasks": [task.name for task in contents.facts.tasks],
                "affinities": [matrix.method for matrix in contents.affinities],
                "plans": {
                    n: [list(g) for g in p.groups] for n, p in contents.named_plans().items()
                },
                "results": list(contents.results),
                "runs": list(contents.runs),
                "scenarios": [pinned.name for pinned in contents.scenarios],
                "recommendation": list(summary.answer),
                "evidence": list(summary.evidence),
                "doubts": list(summary.doubts),
            }
        )
        return
    put_line(summary.question)
    for heading in ("answer", "evidence", "cost", "doubts"):
        for sentence in getattr(summary, heading):
            put_line(f"  {sentence}")
    put_line(
        f"Inside: {len(contents.affinities)} matrices, {len(contents.named_plans())} plans, "
        f"{len(contents.results)} results. --format writes it anew."
    )
