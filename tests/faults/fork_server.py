"""Real worker processes without the seconds that each spends on imports.

A server process loads all of taskviz once and forks itself for every worker. The fork is a process
of its own, in a session of its own, and runs the worker's own ``main`` (or the command line's);
it gets the real SIGKILL. It also notes every artefact that it has computed and is about to store,
so that a test can count what was computed twice.
"""

import importlib
import json
import os
import pkgutil
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("values", "data", "networks", "training", "affinity", "grouping", "evidence", "figures",
         "report", "verbs", "jobs", "cli")  # fmt: skip


class ForkServer:
    """Starts workers as :func:`taskviz.jobs.launcher._spawn` does, but by a fork.

    Args:
        notes: file to which each worker appends what it computed.
    """

    def __init__(self, notes: Path) -> None:
        self.notes = notes
        notes.touch()
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def spawn(self, store: Any, module: str, arguments: list[str], log: Path) -> int:
        """A worker of a job; takes the place of the launcher's own way to start one."""
        assert module == "taskviz.jobs.worker"
        return self.run("worker", arguments, store.root, log)

    def run(self, what: str, arguments: list[str], root: Path, log: Path, memory: int = 0) -> int:
        """A process that works on the cache at ``root``; its number.

        Args:
            what: ``worker`` or ``command``.
            memory: bytes that it may use beyond those it begins with; 0 sets no limit.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        request = {
            "what": what, "arguments": arguments, "root": str(root), "log": str(log),
            "notes": str(self.notes), "memory": memory,
        }  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def computed(self) -> list[str]:
        """``kind key`` of everything that was computed, in order."""
        return self.notes.read_text().splitlines()

    def close(self) -> None:
        """End the server; its workers go on."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)


def finished(cache: Any) -> set[str]:
    """``kind key`` of every artefact, each of which must be whole."""
    found = set()
    for manifest in cache.root.glob("*/*/*/manifest.json"):
        found.add((manifest.parents[2].name, manifest.parent.name))
    for manifest in cache.root.glob("subset/*/*/*/manifest.json"):
        found.add((f"subset/{manifest.parents[2].name}", manifest.parent.name))
    for kind, key in found:
        assert cache.find(kind, key) is not None, "half-written, and yet in its place"
    return {f"{kind} {key}" for kind, key in found}


def units(found: Any) -> set[str]:
    """Those that are networks."""
    return {name for name in found if name.startswith(("subset/", "network "))}


def dead(process: int) -> bool:
    """True once the system has no such process that lives."""
    try:
        return psutil.Process(process).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _serve() -> None:
    import torch

    torch.set_num_threads(1)
    import taskviz

    for room in ROOMS:
        package = importlib.import_module(f"taskviz.{room}")
        for found in pkgutil.walk_packages(getattr(package, "__path__", []), f"taskviz.{room}."):
            if not found.name.endswith("__main__"):
                importlib.import_module(found.name)
    assert taskviz.__file__
    # What ends is not waited for: the system clears it away.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    _say("ready")
    for line in sys.stdin:
        number = os.fork()
        if number == 0:
            _become(json.loads(line))
        _say(str(number))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _become(request: dict[str, Any]) -> None:
    status = 70
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        log = os.open(request["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for new, old in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(new, old)
        Path(request["root"]).mkdir(parents=True, exist_ok=True)
        os.environ["TASKVIZ_CACHE"] = request["root"]
        os.chdir(request["root"])
        _note_what_is_computed(request["notes"])
        if request["memory"]:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            limit = pages * os.sysconf("SC_PAGE_SIZE") + request["memory"]
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        if request["what"] == "worker":
            from taskviz.jobs.worker import main
        else:
            from taskviz.cli.program import main
        status = main(request["arguments"])
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _note_what_is_computed(notes: str) -> None:
    from taskviz.cache import Cache

    put, file = Cache.put, os.open(notes, os.O_WRONLY | os.O_APPEND)

    def noted(self: Cache, kind: str, key: str, *rest: Any, **named: Any) -> Path:
        os.write(file, f"{kind} {key}\n".encode())
        return put(self, kind, key, *rest, **named)

    Cache.put = noted  # type: ignore[method-assign]


if __name__ == "__main__":
    _serve()
