"""The comparison of the SCA paper: one network under several weightings against two groups."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from taskviz.cache import Cache
from taskviz.progress import SILENT, Progress
from taskviz.values import AffinityMatrix, Grouping, TaskCollection, TrainingResult
from taskviz.verbs.affinity import compute_affinity
from taskviz.verbs.grouping import contenders, group_tasks
from taskviz.verbs.training import compare_groupings

if TYPE_CHECKING:
    import torch

ALONE = "all-separate"


def paper_contenders(
    collection: TaskCollection, grouping: Grouping, name: str = "SCA"
) -> tuple[dict[str, Grouping], dict[str, str]]:
    """What the paper sets side by side: label → grouping, and label → weighting.

    The groups come first and are trained with equal weights; training each task alone is there as
    the measure of every gain.

    Args:
        name: of the groups in their label: what they were made by.
    """
    found = contenders(collection, None, grouping, random_draws=0)
    count = len(grouping.groups)
    groups = f"{name}, {count} group{'' if count == 1 else 's'}"
    groupings = {groups: grouping}
    # Not above: it loads torch, and the package must come without.
    from taskviz.training.comparison import ONE_NETWORK

    groupings |= dict.fromkeys(ONE_NETWORK, found["all-together"])
    groupings[ALONE] = found["all-separate"]
    return groupings, {label: ONE_NETWORK.get(label, "equal") for label in groupings}


def paper_grouping(
    collection: TaskCollection,
    *,
    groups: int = 2,
    seed: int = 0,
    device: "str | torch.device" = "auto",
    progress: Progress = SILENT,
    cache: Cache | None = None,
) -> tuple[Grouping, AffinityMatrix]:
    """Groups as the paper makes them: SCA as published, then GAT and a Gaussian mixture."""
    matrix = compute_affinity(
        collection, "sca", seed=seed, device=device, progress=progress, cache=cache
    )
    return group_tasks(matrix, "gat-gmm", budget=groups, seed=seed), matrix


def paper_comparison(
    collection: TaskCollection,
    grouping: Grouping | None = None,
    seed: int = 0,
    device: "str | torch.device" = "auto",
    progress: Progress = SILENT,
    cache: Cache | None = None,
    seeds: int | Sequence[int] = 3,
    groups: int = 2,
    **options: Any,
) -> dict[str, TrainingResult]:
    """Standard MTL, GradNorm, UW, PCGrad and Nash-MTL on one network against groups of SCA.

    Args:
        grouping: made by SCA and GAT + GMM where none is given.
        groups: how many, where they are made here.
        options: as of :func:`taskviz.verbs.train_groups`.

    Returns:
        label → result: the groups first (``SCA, …``, or ``chosen, …`` where they are given), each
        task alone last.

    Raises:
        TaskvizError: what the steps raise.
    """
    name = "SCA" if grouping is None else "chosen"
    if grouping is None:
        grouping, _ = paper_grouping(
            collection, groups=groups, seed=seed, device=device, progress=progress, cache=cache
        )
    groupings, weightings = paper_contenders(collection, grouping, name)
    return compare_groupings(
        collection, groupings, weightings, seed, device, progress, cache, seeds=seeds, **options
    )
