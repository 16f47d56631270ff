"""``taskviz cache`` and ``taskviz workspace``: what the results take, and moving all of them."""

from pathlib import Path
from typing import Annotated

import typer

from taskviz.care.limit import keep_within_limit, limit, set_limit
from taskviz.care.pins import is_pinned, pin, unpin
from taskviz.care.used import sizes
from taskviz.cli.parameters import AsJson, JobId
from taskviz.cli.terminal import put_json, put_line, put_table
from taskviz.jobs import JobStore
from taskviz.jobs.in_use import in_use
from taskviz.values import TaskvizError

Archive = Annotated[Path, typer.Argument(help="A .zip of a workspace.", metavar="FILE")]


def register(program: typer.Typer) -> None:
    """Add the commands."""
    cache = typer.Typer(
        help="What the cache takes, its limit, pinned runs.",
        invoke_without_command=True,
        rich_markup_mode=None,
    )
    cache.callback()(_show_by_default)
    cache.command("show")(show)
    cache.command("limit")(limit_cache)
    cache.command("tidy")(tidy)
    cache.command("pin")(pin_run)
    cache.command("unpin")(unpin_run)
    program.add_typer(cache, name="cache")
    workspace = typer.Typer(
        help="All results, uploads and jobs as one archive.", rich_markup_mode=None
    )
    workspace.command("export")(export)
    workspace.command("import")(import_)
    program.add_typer(workspace, name="workspace")


def _show_by_default(context: typer.Context, as_json: AsJson = False) -> None:
    if context.invoked_subcommand is None:
        show(as_json=as_json)


def show(as_json: AsJson = False) -> None:
    """What lies in the cache, and its limit."""
    cache = JobStore().cache
    found, most = sizes(cache), limit(cache)
    if as_json:
        kinds = {kind: {"count": count, "bytes": size} for kind, (count, size) in found.items()}
        put_json({"root": str(cache.root), "bytes": cache.size(), "limit": most, "kinds": kinds})
        return
    rows = [[kind, count, round(size / 1e6, 3)] for kind, (count, size) in found.items()]
    put_table(f"{cache.root}: {cache.size() / 1e6:,.1f} MB", ("kind", "how many", "MB"), rows)
    put_line("No limit." if most is None else f"Limit: {most / 1e9:g} GB.")


def limit_cache(
    gigabytes: Annotated[str, typer.Argument(help="GB, or none.", metavar="GB")],
    as_json: AsJson = False,
) -> None:
    """Set the limit: after each job what was not used for longest goes until the cache fits."""
    most = None
    if gigabytes.strip().lower() != "none":
        try:
            most = int(float(gigabytes) * 1e9)
        except (ValueError, OverflowError):
            most = -1
        if most < 0:
            raise TaskvizError(f"The limit is {gigabytes!r}: a number of GB, or none, is needed.")
    set_limit(JobStore().cache, most)
    if as_json:
        put_json({"limit": most})
    else:
        put_line("No limit." if most is None else f"Limit: {most / 1e9:g} GB.")


def tidy(as_json: AsJson = False) -> None:
    """Make room now: keep the limit, remove what was left half-written, compact the job store."""
    store = JobStore()
    removed = keep_within_limit(store.cache, *in_use(store))
    swept, given_back = store.cache.sweep(), store.vacuum()
    if as_json:
        put_json({"removed_bytes": removed, "swept": swept, "job_store_bytes": given_back})
    else:
        put_line(
            f"{removed / 1e6:,.1f} MB removed, {swept} half-written swept, the job store is "
            f"{given_back / 1e6:,.1f} MB smaller."
        )


def pin_run(job_id: JobId, as_json: AsJson = False) -> None:
    """Keep what a run computed, whatever the limit."""
    store = JobStore()
    job = store.get(job_id)
    pin(store.cache, job.id, job.spec, job.result)
    _put_pin(store, job.id, as_json)


def unpin_run(job_id: JobId, as_json: AsJson = False) -> None:
    """A run may go again."""
    store = JobStore()
    unpin(store.cache, job_id)
    _put_pin(store, job_id, as_json)


def export(
    path: Archive,
    force: Annotated[bool, typer.Option(help="Replace a file that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the whole workspace into one .zip."""
    from taskviz.jobs.workspace import export_workspace

    if path.exists() and not force:
        raise TaskvizError(f"{path} is there already: choose another name or add --force.")
    moved = export_workspace(path, JobStore())
    if as_json:
        put_json({"path": str(path), "bytes": path.stat().st_size, **vars(moved)})
    else:
        put_line(
            f"{path}: {moved.artefacts} results, {moved.uploads} uploads, {moved.jobs} jobs, "
            f"{path.stat().st_size / 1e6:,.1f} MB."
        )
        if moved.skipped:
            put_line(f"Left out because damaged: {moved.skipped} results.")
        if moved.halfway:
            put_line(
                "Checkpoints stay here: elsewhere an unfinished training begins its networks anew, "
                "and no epochs can be added."
            )


def import_(path: Archive, as_json: AsJson = False) -> None:
    """Add what an archive of a workspace holds; what is there already stays."""
    from taskviz.jobs.workspace import import_workspace

    moved = import_workspace(path, JobStore())
    if as_json:
        put_json(vars(moved))
    else:
        put_line(
            f"{moved.artefacts} results, {moved.uploads} uploads and {moved.jobs} new jobs; "
            f"{moved.skipped} were there already or are left out."
        )


def _put_pin(store: JobStore, job: str, as_json: bool) -> None:
    now = is_pinned(store.cache, job)
    if as_json:
        put_json({"job": job, "pinned": now})
    else:
        put_line(f"Job {job} is {'pinned' if now else 'not pinned'}.")
