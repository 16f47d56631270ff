"""``taskviz train``."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from taskviz.cli.parameters import (
    PASS_THROUGH,
    Address,
    AsJson,
    Background,
    Device,
    EngineName,
    Kinds,
    LeaveOut,
    NoCache,
    Options,
    Reference,
    Seed,
    Source,
    SplitSeed,
    Targets,
    Tasks,
    chosen_engine,
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
from taskviz.cli.results import put_results
from taskviz.cli.runs import folder_name
from taskviz.cli.terminal import progress_bar, put_json
from taskviz.values import TaskvizError, TrainingResult


def register(program: typer.Typer) -> None:
    """Add the command."""
    program.command("train", context_settings=PASS_THROUGH)(train)


def train(
    context: typer.Context,
    reference: Reference,
    budget: Budget = None,
    grouping_file: GroupingFile = None,
    method: Method = "sca",
    grouper: Grouper = "gat-gmm",
    weighting: Weighting = "equal",
    baselines: Annotated[
        bool,
        typer.Option("--baselines", help="Train all-together, all-separate and random ones too."),
    ] = False,
    random_draws: RandomDraws = 3,
    paper: Annotated[
        bool,
        typer.Option(
            "--paper",
            help="The SCA paper's comparison: one network under GradNorm, UW, PCGrad and Nash-MTL "
            "against the groups (two, by SCA, where neither --budget nor --grouping is given).",
        ),
    ] = False,
    seeds: Annotated[
        int | None,
        typer.Option(
            help="How many seeds, from --seed on; by default 3 in a comparison, else 1.",
            min=1,
            max=100,
        ),
    ] = None,
    targets: Targets = "",
    tasks: Tasks = "",
    kinds: Kinds = None,
    leave_out: LeaveOut = None,
    split_seed: SplitSeed = 0,
    seed: Seed = 0,
    device: Device = "auto",
    engine: EngineName = "local",
    address: Address = "",
    options: Options = None,
    affinity_options: AffinityOptions = None,
    grouping_options: GroupingOptions = None,
    out: Annotated[
        Path | None, typer.Option(help="Write networks and metrics into this folder.")
    ] = None,
    no_cache: NoCache = False,
    background: Background = False,
    as_json: AsJson = False,
) -> None:
    """Train one network a group. Training options follow as --epochs 50, --patience 5, …

    They are --width, --depth, --activation, --network, --norm, --weights, --epochs, --patience,
    --batch-size, --learning-rate, --weight-decay, --optimizer, --schedule, --warmup, --clip,
    --precision, --compile, --more-epochs, --separate, --inner-steps and --meta-rate.
    """
    from taskviz.verbs import (
        check_training,
        compare_groupings,
        contenders,
        paper_contenders,
    )
    from taskviz.verbs.options import training_options

    if paper and budget is None and grouping_file is None:
        budget = 2.0
    plan = Plan(budget, grouping_file, method, grouper, affinity_options, grouping_options)
    source = Source(reference, targets, tasks, kinds, leave_out, split_seed)
    chosen = training_options(method_options(context, options))
    count = seeds or (3 if baselines or paper else 1)
    with progress_bar() as progress, chosen_engine(engine, address):
        collection = source.open()
        grouping, matrix = plan.make(collection, seed, device, progress, use_cache=not no_cache)
        if background:
            from taskviz.cli.jobs import put_started
            from taskviz.jobs import start_job

            check_training(collection, grouping, weighting)
            spec = {
                "collection": source.to_json(),
                "grouping": grouping.to_json(),
                "baselines": baselines,
                "random_draws": random_draws,
                "weighting": weighting,
                "options": chosen,
                "seed": seed,
                "seeds": count,
                "paper": paper,
                "engine": engine,
            }
            put_started(start_job("training", spec, device=device), as_json)
            return
        groupings = {"chosen": grouping}
        weightings = {"chosen": weighting}
        if paper:
            name = "SCA" if grouping_file is None and method == "sca" else "chosen"
            groupings, weightings = paper_contenders(collection, grouping, name)
        elif baselines:
            groupings = contenders(collection, None, grouping, random_draws=random_draws, seed=seed)
            weightings = dict.fromkeys(groupings, weighting)
        results = compare_groupings(
            collection,
            groupings,
            weightings,
            seed,
            device,
            progress,
            use_cache=not no_cache,
            seeds=count if count > 1 else None,
            **chosen,
        )
    first = next(iter(results))
    if out is not None:
        save_results(results, out)
    if as_json:
        put_json(
            {
                **result_json(results[first]),
                "contenders": {label: result_json(result) for label, result in results.items()},
            }
            if baselines or paper
            else result_json(results[first])
        )
        return
    put_results(results, {} if matrix is None else {first: matrix.seconds})


def save_results(results: dict[str, TrainingResult], folder: Path) -> None:
    """The first contender into the folder itself, each other into one below it.

    Raises:
        TaskvizError: the folder cannot be written.
    """
    try:
        for number, (label, result) in enumerate(results.items()):
            named = _named(result, label) if len(results) > 1 else result
            named.save(folder / folder_name(label) if number else folder)
    except OSError as error:
        raise TaskvizError(
            f"Cannot write to {folder} ({error.strerror or error}): give a folder that can be "
            "written."
        ) from None


def _named(result: TrainingResult, label: str) -> TrainingResult:
    runs = tuple(_named(run, label) for run in result.runs)
    return replace(result, settings={**result.settings, "label": label}, runs=runs)


def result_json(result: TrainingResult) -> dict[str, Any]:
    """What a terminal says of a result: all but its curves and networks."""
    from taskviz.values.storage import nullable

    frame = result.metrics
    columns = {name: nullable(frame[name].to_numpy()) for name in frame.columns}
    rows = zip(*columns.values(), strict=True)
    return {
        "collection": result.collection,
        "fingerprint": result.fingerprint,
        "grouping": result.grouping.to_json(),
        "serving": dict(result.serving),
        "metrics": [dict(zip(columns, row, strict=True)) for row in rows],
        "networks": [
            {"tasks": list(n.tasks), "best_step": n.best_step, "seconds": n.seconds}
            for n in result.networks
        ],
        "settings": dict(result.settings),
        "seed": result.seed,
        "seeds": list(result.seeds),
        "seconds": result.seconds,
        "notes": list(result.notes),
    }
