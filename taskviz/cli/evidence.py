"""``taskviz evidence`` and ``taskviz recommend``."""

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
    Options,
    Reference,
    Seed,
    Source,
    SplitSeed,
    Targets,
    Tasks,
    chosen_engine,
    method_options,
    names,
)
from taskviz.cli.terminal import duration, progress_bar, put_json, put_line, put_table
from taskviz.values import TaskvizError


def register(program: typer.Typer) -> None:
    """Add the commands."""
    program.command("evidence", context_settings=PASS_THROUGH)(evidence)
    program.command("recommend", context_settings=PASS_THROUGH)(recommend)


def evidence(
    context: typer.Context,
    reference: Reference,
    methods: Annotated[str, typer.Option(help="Estimators: a,b,c; none: the usual ones.")] = "",
    seeds: Annotated[int, typer.Option(help="Seeds of the truth.", min=2, max=1000)] = 4,
    draws: Annotated[int, typer.Option(help="Draws of each estimator.", min=1, max=1000)] = 3,
    budgets: Annotated[str, typer.Option(help="Numbers of models: a,b,c.")] = "2,3,4",
    overlap: Annotated[bool, typer.Option(help="Also plans whose groups share tasks.")] = True,
    groupers: Annotated[bool, typer.Option(help="Also compare grouping methods.")] = True,
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
    background: Background = False,
    as_json: AsJson = False,
) -> None:
    """Estimators against truth: share of the reachable gain, cost, rank correlation, F1.

    Options of the networks follow as --width 16, --epochs 60, …
    """
    from taskviz.affinity import estimator_class
    from taskviz.verbs import compare_estimators, evidence_key
    from taskviz.verbs.options import subset_options

    chosen = names(methods)
    for method in chosen:
        estimator_class(method)
    numbers = _budgets(budgets)
    source = Source(reference, targets, tasks, kinds, leave_out, split_seed)
    given: dict[str, Any] = {
        "seeds": seeds,
        "draws": draws,
        "budgets": numbers,
        "overlap": overlap,
        "groupers": groupers,
        "seed": seed,
    }
    training = subset_options(method_options(context, options))
    if background:
        from taskviz.cli.jobs import put_started
        from taskviz.jobs import start_job

        spec = {"collection": source.to_json(), "methods": chosen, "options": training, **given}
        spec["engine"] = engine
        with chosen_engine(engine, address):
            put_started(start_job("evidence", spec, device=device), as_json)
        return
    with progress_bar() as progress, chosen_engine(engine, address):
        collection = source.open()
        found = compare_estimators(
            collection, chosen, progress=progress, device=device, **given, **training
        )
    if as_json:
        key = evidence_key(collection, chosen, device=device, **given, **training)
        put_json({**found.to_json(), "key": key})
        return
    pooled = found.table[found.table["budget"] == "all"]
    put_table(
        f"Estimators against truth on {collection.name}: share of the reachable gain, all budgets",
        ("estimator", "plans", "captured", "low", "high", "rank", "F1", "networks", "seconds"),
        [
            [
                method,
                "overlapping" if shared else "disjoint",
                *(None if value != value else float(value) for value in values),
                int(networks),
                float(took),
            ]
            for method, shared, *values, networks, took in pooled[
                [
                    *("method", "overlap", "captured", "low", "high", "rank_correlation", "f1"),
                    *("networks", "seconds"),
                ]
            ].to_numpy()
        ],
    )
    put_table(
        "Mean test loss of plans",
        ("models", "plans", "oracle", "random", "worst", "together", "separate"),
        [
            [int(models), "overlapping" if shared else "disjoint", *map(float, losses)]
            for models, shared, *losses in found.oracle[
                ["budget", "overlap", "oracle", "random", "worst", "together", "separate"]
            ].to_numpy()
        ],
    )
    put_line(f"{duration(found.seconds)}, {found.settings.get('networks')} networks of the truth.")
    for note in found.notes:
        put_line(f"Note: {note}")


def recommend(
    context: typer.Context,
    reference: Reference,
    rounds: Annotated[
        int, typer.Option(help="Rounds of training, each one more seed.", min=1, max=1000)
    ] = 5,
    minutes: Annotated[
        float | None, typer.Option(help="Begin no round after so long.", min=0.01)
    ] = None,
    budget_most: Annotated[
        int, typer.Option(help="Largest number of models looked at.", min=2, max=40)
    ] = 4,
    overlap: Annotated[bool, typer.Option(help="Let groups share tasks.")] = False,
    worth: Annotated[
        float, typer.Option(help="Gains below this share of the loss are not worth having.", min=0)
    ] = 0.005,
    stop: Annotated[bool, typer.Option("--stop", help="End as soon as it is told.")] = False,
    guess: Annotated[
        bool, typer.Option("--guess", help="Only the first guess, which trains nothing.")
    ] = False,
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
    """How many models, which groups, what that gains: two sentences, at once and then measured.

    Options of the networks follow as --width 16, --epochs 60, …
    """
    from taskviz.evidence import AskOptions
    from taskviz.verbs import first_guess
    from taskviz.verbs import recommend as measured
    from taskviz.verbs.answer import check_asked
    from taskviz.verbs.options import subset_options

    source = Source(reference, targets, tasks, kinds, leave_out, split_seed)
    training = subset_options(method_options(context, options))
    seconds = None if minutes is None else 60 * minutes
    given: dict[str, Any] = {
        "rounds": rounds,
        "seconds": seconds,
        "stop": stop,
        "most_models": budget_most,
        "overlap": overlap,
        "worth": worth,
        "seed": seed,
    }
    # Before anything is computed.
    check_asked(
        AskOptions(
            rounds=rounds,
            seconds=seconds,
            stop=stop,
            most_models=budget_most,
            overlap=overlap,
            worth=worth,
        )
    )
    if background:
        from taskviz.cli.jobs import put_started
        from taskviz.jobs import start_job

        spec = {"collection": source.to_json(), "options": training, **given}
        put_started(start_job("answer", spec, device=device), as_json)
        return
    with progress_bar() as progress:
        collection = source.open()
        first = first_guess(collection, seed=seed, device=device, progress=progress)
    if not as_json:
        for sentence in first.sentences:
            put_line(sentence)
    if guess:
        if as_json:
            put_json(first.to_json())
        return
    with progress_bar() as progress:
        found = measured(collection, progress=progress, device=device, **given, **training)
    if as_json:
        put_json({**found.to_json(), "guess": first.to_json()})
        return
    answer = found.answer
    if answer is not None:
        put_line(
            f"Measured with {answer.design_networks} networks that the groups were chosen by and "
            f"{answer.check_networks} others that they were checked by, "
            f"{duration(answer.seconds)}:"
        )
    for sentence in found.sentences:
        put_line(sentence)


def _budgets(text: str) -> list[int]:
    found = names(text)
    if not found or not all(word.isascii() and word.isdigit() and int(word) for word in found):
        raise TaskvizError(f"--budgets {text!r} is not understood: write numbers of models, 2,3,4.")
    return [int(word) for word in found]
