"""The command ``taskviz``: its commands, and how an error ends it."""

import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import Annotated, Any

import typer

from taskviz import __version__
from taskviz.cli import (
    affinity,
    cache,
    collections,
    evidence,
    export,
    group,
    jobs,
    linearisation,
    predict,
    report,
    serve,
    stability,
    train,
)
from taskviz.cli.terminal import one_line
from taskviz.engines.spinning import short_waits
from taskviz.values import Cancelled, TaskvizError

program = typer.Typer(
    name="taskviz",
    help="Which tasks should be trained together, given that I can afford b models?",
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)


def _put_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@program.callback()
def _program(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_put_version),
    ] = False,
) -> None:
    pass


collections.register(program)
affinity.register(program)
group.register(program)
stability.register(program)
train.register(program)
linearisation.register(program)
evidence.register(program)
predict.register(program)
export.register(program)
report.register(program)
jobs.register(program)
cache.register(program)
serve.register(program)


class Interrupted(BaseException):
    """Ctrl-C.

    Not KeyboardInterrupt: where that passes through code that a library runs from C, the
    interpreter ends by the signal itself whatever is made of it here, and the status is lost.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status.

    0: done. 1: ``check`` found errors, or an error that should not happen. 2: what the user gave
    cannot be used; one sentence says why. 130: cancelled.
    """
    os.environ.update(short_waits(os.environ))
    given = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in given
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    before = _on_interrupt(_interrupt)
    try:
        status = typer.main.get_command(program).main(
            given, prog_name="taskviz", standalone_mode=False
        )
        sys.stdout.flush()
    except (Interrupted, KeyboardInterrupt, Cancelled, typer.Abort):
        status = 130
    except BrokenPipeError:
        # The reader of a pipe went away; nothing is left to be told.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
        return 0
    except (TaskvizError, typer.exceptions.TyperException) as error:
        text = error.format_message() if isinstance(error, typer.TyperException) else str(error)
        return _fail(text, 2, as_json)
    except Exception as error:
        if os.environ.get("TASKVIZ_DEBUG"):
            raise
        return _fail(
            f"An unexpected error ended this ({type(error).__name__}: {str(error)[:300]}): set "
            "TASKVIZ_DEBUG=1 and run it again to see where.",
            1,
            as_json,
        )
    finally:
        if before is not None:
            _on_interrupt(before)
    if status == 130:
        return _fail("Cancelled", 130, as_json)
    return status if isinstance(status, int) else 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Interrupted


def _on_interrupt(handler: Any) -> Any:
    """Set what Ctrl-C does; returns what it did, None where that cannot be set from here."""
    if threading.current_thread() is not threading.main_thread():
        return None
    return signal.signal(signal.SIGINT, handler)


def _fail(text: str, status: int, as_json: bool) -> int:
    text = one_line(text)
    if as_json:
        typer.echo(json.dumps({"error": text}))
    typer.echo(text, err=True)
    return status
