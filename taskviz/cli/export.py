"""``taskviz export``."""

from pathlib import Path
from typing import Annotated

import typer

from taskviz.cli.parameters import AsJson
from taskviz.cli.runs import Contender, Run, open_run
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
    written = _write(open_run(run, contender), out, format)
    if as_json:
        put_json({"format": format, "written": written})
        return
    for each in written:
        put_line(each)


def _write(result: TrainingResult, out: str, kind: str) -> list[str]:
    from taskviz.report.model_card import model_card
    from taskviz.training.export import export_networks
    from taskviz.training.tracking import log_mlflow, write_tensorboard
    from taskviz.values.storage import write_text

    if kind == "mlflow":
        return log_mlflow(result, out)
    if kind == "tensorboard":
        return [str(path) for path in write_tensorboard(result, out)]
    try:
        if kind == "card":
            card = model_card(result, collection=_collection_of(result))
            return [str(write_text(Path(out) / "MODEL_CARD.md", card))]
        if kind == "safetensors":
            return [str(result.save(out))]
    except OSError as error:
        raise TaskvizError(
            f"Cannot write to {out} ({error.strerror or error}): give a folder that can be written."
        ) from None
    return [str(path) for path in export_networks(result, out, kind)]


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
