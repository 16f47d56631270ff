"""Start, cancel, resume and delete jobs; each returns at once, so a page may call it."""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from taskviz.access import actor
from taskviz.care.used import check_space
from taskviz.engines.spinning import short_waits
from taskviz.jobs.job import Job
from taskviz.jobs.process import Identity
from taskviz.jobs.store import JobStore
from taskviz.values import TaskvizError

log = logging.getLogger("taskviz.jobs")
_children: list["subprocess.Popen[bytes]"] = []
_children_lock = threading.Lock()
"""Started here and to be waited for once they end, or they would stay in the process table."""


def start_job(
    kind: str,
    spec: Mapping[str, Any],
    title: str = "",
    device: str = "auto",
    store: JobStore | None = None,
) -> Job:
    """Check a spec, write the job to the store and start its worker.

    Args:
        kind: one of :data:`taskviz.jobs.kinds.KINDS`.
        spec: plain data; see :mod:`taskviz.jobs.kinds`.
        title: one line for people; made from the spec where empty.
        device: ``auto`` takes the one that the spec names.

    Raises:
        TaskvizError: what is wrong with the spec, a device that is not there, a store that
            cannot be written, or somebody who may not start jobs or has used up their quota.
    """
    from taskviz.engines import pick_device
    from taskviz.jobs.kinds import parse_spec

    who = actor()
    who.must_edit("start jobs")
    store = store or JobStore()
    checked = parse_spec(kind, spec)
    check_space(store.cache, who)
    picked = pick_device(checked.device if device == "auto" else device)
    # One lease a device: "cuda" is its first.
    name = "cuda:0" if str(picked) == "cuda" else str(picked)
    job = store.add(
        kind,
        {**checked.to_json(), "device": name},
        title or checked.title,
        name,
        owner=who.name,
        most=who.most_jobs,
    )
    _log("started", job)
    return _launch(store, job)


def cancel_job(job: str, store: JobStore | None = None) -> Job:
    """End a job: a flag, after a while SIGTERM, then SIGKILL to its process group.

    Returns at once; a small process of its own sees to the signals. What was finished stays in the
    cache. A job that ended already stays as it is, but for a paused one.

    Raises:
        TaskvizError: there is no such job.
    """
    return _stop(job, store or JobStore(), pause=False)


def pause_job(job: str, store: JobStore | None = None) -> Job:
    """Set a job aside: its device is free for others, it keeps its place in the queue.

    A training stops between two epochs and goes on with the next one when it is resumed; other
    work goes on from the last unit that was finished. Returns at once, as :func:`cancel_job`.

    Raises:
        TaskvizError: there is no such job.
    """
    return _stop(job, store or JobStore(), pause=True)


def _stop(job: str, store: JobStore, *, pause: bool) -> Job:
    what = "pause" if pause else "stop"
    actor().must_own(store.get(job).owner, f"{what} this job")
    found = store.request_cancel(job, pause=pause)
    _log(f"asked to {what}", found)
    if found.live:
        # Where no process can be started, the flag has to do.
        with suppress(OSError):
            _spawn(store, "taskviz.jobs.stopper", [job, str(found.attempt)], store.log_path(job))
    elif found.state in ("cancelled", "paused"):
        _end_leftover(store, job)
    return found


def resume_job(job: str, store: JobStore | None = None) -> Job:
    """Start a worker again for a job that was paused, interrupted, cancelled or failed.

    What it had finished comes from the cache.

    Raises:
        TaskvizError: there is no such job, it is done, or it is still at work.
    """
    store = store or JobStore()
    who = actor()
    who.must_own(store.get(job).owner, "resume this job")
    check_space(store.cache, who)
    _end_leftover(store, job)
    queued = store.requeue(job, who.most_jobs)
    _log("resumed", queued)
    return _launch(store, queued)


def extend_job(job: str, epochs: int, store: JobStore | None = None) -> Job:
    """Start a new job that adds epochs to a finished training.

    Every network goes on from its last state (not its best), without early stopping; the kept state
    is still the best on validation, and all contenders get the same number more.

    Args:
        epochs: more than the job had.

    Raises:
        TaskvizError: there is no such job, it is no finished training, or no whole number from 1
            on was given.
    """
    store = store or JobStore()
    found = store.get(job)
    if found.kind != "training" or found.state != "done":
        raise TaskvizError(
            f"Job {job} is {found.state} and of the kind {found.kind!r}: epochs can be added to a "
            "training that is done."
        )
    if isinstance(epochs, bool) or not isinstance(epochs, int) or epochs < 1:
        raise TaskvizError(f"Cannot add {epochs!r} epochs: a whole number from 1 on is needed.")
    options = dict(found.spec["options"])
    options["more_epochs"] = int(options.get("more_epochs", 0)) + epochs
    title = f"{found.title.partition(' (+')[0]} (+{options['more_epochs']} epochs)"
    return start_job("training", {**found.spec, "options": options}, title, store=store)


def delete_job(job: str, store: JobStore | None = None) -> None:
    """Forget a job; what it computed stays in the cache.

    Raises:
        TaskvizError: there is no such job, or it is still at work.
    """
    store = store or JobStore()
    found = store.get(job)
    actor().must_own(found.owner, "delete this job")
    _end_leftover(store, job)
    store.delete(job)
    _log("deleted", found)


def _log(what: str, job: Job) -> None:
    log.info("%s: %s", what, job.title, extra={"job": job.id, "by": actor().name})


def _end_leftover(store: JobStore, job: str) -> None:
    """A worker that hangs, or was stopped by a signal, must not wake up later."""
    process = store.leftover(job)
    if process is not None:
        process.kill(job)


def _launch(store: JobStore, job: Job) -> Job:
    try:
        pid = _spawn(store, "taskviz.jobs.worker", [job.id], store.log_path(job.id))
    except OSError as error:
        store.finish(
            job.id,
            job.attempt,
            "failed",
            error=f"No worker process could be started ({error.strerror or error}): free some "
            "memory or disk space and try again.",
        )
    else:
        store.set_process(job.id, job.attempt, Identity.of(pid))
    return store.get(job.id)


def _spawn(store: JobStore, module: str, arguments: list[str], log: Path) -> int:
    """Start a Python module in a session of its own, which no closing terminal or page ends."""
    with _children_lock:
        _children[:] = [child for child in _children if child.poll() is None]
    package = Path(__file__).resolve().parent.parent.parent
    paths = [str(package), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        **os.environ,
        **short_waits(os.environ),
        "TASKVIZ_CACHE": str(store.root),
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
    }
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        # -P: what lies in the current folder is not imported.
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=store.root,
            env=environment,
            close_fds=True,
            start_new_session=True,
        )
    with _children_lock:
        _children.append(child)
    return child.pid
