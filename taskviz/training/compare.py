"""Several groupings trained alike: every distinct group once, then set side by side."""

from collections.abc import Mapping

import torch

from taskviz.engines import RunContext
from taskviz.training.comparison import comparison_table, gain_table, summary_sentences
from taskviz.training.groups import (
    GroupUnit,
    assemble,
    check_grouping,
    settings_of,
    train_units,
)
from taskviz.training.options import TrainingOptions
from taskviz.values import Grouping, TaskCollection, TaskvizError, TrainingResult

__all__ = ["compare", "comparison_table", "gain_table", "summary_sentences"]


def compare(
    collection: TaskCollection,
    groupings: Mapping[str, Grouping],
    options: TrainingOptions | None = None,
    *,
    weighting: str = "equal",
    context: RunContext | None = None,
    dtype: torch.dtype = torch.float32,
) -> dict[str, TrainingResult]:
    """Train some groupings of one collection under the same seed, splits, batches and options.

    A group that several contenders hold is trained once; its live points carry the label of the
    first. Progress has one unit a distinct group, over all contenders.

    Args:
        groupings: label → grouping, the chosen one first.

    Raises:
        TaskvizError: no grouping, or what :func:`taskviz.training.groups.train_grouping` raises.
        Cancelled: the user asked to stop; finished groups are kept in the cache.
    """
    if not groupings:
        raise TaskvizError("There is no grouping to train: give at least one.")
    options, context = options or TrainingOptions(), context or RunContext()
    units = [
        GroupUnit(tasks, group, label)
        for label, grouping in groupings.items()
        for group, tasks in enumerate(check_grouping(collection, grouping))
    ]
    outcomes, scaling = train_units(
        collection, units, options, weighting=weighting, context=context, dtype=dtype
    )
    settings = settings_of(collection, options, weighting, context, dtype)
    return {
        label: assemble(collection, grouping, outcomes, scaling, settings)
        for label, grouping in groupings.items()
    }
