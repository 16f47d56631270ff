"""``taskviz stability``."""

from pathlib import Path
from typing import Annotated

import typer

from taskviz.cli.group import read_affinity_file
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
    pairs,
)
from taskviz.cli.plan import AffinityOptions
from taskviz.cli.terminal import progress_bar, put_json, put_line, put_table


def register(program: typer.Typer) -> None:
    """Add the command."""
    program.command("stability", context_settings=PASS_THROUGH)(stability)


def stability(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(help="A saved matrix (.json, .csv), a subset table (.csv) or a collection."),
    ],
    budget: Annotated[float, typer.Option(help="How many models can be afforded.")],
    method: Annotated[str, typer.Option(help="Grouping method.")] = "gat-gmm",
    draws: Annotated[
        int, typer.Option(help="How often the scores are drawn again.", min=2, max=10_000)
    ] = 100,
    noise: Annotated[
        float | None,
        typer.Option(help="Standard deviation of an entry, in place of all that was measured."),
    ] = None,
    affinity: Annotated[str, typer.Option(help="Estimator, for a collection.")] = "sca",
    targets: Targets = "",
    tasks: Tasks = "",
    kinds: Kinds = None,
    leave_out: LeaveOut = None,
    split_seed: SplitSeed = 0,
    seed: Seed = 0,
    device: Device = "auto",
    options: Options = None,
    estimator_options: AffinityOptions = None,
    as_json: AsJson = False,
) -> None:
    """Would the groups come back, were the scores measured again? Draws are kept as they are made.

    The grouping method's options follow as --name value.
    """
    from taskviz.verbs import compute_affinity, group_tasks, study_stability
    from taskviz.verbs.options import affinity_options, grouping_options

    chosen = grouping_options(method, method_options(context, options))
    of_estimator = affinity_options(affinity, pairs(estimator_options, "--affinity-option"))
    with progress_bar() as progress:
        scores = read_affinity_file(Path(source))
        if scores is None:
            collection = Source(source, targets, tasks, kinds, leave_out, split_seed).open()
            scores = compute_affinity(
                collection, affinity, seed=seed, device=device, progress=progress, **of_estimator
            )
        plan = group_tasks(scores, method, budget=budget, seed=seed, **chosen)
        found = study_stability(
            scores, plan, draws=draws, noise=noise, seed=seed, progress=progress
        )
    if as_json:
        put_json(found.to_json())
        return
    rows = [(" | ".join(map(", ".join, plan.groups)), f"{found.share:.0%}", "", "chosen")]
    for rival in found.rivals:
        low, high = rival.interval
        verdict = "tie" if rival.tie else "better" if rival.difference > 0 else "worse"
        rows.append(
            (
                " | ".join(map(", ".join, rival.grouping.groups)),
                f"{rival.share:.0%}",
                f"{rival.difference:+.3g} ({low:.3g} to {high:.3g})",
                verdict,
            )
        )
    title = f"{found.draws} redraws, budget {budget:g}, {method}"
    put_table(title, ("groups", "returned", "difference, 95 %", "verdict"), rows)
    for note in found.notes:
        put_line(f"Note: {note}")
