"""``taskviz predict``."""

from pathlib import Path
from typing import Annotated

import typer

from taskviz.cli.parameters import AsJson
from taskviz.cli.runs import Contender, Run, open_run
from taskviz.cli.terminal import one_line, put_json, put_line
from taskviz.values import TaskvizError


def register(program: typer.Typer) -> None:
    """Add the command."""
    program.command("predict")(predict)


def predict(
    run: Run,
    data: Annotated[Path, typer.Argument(help="A table (.csv, .tsv, .parquet) of new rows.")],
    contender: Contender = "",
    out: Annotated[Path | None, typer.Option(help="Write the CSV here, not to stdout.")] = None,
    as_json: AsJson = False,
) -> None:
    """Predict every task for the rows of a table; its columns are matched by name."""
    from taskviz.data import read_table
    from taskviz.training.predict_table import predict_table

    result = open_run(run, contender)
    found = predict_table(result, read_table(data))
    for note in found.notes:
        typer.echo(one_line(note), err=True)
    if out is not None:
        try:
            found.save(out)
        except OSError as error:
            raise TaskvizError(
                f"Cannot write {out} ({error.strerror or error}): give a path that can be written."
            ) from None
    if as_json:
        put_json(found.to_json())
    elif out is None:
        typer.echo(found.to_csv(), nl=False)
    else:
        put_line(f"{len(found.rows):,} rows of {len(found.tasks)} tasks predicted into {out}.")
