"""How far a plan would change if its scores were measured again; computed once and kept."""

from typing import TYPE_CHECKING, Any

from taskviz.cache import Cache, key_of
from taskviz.progress import SILENT, Progress
from taskviz.values import AffinityMatrix, Grouping, SubsetTable, TaskvizError
from taskviz.verbs.affinity import stored_estimator
from taskviz.verbs.imports import scores_fingerprint
from taskviz.verbs.stored_batches import StoredBatches

if TYPE_CHECKING:
    import numpy as np

    from taskviz.grouping.group_costs import CostModel
    from taskviz.grouping.resampling import Resample
    from taskviz.grouping.stability import Stability

KIND = "stability"
VERSION = 2


def study_stability(
    affinity: AffinityMatrix | SubsetTable,
    grouping: Grouping,
    *,
    draws: int = 100,
    noise: float | None = None,
    seed: int = 0,
    costs: "CostModel | None" = None,
    progress: Progress = SILENT,
    cache: Cache | None = None,
) -> "Stability":
    """Redraw the scores within their noise, group them again as the plan was grouped, and compare.

    A matrix of the cache is drawn as its estimator offers: over its initial states, samples, seeds
    or networks (:meth:`taskviz.affinity.base.Estimator.redraws`). Where that offers nothing, by the
    standard errors of the entries; a subset table by its seeds or rows. The notes say which. Draws
    are kept as they are made, so that a study which was stopped goes on where it ended.

    Args:
        affinity: what the plan was made from.
        grouping: the plan; one edited by hand is compared with what its method makes.
        draws: redrawn scores.
        noise: standard deviation of an entry, in place of all that was measured.
        seed: of the draws.
        costs: prices, where the plan's budget is not in networks.
        progress: told of each draw.

    Raises:
        TaskvizError: see :func:`taskviz.grouping.stability.stability`.
    """
    from taskviz.grouping.stability import Stability, stability

    if grouping.cost_unit != "networks" and costs is None:
        raise TaskvizError(
            f"The plan's budget is in {grouping.cost_unit}: stability needs the prices that it was "
            "made with."
        )
    method, options = made_by(grouping)
    cache = cache or Cache()
    own = None if noise is not None else _own_redraws(affinity, cache)
    parts = _parts(affinity, grouping, draws, noise, seed, costs, own)

    def compute() -> "Stability":
        return stability(
            affinity,
            method,
            grouping.budget,
            draws=draws,
            seed=seed,
            options=options,
            noise=noise,
            resample=None if own is None else own[0],
            how="" if own is None else own[1],
            grouper_seed=grouping.seed or 0,
            chosen=grouping,
            costs=costs,
            batches=StoredBatches(cache, parts, affinities=own is not None),
            progress=progress,
        )

    return cache.fetch(
        KIND,
        parts,
        compute=compute,
        write=lambda value, folder: value.save(folder / "stability.json"),
        read=lambda folder: Stability.read(folder / "stability.json"),
    )


def stability_key(
    affinity: AffinityMatrix | SubsetTable,
    grouping: Grouping,
    *,
    draws: int = 100,
    noise: float | None = None,
    seed: int = 0,
    costs: "CostModel | None" = None,
    cache: Cache | None = None,
) -> str:
    """Key under which :func:`study_stability` with these arguments stores its answer."""
    own = None if noise is not None else _own_redraws(affinity, cache or Cache())
    return key_of(**_parts(affinity, grouping, draws, noise, seed, costs, own))


def how_redrawn(affinity: AffinityMatrix | SubsetTable, cache: Cache | None = None) -> str | None:
    """How the scores would be drawn again; None where their noise is not known at all."""
    from taskviz.grouping.resampling import resampler

    own = _own_redraws(affinity, cache or Cache())
    if own is not None:
        return own[1]
    try:
        return resampler(affinity)[1]
    except TaskvizError:
        return None


def _own_redraws(
    affinity: AffinityMatrix | SubsetTable, cache: Cache
) -> "tuple[Resample, str] | None":
    """What the estimator of a stored matrix offers; None where it offers nothing."""
    if not isinstance(affinity, AffinityMatrix) or not affinity.fingerprint:
        return None
    fitted = stored_estimator(affinity, cache)
    redraws = None if fitted is None else fitted.redraws()
    if fitted is None or redraws is None:
        return None
    estimator, offered = fitted, redraws

    def draw(rng: "np.random.Generator") -> AffinityMatrix:
        return estimator.redrawn(offered.measure(rng)).affinity_

    return draw, offered.said


def read_stability(key: str, cache: Cache | None = None) -> "Stability":
    """A stored study by its key.

    Raises:
        TaskvizError: there is none under this key, or it was damaged.
    """
    from taskviz.grouping.stability import Stability

    folder = (cache or Cache()).find(KIND, key) if key.isalnum() else None
    if folder is None:
        raise TaskvizError("This stability study is not stored any more: start it again.")
    return Stability.read(folder / "stability.json")


def made_by(grouping: Grouping) -> tuple[str, dict[str, Any]]:
    """Method and options that a plan came from, before somebody edited it.

    Raises:
        TaskvizError: the plan names no method.
    """
    if grouping.method != "manual":
        return grouping.method, dict(grouping.options)
    if "from" not in grouping.options:
        raise TaskvizError(
            "This plan was made by hand from nothing: there is no method that could make it again."
        )
    return str(grouping.options["from"]), dict(grouping.options.get("from_options") or {})


def _parts(
    affinity: AffinityMatrix | SubsetTable,
    grouping: Grouping,
    draws: int,
    noise: float | None,
    seed: int,
    costs: "CostModel | None",
    own: "tuple[Resample, str] | None",
) -> dict[str, Any]:
    method, options = made_by(grouping)
    return {
        "what": KIND,
        "version": VERSION,
        "scores": scores_fingerprint(affinity),
        "groups": sorted(sorted(group) for group in grouping.groups),
        "method": method,
        "options": options,
        "budget": grouping.budget,
        "grouper_seed": grouping.seed or 0,
        "draws": draws,
        "noise": noise,
        "seed": seed,
        "costs": None if costs is None else costs.to_json(),
        "redraws": None if own is None else own[1],
    }
