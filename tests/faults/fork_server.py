"""Real worker processes without the seconds that each spends on imports.

A server process loads all of taskviz once and forks itself for every worker. The fork is a process
of its own, in a session of its own, and runs the worker's own ``main`` (or the command line's);
it gets the real SIGKILL. It also notes what it does, so that a test can count what was computed
twice, and can be told to die at one of those moments:

- ``begin``: nothing was done yet;
- ``put KIND KEY``, ``written …``, ``stored …``: an artefact is computed; is written beside its
  place; is in its place;
- ``step``: an optimizer step of a group's network (counted, not noted);
- ``epoch N STEPS GROUP``: an epoch has ended; ``keeping N GROUP``, ``kept N GROUP``: its checkpoint
  is about to be written; is there;
- ``file NAME``, ``replace NAME``: a file is about to be written whole; lies beside its place.
"""

import importlib
import json
import os
import pkgutil
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("values", "data", "networks", "training", "affinity", "grouping", "evidence", "figures",
         "report", "verbs", "jobs", "cli")  # fmt: skip
Moment = tuple[str, int, float]
"""Death: so many seconds after the n-th note of a process that begins like this. 0: right there."""


class ForkServer:
    """Starts workers as :func:`taskviz.jobs.launcher._spawn` does, but by a fork.

    Args:
        notes: file to which each worker appends what it computed.
    """

    def __init__(self, notes: Path) -> None:
        self.notes = notes
        notes.touch()
        self.last = 0
        """The process that was started last."""
        self.moments: Sequence[Moment] = ()
        """When the next one dies: at the first of these."""
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
            what: ``worker`` or ``command``. A command's stopwatch stands still, so that what it
                writes is the same each time; a worker writes checkpoints after each epoch, as one
                with long epochs does.
            memory: bytes that it may use beyond those it begins with; 0 sets no limit.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        request = {
            "what": what, "arguments": arguments, "root": str(root), "log": str(log),
            "notes": str(self.notes), "memory": memory, "moments": list(self.moments),
        }  # fmt: skip
        self.moments = ()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        self.last = int(self._process.stdout.readline())
        return self.last

    def noted(self) -> list[str]:
        """All notes, in order."""
        return self.notes.read_text().splitlines()

    def computed(self) -> list[str]:
        """``kind key`` of everything that was computed, in order."""
        return [note[4:] for note in self.noted() if note.startswith("put ")]

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
    for late in ("torch_geometric.nn", "plotly.graph_objects", "plotly.io", "sklearn.mixture"):
        importlib.import_module(late)
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
        note = _Notes(request["notes"], request["moments"])
        _note_what_is_done(note)
        # Not behind all else that a busy machine does: the test waits.
        os.nice = lambda by: 0
        if request["what"] == "command":
            time.perf_counter = lambda: 0.0
        if request["memory"]:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            limit = pages * os.sysconf("SC_PAGE_SIZE") + request["memory"]
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        if request["what"] == "worker":
            from taskviz.jobs.worker import main
        else:
            from taskviz.cli.program import main
        note("begin")
        status = main(request["arguments"])
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


class _Notes:
    """Writes notes, and is the end of the process at one of the moments it was given."""

    def __init__(self, file: str, moments: list[list[Any]]) -> None:
        self._file = os.open(file, os.O_WRONLY | os.O_APPEND)
        self._moments, self.steps = moments, 0

    def __call__(self, note: str) -> None:
        os.write(self._file, f"{note}\n".encode())
        self.reach(note)

    def reach(self, note: str) -> None:
        """A moment that is not worth a note."""
        for moment in self._moments:
            if note.startswith(moment[0]):
                moment[1] -= 1
                if moment[1] == 0 and moment[2]:
                    timer = threading.Timer(moment[2], _die)
                    timer.daemon = True
                    timer.start()
                elif moment[1] == 0:
                    _die()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _note_what_is_done(note: _Notes) -> None:
    from taskviz.cache import Cache
    from taskviz.jobs import JobStore
    from taskviz.report import write as report
    from taskviz.training.checkpoint import Checkpoints
    from taskviz.training.group import group_name
    from taskviz.training.run import GroupRun
    from taskviz.training.trainer import GroupTrainer

    put, replace, write_bytes = Cache.put, Path.replace, report.write_bytes
    finish = JobStore.finish
    advance, optimize, save = GroupRun.advance, GroupTrainer._optimize, Checkpoints.save

    def noted_put(self: Cache, kind: str, key: str, write: Any, parts: Any) -> Path:
        def noted_write(folder: Path) -> None:
            write(folder)
            note(f"written {kind} {key}")

        note(f"put {kind} {key}")
        folder = put(self, kind, key, noted_write, parts)
        note(f"stored {kind} {key}")
        return folder

    def noted_replace(self: Path, target: Any) -> Path:
        # Its own name first: that of a report that becomes one begins with a dot.
        note(f"replace {self.name} {Path(target).name}")
        found = replace(self, target)
        note(f"replaced {self.name} {Path(target).name}")
        return found

    def noted_file(path: Any, data: bytes) -> Path:
        note(f"file {Path(path).name}")
        return write_bytes(path, data)

    def noted_step(self: GroupTrainer) -> None:
        optimize(self)
        note.steps += 1
        note.reach("step")

    def noted_epoch(self: GroupRun, *rest: Any) -> None:
        advance(self, *rest)
        note(f"epoch {self.epoch} {note.steps} {group_name(self.names)}")

    def noted_save(self: Checkpoints, epoch: int, state: Any, what: str) -> None:
        note(f"keeping {epoch} {what.removeprefix('the group ')}")
        save(self, epoch, state, what)
        note(f"kept {epoch} {what.removeprefix('the group ')}")

    def noted_finish(self: JobStore, *rest: Any, **named: Any) -> Any:
        note("finish")
        return finish(self, *rest, **named)

    JobStore.finish = noted_finish  # type: ignore[method-assign]
    Cache.put = noted_put  # type: ignore[method-assign]
    Path.replace = noted_replace  # type: ignore[method-assign]
    report.write_bytes = noted_file
    GroupRun.advance = noted_epoch  # type: ignore[method-assign]
    GroupTrainer._optimize = noted_step  # type: ignore[method-assign]
    Checkpoints.save = noted_save  # type: ignore[method-assign]
    Checkpoints.due = lambda self: True  # type: ignore[method-assign]


if __name__ == "__main__":
    _serve()
