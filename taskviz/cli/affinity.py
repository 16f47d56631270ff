"""``taskviz affinity``."""

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
from taskviz.cli.terminal import duration, progress_bar, put_json, put_line, put_table


def register(program: typer.Typer) -> None:
    """Add the command."""
    program.command("affinity", context_settings=PASS_THROUGH)(affinity)


def affinity(
    context: typer.Context,
    reference: Reference,
    method: Annotated[str, typer.Option(help="Estimator.")] = "sca",
    targets: Targets = "",
    tasks: Tasks = "",
    kinds: Kinds = None,
    leave_out: LeaveOut = None,
    split_seed: SplitSeed = 0,
    seed: Seed = 0,
    repeats: Annotated[
        int,
        typer.Option(help="Measure so many times: a mean with its reliability.", min=1, max=1000),
    ] = 1,
    device: Device = "auto",
    engine: EngineName = "local",
    address: Address = "",
    options: Options = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the matrix to this .json or .csv file.")
    ] = None,
    no_cache: NoCache = False,
    background: Background = False,
    as_json: AsJson = False,
) -> None:
    """How much each task helps each other. The estimator's options follow as --name value."""
    from taskviz.affinity.reliability import reliability
    from taskviz.verbs import (
        affinity_key,
        compute_affinity,
        measure_reliability,
        reliability_key,
    )
    from taskviz.verbs.options import affinity_options

    source = Source(reference, targets, tasks, kinds, leave_out, split_seed)
    chosen = affinity_options(method, method_options(context, options))
    if background:
        from taskviz.cli.jobs import put_started
        from taskviz.jobs import start_job

        spec = {
            "collection": source.to_json(),
            "method": method,
            "options": chosen,
            "seed": seed,
            "repeats": repeats,
            "engine": engine,
        }
        with chosen_engine(engine, address):
            put_started(start_job("affinity", spec, device=device), as_json)
        return
    own: dict[str, Any] = {"seed": seed, "device": device, **chosen}
    with progress_bar() as progress, chosen_engine(engine, address):
        collection = source.open()
        kept: dict[str, Any] = {"progress": progress, "use_cache": not no_cache}
        if repeats > 1:
            own["repeats"] = repeats
            matrix = measure_reliability(collection, method, **kept, **own)
        else:
            matrix = compute_affinity(collection, method, **kept, **own)
    trust = reliability(matrix)
    if out is not None:
        matrix.save(out)
    if as_json:
        key = (reliability_key if repeats > 1 else affinity_key)(collection, method, **own)
        plain = {**matrix.to_json(), "reliability": trust.to_json()}
        put_json({**plain, "T": len(matrix.tasks), "key": key})
        return
    put_table(
        f"Affinity of {collection.name} by {method}, source (row) → target (column)",
        ("source", *matrix.tasks),
        [[name, *map(float, row)] for name, row in zip(matrix.tasks, matrix.values, strict=True)],
    )
    put_line(
        f"{duration(matrix.seconds)}, {matrix.networks_trained} networks trained, seed {seed}. "
        f"{matrix.unit}"
    )
    put_line(trust.sentence)
    if trust.price is not None and trust.next_grade is not None:
        grade, needed = trust.next_grade
        networks, seconds = trust.price
        put_line(
            f"About {needed} repeats would make it {grade}: {networks} networks and "
            f"{duration(seconds)} more."
        )
    for note in matrix.notes:
        put_line(f"Note: {note}")
