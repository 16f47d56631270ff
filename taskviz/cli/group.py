"""``taskviz group``."""

import csv
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
from taskviz.values import AffinityMatrix, Grouping, SubsetTable


def register(program: typer.Typer) -> None:
    """Add the command."""
    program.command("group", context_settings=PASS_THROUGH)(group)


def group(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(help="A saved matrix (.json, .csv), a subset table (.csv) or a collection."),
    ],
    budget: Annotated[
        float | None, typer.Option(help="What can be afforded; none gives all of 1…T models.")
    ] = None,
    budget_unit: Annotated[
        str,
        typer.Option(help="What the budget counts: networks, parameters, macs or milliseconds."),
    ] = "networks",
    method: Annotated[str, typer.Option(help="Grouping method.")] = "gat-gmm",
    affinity: Annotated[str, typer.Option(help="Estimator, for a collection.")] = "sca",
    priced: Annotated[
        str,
        typer.Option(
            "--collection",
            help="Collection whose networks are priced, where SOURCE is a matrix or a table.",
        ),
    ] = "",
    networks: Annotated[
        list[str] | None,
        typer.Option(
            "--network-option",
            help="Width, depth or activation of the networks priced, name=value; repeatable.",
        ),
    ] = None,
    targets: Targets = "",
    tasks: Tasks = "",
    kinds: Kinds = None,
    leave_out: LeaveOut = None,
    split_seed: SplitSeed = 0,
    seed: Seed = 0,
    device: Device = "auto",
    options: Options = None,
    estimator_options: AffinityOptions = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the grouping to this .json file; needs a budget.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Groups under an inference budget. The method's options follow as --name value."""
    from taskviz.grouping.group_costs import cost_unit
    from taskviz.verbs import compute_affinity, group_frontier, group_tasks, price_groups
    from taskviz.verbs.options import affinity_options, grouping_options, network_options

    chosen = grouping_options(method, method_options(context, options))
    of_estimator = affinity_options(affinity, pairs(estimator_options, "--affinity-option"))
    if out is not None and budget is None:
        raise typer.BadParameter("give a --budget: one grouping goes into one file")
    other_unit = cost_unit(budget_unit) != "networks"
    of_networks = network_options(pairs(networks, "--network-option"))
    if not other_unit and (priced or networks):
        raise typer.BadParameter(
            "--collection and --network-option say what networks cost in another --budget-unit"
        )
    with progress_bar() as progress:
        values = read_affinity_file(Path(source))
        if other_unit and (values is None) == bool(priced):
            raise typer.BadParameter(
                f"{source} is a collection itself: leave --collection out"
                if priced
                else f"{source} has no networks to be priced in {budget_unit}: give the "
                "--collection that it was made from"
            )
        costs = None
        if values is None or other_unit:
            reference = priced or source
            collection = Source(reference, targets, tasks, kinds, leave_out, split_seed).open()
            if other_unit:
                costs = price_groups(collection, budget_unit, device=device, **of_networks)
        if values is None:
            values = compute_affinity(
                collection,
                affinity,
                seed=seed,
                device=device,
                progress=progress,
                **of_estimator,
            )
    if budget is None:
        found = group_frontier(values, method, seed=seed, costs=costs, **chosen)
    else:
        found = [group_tasks(values, method, budget=budget, seed=seed, costs=costs, **chosen)]
    if out is not None:
        found[0].save(out)
    if as_json:
        put_json([g.to_json() for g in found] if budget is None else found[0].to_json())
        return
    for grouping in found:
        put_grouping(grouping)


def read_affinity_file(path: Path) -> AffinityMatrix | SubsetTable | None:
    """A saved matrix or subset table; None where the path is neither but may be a collection."""
    if path.suffix.lower() == ".json":
        return AffinityMatrix.read(path)
    if path.suffix.lower() != ".csv" or not path.is_file():
        return None
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        try:
            rows = csv.reader(file)
            header = next(rows, [])
            if "subset" in header:
                return SubsetTable.read(path)
            # Rows that bear the names of the columns: no table of samples looks like that.
            lead = [row[0] for row in (next(rows, []) for _ in header[1:]) if row]
        except csv.Error:
            return None
    # One that lacks rows or has too many is a matrix all the same, and is told what it lacks.
    return AffinityMatrix.read(path) if len(lead) > 1 and set(lead) <= set(header[1:]) else None


def put_grouping(grouping: Grouping) -> None:
    """A grouping as a table."""
    score = "" if grouping.score is None else f", score {grouping.score:.4g}"
    unit = "" if grouping.cost_unit == "networks" else f" {grouping.cost_unit}"

    def told(cost: float) -> str:
        # A count is told in full: rounded to six digits it would be another budget.
        return f"{cost:.15g}" if cost == round(cost) else f"{cost:.4g}"

    prices = [told(cost) for cost in grouping.costs] if unit else []
    put_table(
        f"Budget {told(grouping.budget)}{unit}, cost {told(grouping.cost)}{unit} "
        f"by {grouping.method}{score}",
        ("group", "tasks", *(["cost"] if prices else [])),
        [[i + 1, ", ".join(names), *prices[i : i + 1]] for i, names in enumerate(grouping.groups)],
    )
    for note in grouping.notes:
        put_line(f"Note: {note}")
