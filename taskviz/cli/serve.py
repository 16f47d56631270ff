"""``taskviz app``: the dashboard."""

import ipaddress
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from taskviz.access import ENVIRONMENT, Policy, is_local, own_names, read_policy
from taskviz.access.hosts import LOCAL_NAMES
from taskviz.cli.parameters import AsJson
from taskviz.cli.terminal import put_json, put_line
from taskviz.values import TaskvizError

PACKAGE = Path(__file__).resolve().parent.parent


def register(program: typer.Typer) -> None:
    """Add the command."""
    program.command("app")(serve)


def serve(
    port: Annotated[int, typer.Option(help="TCP port.", min=1, max=65535)] = 8501,
    host: Annotated[
        str, typer.Option(help="Address to listen on; anything but localhost opens it to others.")
    ] = "localhost",
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="A name under which others reach the app; *.example.org; repeatable."),
    ] = None,
    access: Annotated[
        Path | None, typer.Option(help="The access file: docs/shared_server.md.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Serve the dashboard; on this machine only, unless told otherwise."""
    script = dashboard_script()
    environment = os.environ.copy()
    if access is not None:
        environment[ENVIRONMENT] = str(access.resolve())
    rules = _rules(environment)
    names = [*LOCAL_NAMES, *(allow_host or ()), *rules.hosts]
    if not is_local(host):
        names += [host, *own_names()] if _is_one(host) else own_names()
        _warn(f"listening on {host}: everybody who can reach this machine on port {port}", rules)
    elif len(names) > len(LOCAL_NAMES):
        _warn(f"answering as {', '.join(names[len(LOCAL_NAMES) :])}: everybody behind it", rules)
    for name in names:
        if not name or name.strip("*.") == "" or not name.isprintable() or " " in name:
            raise TaskvizError(
                f"{name!r} is no host name: name each one, or *. and a domain of your own."
            )
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(script),
        f"--server.address={host}",
        f"--server.port={port}",
        *(f"--server.allowedHosts={name}" for name in dict.fromkeys(names)),
        "--server.headless=true",
        "--browser.gatherUsageStats=false",
    ]
    paths = [str(PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    if as_json:
        put_json({"url": f"http://{host}:{port}", "host": host, "port": port})
        sys.stdout.flush()
        # What the server says from here on is no JSON.
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    else:
        put_line(f"Open http://{host}:{port} in a browser; Ctrl-C stops the app, not its jobs.")
        sys.stdout.flush()
    if hasattr(os, "execve"):
        # This process becomes the server, so that signals reach it and nothing is left behind.
        os.execve(sys.executable, command, environment)
    raise typer.Exit(subprocess.run(command, env=environment, check=False).returncode)


def dashboard_script() -> Path:
    """``server.py``: within the package where a wheel brought it, else at the top of a checkout.

    Raises:
        TaskvizError: it is in neither place.
    """
    for folder in (PACKAGE / "dashboard", PACKAGE.parent):
        if (folder / "server.py").is_file() and (folder / "app_pages").is_dir():
            return folder / "server.py"
    raise TaskvizError(
        f"The dashboard's server.py and app_pages/ lie neither in {PACKAGE / 'dashboard'} nor in "
        f"{PACKAGE.parent}: install taskviz again (`pip install .` in a checkout)."
    )


def _rules(environment: Mapping[str, str]) -> Policy:
    """The access file, checked before anything listens."""
    given = environment.get(ENVIRONMENT)
    return read_policy(Path(given)) if given else Policy()


def _warn(what: str, rules: Policy) -> None:
    """A loud line on stderr."""
    if rules.login:
        typer.echo(
            f"WARNING: {what} can ask to log in; the access file says who gets in.", err=True
        )
    else:
        typer.echo(
            f"WARNING: {what} sees the data, and can start jobs and delete them "
            "(docs/shared_server.md says how to ask for a log-in).",
            err=True,
        )


def _is_one(host: str) -> bool:
    """False for an address that means all of this machine's."""
    try:
        return not ipaddress.ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        return True
