"""The process that does one job: ``python -m taskviz.jobs.worker JOB``.

It takes the lease of its device or waits for it, beats, reports, listens for a cancel, and says in
one sentence how it ended. Libraries that are slow to load come after the lease, so that a queue of
workers costs little.
"""

import faulthandler
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import Any

from taskviz.access import Actor, set_source
from taskviz.care.limit import keep_within_limit
from taskviz.jobs.attempts import LostJob
from taskviz.jobs.in_use import in_use
from taskviz.jobs.job import SETTINGS, Job
from taskviz.jobs.process import Identity
from taskviz.jobs.reporter import JobProgress
from taskviz.jobs.store import JobStore
from taskviz.jobs.webhook import announce
from taskviz.logs import log_to
from taskviz.values import Cancelled, SettingsError, TaskvizError

QUEUE_SECONDS = 0.3
NICENESS = 10
log = logging.getLogger("taskviz.worker")


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one job to its end; the exit status is 0 only where it is done."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if len(given) != 1:
        sys.stderr.write("One argument is needed: the id of a queued job.\n")
        return 2
    faulthandler.enable()
    logging.basicConfig(
        level=logging.INFO,
        stream=sys.stderr,
        format=f"%(asctime)s %(levelname)s job={given[0]} %(message)s",
    )
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    if hasattr(os, "nice"):
        # Pages that people wait for come before work that takes minutes anyway.
        os.nice(NICENESS)
    store = JobStore()
    try:
        job = store.attach(given[0], Identity.of(os.getpid()))
    except TaskvizError as error:
        log.error("%s", error)
        return 2
    log_to(store.root, job=job.id)
    # What it stores counts as its owner's; what it may do was checked when it was started.
    set_source(lambda: Actor(name=job.owner))
    log.info("attempt %d of %s %r, process %d", job.attempt, job.kind, job.title, os.getpid())
    status = _work(store, job)
    _announce(store, job)
    return status


def _work(store: JobStore, job: Job) -> int:
    progress = JobProgress(store, job.id, job.attempt)
    progress.start()
    try:
        try:
            result = _run(store, job, progress)
        finally:
            # From here on a signal must not cut short what is said about the end.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            progress.stop()
        progress.flush()
        store.finish(job.id, job.attempt, "done", result=result)
        log.info("done")
        _tidy(store)
        return 0
    except LostJob:
        log.warning("given up: another attempt has this job, or it was deleted")
    except Cancelled:
        _ended_early(store, job, progress)
    except BaseException as error:
        sentence, details = _explain(error)
        log.error("%s\n%s", sentence, details)
        result = {"cause": SETTINGS} if isinstance(error, SettingsError) else {}
        _finish_failed(store, job, progress, sentence, details, result)
    return 1


def _announce(store: JobStore, job: Job) -> None:
    """Tell who asked to be told; nothing that goes wrong here changes how the job ended."""
    try:
        now = store.get(job.id)
        if now.attempt == job.attempt:
            announce(store.cache, now)
    except Exception as error:
        log.warning("the end was not announced: %s", type(error).__name__)


def _run(store: JobStore, job: Job, progress: JobProgress) -> dict[str, Any]:
    while not store.take_lease(job):
        progress.begin(f"Waiting for {job.device}", 1)
        time.sleep(QUEUE_SECONDS)
        progress.cancelled |= store.cancel_wanted(job.id)
        progress.check()
    progress.begin("Loading", 1)
    log.info("device %s is ours", job.device)
    store.cache.sweep()
    # After the lease: loads torch.
    from taskviz.engines import make_engine, use_engine
    from taskviz.jobs.kinds import parse_spec

    spec = parse_spec(job.kind, job.spec)
    with use_engine(make_engine(spec.engine)):
        return spec.run(job.device, progress, store.cache)


def _tidy(store: JobStore) -> None:
    """Room for the next job; what goes wrong with it fails no job that is done."""
    try:
        removed = keep_within_limit(store.cache, *in_use(store))
        if removed:
            log.info("%d bytes of what was least recently used are removed", removed)
    except (TaskvizError, OSError) as error:
        log.warning("the cache was not tidied: %s", error)


def _stop(number: int, frame: FrameType | None) -> None:
    log.info("signal %d", number)
    raise Cancelled


def _ended_early(store: JobStore, job: Job, progress: JobProgress) -> None:
    try:
        progress.flush()
        if progress.cancelled:
            store.finish(job.id, job.attempt, "cancelled")
        else:
            store.finish(
                job.id,
                job.attempt,
                "interrupted",
                error="The worker was told to stop by the system: resume the job to go on from "
                "what is finished.",
            )
        log.info("stopped by the user" if progress.cancelled else "interrupted")
    except (TaskvizError, LostJob) as error:
        log.error("the end could not be noted: %s", error)


def _finish_failed(
    store: JobStore,
    job: Job,
    progress: JobProgress,
    sentence: str,
    details: str,
    result: dict[str, str],
) -> None:
    try:
        progress.flush()
        store.finish(job.id, job.attempt, "failed", result=result, error=sentence, details=details)
    except (TaskvizError, LostJob) as error:
        log.error("the end could not be noted: %s", error)


def _explain(error: BaseException) -> tuple[str, str]:
    """One sentence, and the traceback where the sentence cannot say all."""
    if isinstance(error, TaskvizError):
        return str(error), ""
    details = "".join(traceback.format_exception(error))
    if _out_of_memory(error):
        return (
            "The computation needs more memory than there is: use fewer samples, a smaller network "
            "or a smaller memory budget, or a machine with more.",
            details,
        )
    name = type(error).__name__
    return (
        f"The computation ended with an unexpected error ({name}: {str(error)[:200]}); what was "
        "finished is kept, and the details say where it happened.",
        details,
    )


def _out_of_memory(error: BaseException) -> bool:
    try:
        # Loads torch: late, and not where that was what memory did not suffice for.
        from taskviz.engines.memory import out_of_memory
    except (MemoryError, ImportError):
        return isinstance(error, MemoryError)
    return out_of_memory(error)


if __name__ == "__main__":
    sys.exit(main())
