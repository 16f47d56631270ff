"""``taskviz export``."""

from pathlib import Path
from typing import Annotated

import typer

from taskviz.cli.parameters import AsJson
from taskviz.cli.runs import Contender, Run, beside, open_run
from taskviz.cli.terminal import put_json, put_line
from taskviz.values import TaskCollection, TaskvizError, TrainingResult, unknown_choice

KINDS = ("onnx", "pt2", "safetensors", "card", "tensorboard", "mlflow")


def register(program: typer.Typer) -> None:
    """Add the command."""
    program.command("export")(export)


def export(
    run: Run,
    out: Annotated[
        str, typer.Option(help="Folder to write into; of mlflow a folder or a server's address.")
    ],
    format: Annotated[  # noqa: A002
        str,
        typer.Option(
            help="onnx or pt2 (torch.export): a network a file; safetensors: all that load_result "
            "reads; card: a model card; tensorboard, mlflow: curves and metrics."
        ),
    ] = "onnx",
    contender: Contender = "",
    as_json: AsJson = False,
) -> None:
    """Write a trained result for use elsewhere."""
    if format not in KINDS:
        raise unknown_choice("export format", format, KINDS)
    result = open_run(run, contender)
    written = (
        _card(result, run, contender, out) if format == "card" else _write(result, out, format)
    )
    if as_json:
        put_json({"format": format, "written": written})
        return
    if format == "mlflow":
        from taskviz.training.tracking import EXPERIMENT

        runs = f"{len(written)} MLflow run{'' if len(written) == 1 else 's'}"
        put_line(f"{runs} of experiment {EXPERIMENT!r} written to {out}: {', '.join(written)}.")
        return
    for each in written:
        put_line(each)


def _write(result: TrainingResult, out: str, kind: str) -> list[str]:
    from taskviz.training.export import export_networks
    from taskviz.training.tracking import log_mlflow, write_tensorboard

    if kind == "mlflow":
        return log_mlflow(result, out)
    if kind == "tensorboard":
        return [str(path) for path in write_tensorboard(result, out)]
    try:
        if kind == "safetensors":
            return [str(result.save(out))]
    except OSError as error:
        raise _cannot_write(out, error) from None
    return [str(path) for path in export_networks(result, out, kind)]


def _card(result: TrainingResult, run: str, contender: str, out: str) -> list[str]:
    from taskviz.report.model_card import model_card
    from taskviz.values.storage import write_text

    results, affinity = beside(run)
    if results is not None:
        # The one that the card is of comes first; a matrix made the groups of the first alone.
        own = contender or next(iter(results))
        affinity = affinity if own == next(iter(results)) else None
        results = {own: result, **results}
    card = model_card(result, collection=_collection_of(result), results=results, affinity=affinity)
    try:
        return [str(write_text(Path(out) / "MODEL_CARD.md", card))]
    except OSError as error:
        raise _cannot_write(out, error) from None


def _cannot_write(out: str, error: OSError) -> TaskvizError:
    return TaskvizError(
        f"Cannot write to {out} ({error.strerror or error}): give a folder that can be written."
    )


def _collection_of(result: TrainingResult) -> TaskCollection | None:
    """What the result was trained on, where it is still there and the same."""
    from taskviz.data import CollectionRef, open_collection

    origin = dict(result.settings.get("origin") or {})
    tasks = [str(task["name"]) for task in result.settings.get("tasks", ())]
    try:
        ref = CollectionRef(
            reference=str(origin.get("reference", "")),
            targets=tuple(origin.get("targets", ())),
            kinds=dict(origin.get("kinds", ())),
            tasks=tuple(tasks),
            split_seed=int(origin.get("split_seed", 0)),
            leave_out=origin.get("leave_out"),
        )
        found = open_collection(ref)
    except TaskvizError:
        return None
    return found if found.fingerprint == result.fingerprint else None
