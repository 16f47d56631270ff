"""``taskviz jobs``: what runs and ran in the background."""

import time
from typing import Annotated

import typer

from taskviz.cli.parameters import AsJson, JobId
from taskviz.cli.terminal import duration, put_json, put_line, put_table
from taskviz.jobs import Job, JobStore, cancel_job, delete_job, pause_job, resume_job


def register(program: typer.Typer) -> None:
    """Add the commands."""
    jobs = typer.Typer(
        help="Jobs in the background: list, show, pause, cancel, resume, delete.",
        invoke_without_command=True,
        rich_markup_mode=None,
    )
    jobs.callback()(_list_by_default)
    jobs.command("list")(list_jobs)
    jobs.command("show")(show)
    jobs.command("pause")(pause)
    jobs.command("cancel")(cancel)
    jobs.command("resume")(resume)
    jobs.command("delete")(delete)
    program.add_typer(jobs, name="jobs")


def _list_by_default(context: typer.Context, as_json: AsJson = False) -> None:
    if context.invoked_subcommand is None:
        list_jobs(as_json=as_json)


def list_jobs(
    limit: Annotated[int, typer.Option(help="The newest so many.", min=1)] = 100,
    as_json: AsJson = False,
) -> None:
    """All jobs, newest first."""
    found = JobStore().list(limit)
    if as_json:
        put_json([job.to_json() for job in found])
        return
    put_table(
        "Jobs",
        ("id", "title", "state", "done", "left", "device", "started"),
        [
            [
                job.id,
                job.title,
                job.state,
                f"{job.progress:.0%}",
                None if job.seconds_left is None else duration(job.seconds_left),
                job.device,
                None if job.started is None else _when(job.started),
            ]
            for job in found
        ],
    )


def show(job_id: JobId, as_json: AsJson = False) -> None:
    """One job: its state, its result, the end of its log."""
    store = JobStore()
    job = store.get(job_id)
    log = store.log_tail(job_id)
    if as_json:
        put_json({**job.to_json(), "log_tail": log, "points": len(store.metrics(job_id))})
        return
    _put_job(job)
    for line in log.splitlines():
        put_line(f"  {line}")


def cancel(job_id: JobId, as_json: AsJson = False) -> None:
    """End a job; what it finished is kept."""
    _put_changed(cancel_job(job_id), as_json)


def pause(job_id: JobId, as_json: AsJson = False) -> None:
    """Set a job aside for others; `resume` goes on where it was."""
    _put_changed(pause_job(job_id), as_json)


def resume(job_id: JobId, as_json: AsJson = False) -> None:
    """Go on with a job that was paused, interrupted, cancelled or failed."""
    _put_changed(resume_job(job_id), as_json)


def delete(job_id: JobId, as_json: AsJson = False) -> None:
    """Forget a job; what it computed stays in the cache."""
    delete_job(job_id)
    if as_json:
        put_json({"deleted": job_id})
    else:
        put_line(f"Job {job_id} is deleted.")


def put_started(job: Job, as_json: bool) -> None:
    """Tell which job was started, and how to follow it."""
    if as_json:
        put_json(job.to_json())
    else:
        put_line(f"Job {job.id} is {job.state}: follow it with `taskviz jobs show {job.id}`.")


def _put_changed(job: Job, as_json: bool) -> None:
    if as_json:
        put_json(job.to_json())
    else:
        _put_job(job)


def _put_job(job: Job) -> None:
    state: str = job.state
    if job.cancelling:
        state = "pausing" if job.pausing else "stopping"
    put_line(f"{job.id}  {job.title}: {state}, {job.progress:.0%} on {job.device}")
    for text in (f"{job.stage} {job.message}", job.error):
        if text.strip():
            put_line(f"  {text}")
    for name, value in job.result.items():
        put_line(f"  {name}: {value}")


def _when(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))
