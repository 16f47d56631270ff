"""A trained result by whatever names it: its folder, the key in the cache, the job."""

import re
from pathlib import Path
from typing import Annotated

import typer

from taskviz.values import AffinityMatrix, TaskvizError, TrainingResult

Run = Annotated[
    str,
    typer.Argument(
        help="What was trained: a folder that was saved, a key in the cache, or a job's id."
    ),
]
Contender = Annotated[
    str,
    typer.Option(
        help="Which result of a job or of a folder that train --out wrote, such as all-together; "
        "the chosen groups' first."
    ),
]
FIRST = "chosen"
"""Contender that a folder holds by itself where nothing else is written there."""


def open_run(run: str, contender: str = "") -> TrainingResult:
    """The result, able to predict.

    Args:
        run: a folder, a key (its first 6 digits will do) or the id of a training job.
        contender: which of a job's or a folder's results; the first where empty.

    Raises:
        TaskvizError: nothing of that name, no such contender, or it is damaged.
    """
    from taskviz.verbs import load_result, read_training, stored_trainings

    path = Path(run)
    try:
        is_folder = path.is_dir()
    except (OSError, ValueError):
        is_folder = False
    if is_folder:
        return load_result(_of_folder(path, contender))
    if re.fullmatch("[0-9a-f]{64}", run):
        _only_one(run, contender)
        return read_training(run)
    if re.fullmatch("[0-9a-f]{6,63}", run):
        key = _of_job(run, contender)
        if key is not None:
            return read_training(key)
        keys = [stored.key for stored in stored_trainings() if stored.key.startswith(run)]
        if len(keys) == 1:
            _only_one(run, contender)
            return read_training(keys[0])
        if keys:
            raise TaskvizError(f"{len(keys)} results begin with {run!r}: give more of the key.")
    raise TaskvizError(
        f"There is no trained result {run!r}: give the folder that train --out wrote, a key in the "
        "cache, or the id of a training job (python -m taskviz jobs)."
    )


def _of_folder(folder: Path, contender: str) -> Path:
    """Folder of one contender: ``train --out`` writes the first there and each other below."""
    from taskviz.values.storage import read_json

    if not contender:
        return folder
    settings = read_json(folder / "result.json", "training result").get("settings")
    first = str(settings.get("label", FIRST)) if isinstance(settings, dict) else FIRST
    below = {path.parent.name: path.parent for path in sorted(folder.glob("*/result.json"))}
    found = {folder_name(first): folder, **below}.get(folder_name(contender))
    if found is None:
        raise TaskvizError(
            f"Folder {folder} has no contender {contender!r}: it has "
            f"{', '.join(map(repr, [first, *below]))}."
        )
    return found


def folder_name(label: str) -> str:
    """Of a contender, below the folder of the first."""
    return label.replace(" ", "-")


def _only_one(key: str, contender: str) -> None:
    if contender:
        raise TaskvizError(
            f"The key {key[:16]!r} names one result, so there is no contender {contender!r} of it: "
            "leave --contender out, or give a job's id or the folder that train --out wrote."
        )


def _of_job(run: str, contender: str) -> str | None:
    """Key of a job's result; None where there is no such job."""
    from taskviz.jobs import JobStore

    try:
        job = JobStore().get(run)
    except TaskvizError:
        return None
    results = dict(job.result.get("results", {})) if job.kind == "training" else {}
    if not results:
        raise TaskvizError(
            f"Job {run} is {job.state} and has no trained result: give a training job that is done."
        )
    if contender and contender not in results:
        raise TaskvizError(
            f"Job {run} has no result {contender!r}: it has {', '.join(map(repr, results))}."
        )
    return str(results[contender or next(iter(results))])


def beside(run: str) -> tuple[dict[str, TrainingResult] | None, AffinityMatrix | None]:
    """All results of a training job and the matrix its groups were made from; None: not known."""
    from taskviz.jobs import JobStore
    from taskviz.verbs import read_affinity, read_training

    try:
        job = JobStore().get(run)
        results = {label: read_training(str(key)) for label, key in job.result["results"].items()}
    except (TaskvizError, KeyError):
        return None, None
    try:
        return results, read_affinity(job.matrix) if job.matrix else None
    except TaskvizError:
        return results, None
