"""The app as a process of its own, started by its own command."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class App:
    """A running app: where it answers, where it keeps its cache, its process."""

    url: str
    cache: Path
    process: subprocess.Popen[bytes]


def free_port() -> int:
    """A port that nobody uses now."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_app(
    cache: Path,
    port: int | None = None,
    arguments: Sequence[str] = (),
    folder: Path = ROOT,
    python: str = sys.executable,
) -> App:
    """Start the app by its own command, of the taskviz that an interpreter sees, in a folder, and
    wait until it answers."""
    port = port or free_port()
    log = cache.parent / f"{cache.name}-app.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [python, "-m", "taskviz", "app", "--port", str(port), *arguments],
            cwd=folder,
            env=os.environ | {"TASKVIZ_CACHE": str(cache)},
            stdout=out,
            stderr=out,
        )
    url = f"http://localhost:{port}"
    for _ in range(1200):
        if process.poll() is not None:
            raise RuntimeError(f"The app ended at once:\n{log.read_text()[-3000:]}")
        with contextlib.suppress(OSError):
            if urllib.request.urlopen(f"{url}/_stcore/health", timeout=2).status == 200:
                return App(url, cache, process)
        time.sleep(0.05)
    process.kill()
    raise RuntimeError(f"The app did not answer within a minute:\n{log.read_text()[-3000:]}")


def stop_app(app: App) -> None:
    """Stop the app as Ctrl-C would, then for sure."""
    app.process.terminate()
    try:
        app.process.wait(10)
    except subprocess.TimeoutExpired:
        app.process.kill()
        app.process.wait(10)
