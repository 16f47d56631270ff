"""Maps of optima and the landscape around them; computed once and kept."""

from typing import TYPE_CHECKING, Any

from taskviz.cache import Cache, key_of
from taskviz.progress import SILENT, Progress
from taskviz.values import TaskCollection, TaskvizError

if TYPE_CHECKING:
    import torch

    from taskviz.optima.landscape import LandscapeStudy
    from taskviz.optima.optima_map import OptimaMap

MAP, DISTANCES, LANDSCAPE = "optima-map", "optima-distances", "landscape"
VERSION = 4


def map_optima(
    collection: TaskCollection,
    *,
    seed: int = 0,
    device: "str | torch.device" = "auto",
    progress: Progress = SILENT,
    cache: Cache | None = None,
    **options: Any,
) -> "OptimaMap":
    """t-SNE, UMAP and PCA maps of task-specific sample-wise optima (SCA paper, figure 3a).

    The same call twice returns the same bits. Another perplexity or number of neighbours draws
    anew on stored distances.

    Args:
        options: those of :class:`taskviz.optima.optima_map.OptimaOptions`.

    Raises:
        TaskvizError: an unknown option, too few optima, perplexity or neighbours too large.
    """
    from taskviz.engines import RunContext, pick_device
    from taskviz.optima.all_pairs import AllPairs
    from taskviz.optima.optima_map import DRAWING, OptimaMap, measure_optima
    from taskviz.optima.optima_map import map_optima as draw

    checked = _map_options(options)
    picked = pick_device(device)
    kept = cache or Cache()
    parts = _parts(MAP, collection, checked, seed, picked.type)
    apart = {k: v for k, v in parts["options"].items() if k not in DRAWING}

    def measure() -> AllPairs:
        return kept.fetch(
            DISTANCES,
            {**parts, "what": DISTANCES, "options": apart},
            compute=lambda: measure_optima(collection, checked, context),
            write=lambda value, folder: value.save(folder),
            read=AllPairs.read,
        )

    context = RunContext(seed, picked, progress, kept)
    return kept.fetch(
        MAP,
        parts,
        compute=lambda: draw(collection, checked, context, measure),
        write=lambda value, folder: value.save(folder),
        read=OptimaMap.read,
    )


def optima_map_key(
    collection: TaskCollection,
    *,
    seed: int = 0,
    device: "str | torch.device" = "auto",
    **options: Any,
) -> str:
    """Key under which :func:`map_optima` with these arguments stores its map."""
    from taskviz.engines import pick_device

    checked = _map_options(options)
    return key_of(**_parts(MAP, collection, checked, seed, pick_device(device).type))


def read_optima_map(key: str, cache: Cache | None = None) -> "OptimaMap":
    """A stored map by its key.

    Raises:
        TaskvizError: there is none under this key, or it was damaged.
    """
    from taskviz.optima.optima_map import OptimaMap

    folder = (cache or Cache()).find(MAP, key) if key.isalnum() else None
    if folder is None:
        raise TaskvizError("This map is not stored any more: draw it again.")
    return OptimaMap.read(folder)


def study_landscape(
    collection: TaskCollection,
    *,
    seed: int = 0,
    device: "str | torch.device" = "auto",
    progress: Progress = SILENT,
    cache: Cache | None = None,
    **options: Any,
) -> "LandscapeStudy":
    """Densities of optima, smoothness, and the bounds beside measured losses (eq. 7 to 15).

    Args:
        options: those of :class:`taskviz.optima.landscape.LandscapeOptions`.

    Raises:
        TaskvizError: an unknown option, or a loss without a finite gradient.
    """
    from taskviz.engines import RunContext, pick_device
    from taskviz.optima.landscape import LandscapeStudy
    from taskviz.optima.landscape import study_landscape as study

    checked = _landscape_options(options)
    picked = pick_device(device)
    context = RunContext(seed, picked, progress)
    return (cache or Cache()).fetch(
        LANDSCAPE,
        _parts(LANDSCAPE, collection, checked, seed, picked.type),
        compute=lambda: study(collection, checked, context),
        write=lambda value, folder: value.save(folder / "landscape.json"),
        read=lambda folder: LandscapeStudy.read(folder / "landscape.json"),
    )


def landscape_key(
    collection: TaskCollection,
    *,
    seed: int = 0,
    device: "str | torch.device" = "auto",
    **options: Any,
) -> str:
    """Key under which :func:`study_landscape` with these arguments stores its study."""
    from taskviz.engines import pick_device

    checked = _landscape_options(options)
    return key_of(**_parts(LANDSCAPE, collection, checked, seed, pick_device(device).type))


def read_landscape(key: str, cache: Cache | None = None) -> "LandscapeStudy":
    """A stored study by its key.

    Raises:
        TaskvizError: there is none under this key, or it was damaged.
    """
    from taskviz.optima.landscape import LandscapeStudy

    folder = (cache or Cache()).find(LANDSCAPE, key) if key.isalnum() else None
    if folder is None:
        raise TaskvizError("This study is not stored any more: start it again.")
    return LandscapeStudy.read(folder / "landscape.json")


def _map_options(given: dict[str, Any]) -> Any:
    from taskviz.optima.optima_map import OptimaOptions
    from taskviz.values.options import parse_options

    return parse_options(OptimaOptions, given, "a map of optima")


def _landscape_options(given: dict[str, Any]) -> Any:
    from taskviz.optima.landscape import LandscapeOptions
    from taskviz.values.options import parse_options

    return parse_options(LandscapeOptions, given, "the landscape")


def _parts(
    what: str, collection: TaskCollection, options: Any, seed: int, device_type: str
) -> dict[str, Any]:
    from taskviz.networks import trunk_key
    from taskviz.values import option_values

    return {
        **trunk_key(options),
        "what": what,
        "collection": collection.fingerprint,
        "version": VERSION,
        "options": option_values(options),
        "seed": seed,
        "device": device_type,
    }
