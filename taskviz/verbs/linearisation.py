"""How far the first-order expansion of a collection's network can be trusted; kept."""

from typing import TYPE_CHECKING, Any

from taskviz.cache import Cache, key_of
from taskviz.progress import SILENT, Progress
from taskviz.values import TaskCollection, TaskvizError
from taskviz.values.storage import dumps, nullable, read_json, write_text
from taskviz.verbs.options import affinity_options

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import torch

KIND = "linearisation"
VERSION = 1


def study_linearisation(
    collection: TaskCollection,
    *,
    subsets: int = 100,
    seed: int = 0,
    device: "str | torch.device" = "auto",
    progress: Progress = SILENT,
    cache: Cache | None = None,
    **options: Any,
) -> "pd.DataFrame":
    """Relative residual of the expansion at distances of 1 to 10 % (talk, table 1).

    Any network will do: what is compared are outputs and their derivative along a direction.

    Args:
        subsets: random subsets to average over.
        options: those of ``gradient`` that say what the network is, how it is trained and which
            parameters move.

    Returns:
        One row a distance: ``distance``, ``rss``, ``standard_error`` (over subsets), ``subsets``.

    Raises:
        TaskvizError: an unknown option, or a number of subsets that is not positive.
    """
    from taskviz.affinity.linearisation_error import linearisation_error
    from taskviz.engines import RunContext, pick_device

    picked = pick_device(device)
    context = RunContext(seed, picked, progress)
    return (cache or Cache()).fetch(
        KIND,
        _parts(collection, subsets, seed, picked.type, options),
        compute=lambda: linearisation_error(collection, context, subsets=subsets, **options),
        write=_write,
        read=_read,
    )


def linearisation_key(
    collection: TaskCollection,
    *,
    subsets: int = 100,
    seed: int = 0,
    device: "str | torch.device" = "auto",
    **options: Any,
) -> str:
    """Key under which :func:`study_linearisation` with these arguments stores its table."""
    from taskviz.engines import pick_device

    return key_of(**_parts(collection, subsets, seed, pick_device(device).type, options))


def stored_linearisations(
    collection: TaskCollection, cache: Cache | None = None
) -> "dict[str, pd.DataFrame]":
    """Tables of a collection by what was set apart from the defaults, newest first."""
    from taskviz.affinity.gradient import GradientOptions
    from taskviz.values import option_defaults

    usual = option_defaults(GradientOptions)
    found: dict[str, pd.DataFrame] = {}
    for entry in (cache or Cache()).entries(KIND):
        if entry.parts.get("collection") != collection.fingerprint:
            continue
        options = dict(entry.parts.get("options") or {})
        changed = [f"{name} {value}" for name, value in options.items() if usual[name] != value]
        label = ", ".join([*changed, f"seed {entry.parts.get('seed')}"])
        try:
            found.setdefault(label, _read(entry.folder))
        except (TaskvizError, OSError):
            continue
    return found


def _parts(
    collection: TaskCollection, subsets: int, seed: int, device_type: str, options: dict[str, Any]
) -> dict[str, Any]:
    return {
        "what": KIND,
        "collection": collection.fingerprint,
        "version": VERSION,
        "options": affinity_options("gradient", options),
        "subsets": subsets,
        "seed": seed,
        "device": device_type,
    }


def _write(table: "pd.DataFrame", folder: "Path") -> None:
    columns = {name: nullable(table[name].to_numpy()) for name in table.columns}
    write_text(folder / "table.json", dumps(columns))


def _read(folder: "Path") -> "pd.DataFrame":
    import pandas as pd

    columns = read_json(folder / "table.json", "linearisation error")
    return pd.DataFrame(columns).astype({"rss": float, "standard_error": float})
