"""Affinities over a joint training; computed once and kept."""

from typing import TYPE_CHECKING, Any

from taskviz.cache import Cache, key_of
from taskviz.progress import SILENT, Progress
from taskviz.values import TaskCollection, TaskvizError

if TYPE_CHECKING:
    import torch

    from taskviz.affinity.dynamics import DynamicsStudy

KIND = "dynamics"
VERSION = 1


def study_dynamics(
    collection: TaskCollection,
    *,
    seed: int = 0,
    device: "str | torch.device" = "auto",
    progress: Progress = SILENT,
    cache: Cache | None = None,
    **options: Any,
) -> "DynamicsStudy":
    """SCA and the gradient cosine every few epochs of joint training (SCA paper, section 6.3).

    Args:
        options: those of :class:`taskviz.affinity.dynamics.DynamicsOptions`.

    Raises:
        TaskvizError: an unknown option, fewer than 3 tasks, a training that diverges.
    """
    from taskviz.affinity.dynamics import DynamicsStudy
    from taskviz.affinity.dynamics import study_dynamics as study
    from taskviz.engines import RunContext, pick_device

    checked = _options(options)
    picked = pick_device(device)
    context = RunContext(seed, picked, progress)
    return (cache or Cache()).fetch(
        KIND,
        _parts(collection, checked, seed, picked.type),
        compute=lambda: study(collection, checked, context),
        write=lambda value, folder: value.save(folder / "dynamics.json"),
        read=lambda folder: DynamicsStudy.read(folder / "dynamics.json"),
    )


def dynamics_key(
    collection: TaskCollection,
    *,
    seed: int = 0,
    device: "str | torch.device" = "auto",
    **options: Any,
) -> str:
    """Key under which :func:`study_dynamics` with these arguments stores its study."""
    from taskviz.engines import pick_device

    return key_of(**_parts(collection, _options(options), seed, pick_device(device).type))


def read_dynamics(key: str, cache: Cache | None = None) -> "DynamicsStudy":
    """A stored study by its key.

    Raises:
        TaskvizError: there is none under this key, or it was damaged.
    """
    from taskviz.affinity.dynamics import DynamicsStudy

    folder = (cache or Cache()).find(KIND, key) if key.isalnum() else None
    if folder is None:
        raise TaskvizError("This study is not stored any more: start it again.")
    return DynamicsStudy.read(folder / "dynamics.json")


def _options(given: dict[str, Any]) -> Any:
    from taskviz.affinity.dynamics import DynamicsOptions
    from taskviz.values.options import parse_options

    return parse_options(DynamicsOptions, given, "the study of dynamics")


def _parts(collection: TaskCollection, options: Any, seed: int, device_type: str) -> dict[str, Any]:
    from taskviz.networks import trunk_key
    from taskviz.values import option_values

    return {
        **trunk_key(options),
        "what": KIND,
        "collection": collection.fingerprint,
        "version": VERSION,
        "options": option_values(options),
        "seed": seed,
        "device": device_type,
    }
