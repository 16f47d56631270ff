"""``taskviz app``: the dashboard."""

import ipaddress
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from taskviz.cli.parameters import AsJson
from taskviz.cli.terminal import put_json, put_line
from taskviz.values import TaskvizError


def register(program: typer.Typer) -> None:
    """Add the command."""
    program.command("app")(serve)


def serve(
    port: Annotated[int, typer.Option(help="TCP port.", min=1, max=65535)] = 8501,
    host: Annotated[
        str, typer.Option(help="Address to listen on; anything but localhost opens it to others.")
    ] = "localhost",
    as_json: AsJson = False,
) -> None:
    """Serve the dashboard; on this machine only, unless told otherwise."""
    script = Path(__file__).resolve().parent.parent.parent / "app.py"
    if not script.is_file():
        raise TaskvizError(
            f"The dashboard's {script.name} is not beside this installation of taskviz: run "
            "`make run` in a checkout."
        )
    if not is_local(host):
        typer.echo(
            f"WARNING: listening on {host}: everybody who can reach this machine on port {port} "
            "sees the data, and can start jobs and delete them.",
            err=True,
        )
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(script),
        f"--server.address={host}",
        f"--server.port={port}",
        "--server.headless=true",
        "--browser.gatherUsageStats=false",
    ]
    package = str(script.parent)
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
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


def is_local(host: str) -> bool:
    """True for an address that only this machine can reach."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
