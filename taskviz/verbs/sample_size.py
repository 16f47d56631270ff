"""How many samples SCA needs on a collection; computed once and kept."""

from typing import TYPE_CHECKING, Any

from taskviz.cache import Cache, key_of
from taskviz.progress import SILENT, Progress
from taskviz.values import TaskCollection, TaskvizError

if TYPE_CHECKING:
    import torch

    from taskviz.affinity.sample_size import SampleSizeStudy

KIND = "sample-size"
VERSION = 1


def study_sample_size(
    collection: TaskCollection,
    *,
    repeats: int = 8,
    seed: int = 0,
    device: "str | torch.device" = "auto",
    progress: Progress = SILENT,
    cache: Cache | None = None,
    **options: Any,
) -> "SampleSizeStudy":
    """Rank agreement of SCA against n (SCA paper, section 6.4).

    Args:
        repeats: pairs of disjoint samples, and of initial states, at each size.
        options: those of ``sca`` that say what the network looks like, and ``heads``.

    Raises:
        TaskvizError: an unknown option, fewer than 3 tasks, too few rows.
    """
    from taskviz.affinity.sample_size import SampleSizeStudy
    from taskviz.affinity.sample_size import study_sample_size as study
    from taskviz.affinity.sca import SCA
    from taskviz.engines import RunContext, pick_device

    checked = SCA(**options).options
    picked = pick_device(device)
    context = RunContext(seed, picked, progress)
    return (cache or Cache()).fetch(
        KIND,
        _parts(collection, repeats, seed, picked.type, options),
        compute=lambda: study(collection, checked, context, heads=checked.heads, repeats=repeats),
        write=lambda value, folder: value.save(folder / "study.json"),
        read=lambda folder: SampleSizeStudy.read(folder / "study.json"),
    )


def sample_size_key(
    collection: TaskCollection,
    *,
    repeats: int = 8,
    seed: int = 0,
    device: "str | torch.device" = "auto",
    **options: Any,
) -> str:
    """Key under which :func:`study_sample_size` with these arguments stores its study."""
    from taskviz.engines import pick_device

    return key_of(**_parts(collection, repeats, seed, pick_device(device).type, options))


def read_sample_size(key: str, cache: Cache | None = None) -> "SampleSizeStudy":
    """A stored study by its key.

    Raises:
        TaskvizError: there is none under this key, or it was damaged.
    """
    from taskviz.affinity.sample_size import SampleSizeStudy

    folder = (cache or Cache()).find(KIND, key) if key.isalnum() else None
    if folder is None:
        raise TaskvizError("This study is not stored any more: start it again.")
    return SampleSizeStudy.read(folder / "study.json")


def _parts(
    collection: TaskCollection, repeats: int, seed: int, device_type: str, options: dict[str, Any]
) -> dict[str, Any]:
    from taskviz.affinity.sca import SCA
    from taskviz.values import option_values

    values = option_values(SCA(**options).options)
    shape = {name: values[name] for name in ("width", "depth", "activation", "heads")}
    return {
        "what": KIND,
        "collection": collection.fingerprint,
        "version": VERSION,
        "options": shape,
        "repeats": repeats,
        "seed": seed,
        "device": device_type,
    }
