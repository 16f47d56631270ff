"""``taskviz linearisation``."""

from typing import Annotated, Any

import typer

from taskviz.cli.parameters import (
    PASS_THROUGH,
    AsJson,
    Background,
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
from taskviz.cli.terminal import progress_bar, put_json, put_line, put_table


def register(program: typer.Typer) -> None:
    """Add the command."""
    program.command("linearisation", context_settings=PASS_THROUGH)(linearisation)


def linearisation(
    context: typer.Context,
    reference: Reference,
    subsets: Annotated[
        int, typer.Option(help="Random subsets to average over.", min=1, max=10_000)
    ] = 100,
    targets: Targets = "",
    tasks: Tasks = "",
    kinds: Kinds = None,
    leave_out: LeaveOut = None,
    split_seed: SplitSeed = 0,
    seed: Seed = 0,
    device: Device = "auto",
    options: Options = None,
    background: Background = False,
    as_json: AsJson = False,
) -> None:
    """How far a network's outputs are from their first-order expansion, at 1 to 10 % distance.

    Options of the method gradient follow as --name value: which network, which parameters move.
    """
    from taskviz.verbs import linearisation_key, study_linearisation
    from taskviz.verbs.options import affinity_options

    source = Source(reference, targets, tasks, kinds, leave_out, split_seed)
    chosen = affinity_options("gradient", method_options(context, options))
    if background:
        from taskviz.cli.jobs import put_started
        from taskviz.jobs import start_job

        spec = {
            "collection": source.to_json(),
            "subsets": subsets,
            "options": chosen,
            "seed": seed,
        }
        put_started(start_job("linearisation", spec, device=device), as_json)
        return
    settings: dict[str, Any] = {"subsets": subsets, "seed": seed, "device": device, **chosen}
    with progress_bar() as progress:
        collection = source.open()
        table = study_linearisation(collection, progress=progress, **settings)
    if as_json:
        from taskviz.values.storage import nullable

        put_json(
            {
                "collection": collection.name,
                "seed": seed,
                "options": chosen,
                "key": linearisation_key(collection, **settings),
                **{name: nullable(table[name].to_numpy()) for name in table.columns},
            }
        )
        return
    put_table(
        f"Linearisation error of {collection.name} over {subsets} random subsets",
        ("distance", "relative residual", "standard error"),
        [
            [f"{distance:.0%}", *map(float, numbers)]
            for distance, *numbers in table[["distance", "rss", "standard_error"]].to_numpy()
        ],
    )
    put_line(
        "Residual: sum of squares of what the expansion misses, as a share of the outputs'. "
        "Distance: of the parameters from the joint network's, as a share of their length."
    )
