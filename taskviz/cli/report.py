"""``taskviz report``."""

from pathlib import Path
from typing import Annotated

import typer

from taskviz.cli.parameters import (
    PASS_THROUGH,
    AsJson,
    Device,
    Kinds,
    LeaveOut,
    Options,
    Reference,
    Seed,
    Source,
    SplitSeed,
    Targets,
    Tasks,
    method_options,
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


def register(program: typer.Typer) -> None:
    """Add the command."""
    program.command("report", context_settings=PASS_THROUGH)(report)


def report(
    context: typer.Context,
    reference: Reference,
    out: Annotated[Path, typer.Option(help="The HTML file to write.")] = Path("report.html"),
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
    """All steps, and one self-contained HTML file that tells them. Training options follow."""
    from taskviz.verbs import compare_groupings, contenders, write_report
    from taskviz.verbs.options import training_options

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
            path=out,
            frontier=[] if matrix is None else plan.frontier(matrix, seed),
        )
    if as_json:
        put_json({"path": str(path), "bytes": path.stat().st_size})
    else:
        put_line(f"Written to {path} ({path.stat().st_size / 1e6:.1f} MB); open it in a browser.")
