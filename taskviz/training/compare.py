"""Several groupings trained alike: every distinct group once, then set side by side."""

from collections.abc import Mapping, Sequence

import torch

from taskviz.engines import RunContext
from taskviz.progress import Progress
from taskviz.training.comparison import comparison_table, gain_table
from taskviz.training.group import tell_history
from taskviz.training.groups import train_contenders
from taskviz.training.options import TrainingOptions
from taskviz.training.sentences import summary_sentences
from taskviz.training.units import GroupUnit
from taskviz.values import Grouping, TaskCollection, TaskvizError, TrainingResult

__all__ = ["compare", "comparison_table", "gain_table", "summary_sentences", "tell_results"]


def compare(
    collection: TaskCollection,
    groupings: Mapping[str, Grouping],
    options: TrainingOptions | None = None,
    *,
    weighting: str | Mapping[str, str] = "equal",
    seeds: Sequence[int] | None = None,
    context: RunContext | None = None,
    dtype: torch.dtype = torch.float32,
) -> dict[str, TrainingResult]:
    """Train some groupings of one collection under the same seeds, splits, batches and options.

    A network that several contenders hold is trained once; its live points carry the label of the
    first. Progress has one unit a distinct network, over all contenders.

    Args:
        groupings: label → grouping, the chosen one first.
        weighting: of all, or label → name.
        seeds: by default that of the context; see :func:`taskviz.training.units.seed_splits`.

    Raises:
        TaskvizError: no grouping, or what :func:`taskviz.training.groups.train_grouping` raises.
        Cancelled: the user asked to stop; finished groups are kept in the cache.
    """
    if not groupings:
        raise TaskvizError("There is no grouping to train: give at least one.")
    names = {
        label: weighting if isinstance(weighting, str) else weighting.get(label, "equal")
        for label in groupings
    }
    return train_contenders(
        collection,
        groupings,
        options or TrainingOptions(),
        weightings=names,
        seeds=seeds,
        context=context or RunContext(),
        dtype=dtype,
    )


def tell_results(
    results: Mapping[str, TrainingResult], weightings: Mapping[str, str], progress: Progress
) -> None:
    """Curves of results that were trained before, as they were told then: a worker that was killed
    may have kept a result but not yet told its last epochs.

    Args:
        results: label → result; a network that several hold carries the label of the first.
        weightings: label → name.
    """
    told = set()
    for label, result in results.items():
        for group, network in enumerate(result.networks):
            which = network.tasks, weightings[label] if len(network.tasks) > 1 else "equal"
            if which in told:
                continue
            told.add(which)
            rows = result.history[result.history["group"] == group].drop(columns="group")
            history = [{str(name): v for name, v in row.items()} for row in rows.to_dict("records")]
            common = {**GroupUnit((), group, label).label, "tasks": ", ".join(network.tasks)}
            tell_history(history, common, progress)
