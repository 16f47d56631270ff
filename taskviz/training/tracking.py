"""Curves and metrics of a result in the formats of TensorBoard and MLflow."""

import logging
import math
import os
import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskviz.training.export import need_packages
from taskviz.values import TaskvizError, TrainingResult

if TYPE_CHECKING:
    import pandas as pd

FINAL = "final"
"""Where the metrics of the kept checkpoints stand, apart from the curves."""

EXPERIMENT = "taskviz"
"""Of MLflow, where nothing else is named."""


def write_tensorboard(result: TrainingResult, folder: Path | str) -> list[Path]:
    """Event files, one folder a group and seed: ``tensorboard --logdir FOLDER``.

    Tags are ``metric/task (split)``, steps epochs; the metrics of the kept checkpoint stand under
    ``final`` at its epoch.

    Raises:
        TaskvizError: tensorboard is not installed, or the folder cannot be written.
    """
    need_packages(("tensorboard",), "Writing TensorBoard event files")
    from torch.utils.tensorboard import SummaryWriter

    written = []
    try:
        for (group, seed), curves, final in _runs(result):
            run = Path(folder) / f"group_{group + 1}-seed_{seed}"
            with SummaryWriter(str(run)) as writer:
                writer.add_text("settings", _settings_text(result))
                for row in curves:
                    tag = f"{row['metric']}/{row['task']} ({row['split']})"
                    writer.add_scalar(tag, row["value"], int(row["step"]))
                for row in final:
                    tag = f"{FINAL}/{row['task']} {row['metric']} ({row['split']})"
                    writer.add_scalar(tag, row["value"], _best(result, group, seed))
            written.append(run)
    except OSError as error:
        raise TaskvizError(
            f"Cannot write to {folder} ({error.strerror or error}): give a folder that can be "
            "written."
        ) from None
    return written


def log_mlflow(result: TrainingResult, uri: str, name: str = EXPERIMENT) -> list[str]:
    """One MLflow run a group and seed, with settings as parameters and curves as metrics.

    MLflow's own telemetry stays off unless ``MLFLOW_DISABLE_TELEMETRY`` says otherwise.

    Args:
        result: what is told.
        uri: where MLflow keeps its runs: a folder, or the address of a server or database.
        name: of the experiment.

    Returns:
        The runs' ids.

    Raises:
        TaskvizError: mlflow is not installed, or does not take what it is given.
    """
    need_packages(("mlflow",), "Logging to MLflow")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    if "://" not in uri or uri.startswith("file:"):
        # MLflow 3 keeps runs in a folder only where one says so; it would rather have a database.
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    # What was written is for the caller to tell.
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    mlflow = import_module("mlflow")
    log = logging.getLogger("mlflow")
    level = log.level
    ids = []
    try:
        log.setLevel(logging.WARNING)
        mlflow.set_tracking_uri(uri)
        mlflow.set_experiment(name)
        for (group, seed), curves, final in _runs(result):
            title = f"{result.collection} group {group + 1} seed {seed}"
            with mlflow.start_run(run_name=title) as run:
                mlflow.log_params(
                    {
                        "tasks": ", ".join(result.grouping.groups[group])[:500],
                        "collection": result.collection,
                        "fingerprint": result.fingerprint,
                        "weighting": result.settings.get("weighting", ""),
                        "seed": seed,
                        **result.settings.get("options", {}),
                    }
                )
                steps: dict[int, dict[str, float]] = {}
                for row in curves:
                    key = _key(row["split"], row["metric"], row["task"])
                    steps.setdefault(int(row["step"]), {})[key] = row["value"]
                for step, values in sorted(steps.items()):
                    mlflow.log_metrics(values, step=step)
                last = {_key(FINAL, r["split"], r["metric"], r["task"]): r["value"] for r in final}
                mlflow.log_metrics(last, step=_best(result, group, seed))
                ids.append(str(run.info.run_id))
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise TaskvizError(
            f"MLflow at {uri} did not take the metrics ({type(error).__name__}: {reason}): check "
            "the address."
        ) from error
    finally:
        log.setLevel(level)
    return ids


Rows = list[dict[str, Any]]


def _runs(result: TrainingResult) -> Iterator[tuple[tuple[int, int], Rows, Rows]]:
    """For each group and seed: the finite points of its curves, and its final metrics."""
    pairs = zip(result.metrics["group"], result.metrics["seed"], strict=True)
    for group, seed in sorted({(int(group), int(seed)) for group, seed in pairs}):
        yield (
            (group, seed),
            list(_finite(_part(result.history, group, seed))),
            list(_finite(_part(result.metrics, group, seed))),
        )


def _part(frame: "pd.DataFrame", group: int, seed: int) -> Rows:
    own = frame[(frame["group"] == group) & (frame["seed"] == seed)]
    return [{str(name): value for name, value in row.items()} for row in own.to_dict("records")]


def _finite(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (row for row in rows if math.isfinite(row["value"]))


def _best(result: TrainingResult, group: int, seed: int) -> int:
    networks = result.of_seed(seed).networks
    return networks[group].best_step if group < len(networks) else 0


def _key(*parts: str) -> str:
    """MLflow takes letters, digits and ``_-. :/`` in a name."""
    return "/".join(re.sub(r"[^\w\-. :]", "_", part, flags=re.ASCII) for part in parts)


def _settings_text(result: TrainingResult) -> str:
    options = result.settings.get("options", {})
    known = {"collection": result.collection, "weighting": result.settings.get("weighting", "")}
    return "\n".join(f"    {name}: {value}" for name, value in {**known, **options}.items())
