"""A grouping: one network a group, each task served by the group that validates best for it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from taskviz.data.tensors import Scaling
from taskviz.engines import RunContext, describe_device
from taskviz.networks import network_kind
from taskviz.training.group import GroupOutcome, check_trainable
from taskviz.training.options import TrainingOptions
from taskviz.training.predict import attach_predictor
from taskviz.training.stored import VERSION
from taskviz.training.units import GroupUnit, seed_splits, train_units
from taskviz.values import (
    HISTORY_COLUMNS,
    METRIC_COLUMNS,
    SPLITS,
    Grouping,
    TaskCollection,
    TaskvizError,
    TrainingResult,
    option_values,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["VERSION", "assemble", "check_grouping", "train_contenders", "train_grouping"]


def train_grouping(
    collection: TaskCollection,
    grouping: Grouping,
    options: TrainingOptions | None = None,
    *,
    weighting: str = "equal",
    seeds: Sequence[int] | None = None,
    context: RunContext | None = None,
    dtype: torch.dtype = torch.float32,
) -> TrainingResult:
    """Train one network a group (and seed).

    Finished groups are kept in ``context.cache`` and are not trained again, be it after an
    interruption or as part of another grouping.

    Args:
        collection: joint or separate.
        grouping: must cover every task of the collection.
        options: how to train.
        weighting: name of the weighting.
        seeds: by default that of the context; see :func:`taskviz.training.units.seed_splits`.
        context: seed, device, progress (one unit a network), cache and engine.
        dtype: of data and weights.

    Raises:
        TaskvizError: a grouping that does not fit the collection, or what
            :func:`taskviz.training.group.train_group` raises.
        Cancelled: the user asked to stop; finished groups are kept.
    """
    found = train_contenders(
        collection,
        {"": grouping},
        options or TrainingOptions(),
        weightings={"": weighting},
        seeds=seeds,
        context=context or RunContext(),
        dtype=dtype,
    )
    return found[""]


def train_contenders(
    collection: TaskCollection,
    groupings: Mapping[str, Grouping],
    options: TrainingOptions,
    *,
    weightings: Mapping[str, str],
    seeds: Sequence[int] | None = None,
    context: RunContext,
    dtype: torch.dtype = torch.float32,
) -> dict[str, TrainingResult]:
    """Train the networks of several groupings, each distinct one once.

    All contenders of a seed see the same split, the same batches in the same order, the same
    initial states and the same budget of epochs.

    Args:
        groupings: label → grouping.
        weightings: label → name of the weighting.

    Raises:
        TaskvizError: as :func:`train_grouping`, before anything is trained.
    """
    seeds = tuple(dict.fromkeys(seeds)) if seeds else (context.seed,)
    splits = seed_splits(collection, seeds)
    members: dict[tuple[int, str], list[tuple[int, ...]]] = {}
    units = []
    for seed, split in splits.items():
        for label, grouping in groupings.items():
            members[seed, label] = check_grouping(split, grouping)
            units += [
                GroupUnit(tasks, group, label, weightings[label], seed)
                for group, tasks in enumerate(members[seed, label])
            ]
    trained = train_units(splits, units, options, context=context, dtype=dtype)
    results = {}
    for label, grouping in groupings.items():
        runs = []
        for seed, split in splits.items():
            settings = settings_of(split, options, weightings[label], context, dtype, seed)
            settings["resplit"] = len(splits) > 1
            keys = [
                GroupUnit(tasks, 0, label, weightings[label], seed).key
                for tasks in members[seed, label]
            ]
            outcomes = [trained.outcomes[key] for key in keys]
            runs.append(assemble(collection, grouping, outcomes, trained.scalings[seed], settings))
        results[label] = attach_predictor(TrainingResult.over_seeds(runs))
    return results


def check_grouping(collection: TaskCollection, grouping: Grouping) -> list[tuple[int, ...]]:
    """Task numbers of each group, ascending.

    Raises:
        TaskvizError: a task that the collection does not have, a task of the collection in no
            group, or a group that cannot be trained.
    """
    members = [tuple(sorted(collection.index(name) for name in g)) for g in grouping.groups]
    for number, name in enumerate(collection.names):
        if not any(number in tasks for tasks in members):
            raise TaskvizError(
                f"Task {name!r} of collection {collection.name!r} is in no group: put it into one, "
                "or select the other tasks of the collection first."
            )
    for tasks in members:
        check_trainable(collection, tasks)
    return members


def assemble(
    collection: TaskCollection,
    grouping: Grouping,
    chosen: Sequence[GroupOutcome],
    scaling: Scaling,
    settings: Mapping[str, Any],
) -> TrainingResult:
    """The result of one seed, not yet able to predict.

    Args:
        chosen: the trained groups of the grouping, in order.
    """
    members = check_grouping(collection, grouping)
    serving, notes = _serving(collection, grouping, members, chosen)
    return TrainingResult(
        grouping=grouping,
        metrics=_frame([o.metrics for o in chosen], METRIC_COLUMNS),
        history=_frame([o.history for o in chosen], HISTORY_COLUMNS),
        serving=serving,
        networks=tuple(outcome.network for outcome in chosen),
        preprocessing=_preprocessing(scaling),
        settings=settings,
        seed=int(settings["seed"]),
        # What the networks cost, also where some were trained before: an honest price to compare.
        seconds=sum(outcome.network.seconds for outcome in chosen),
        collection=collection.name,
        fingerprint=collection.fingerprint,
        notes=tuple(dict.fromkeys([*(n for o in chosen for n in o.notes), *notes])),
    )


def _serving(
    collection: TaskCollection,
    grouping: Grouping,
    members: list[tuple[int, ...]],
    outcomes: Sequence[GroupOutcome],
) -> tuple[dict[str, int], list[str]]:
    """The group of least validation loss for each task; the planned one where none was measured."""
    serving, notes = {}, []
    for number, name in enumerate(collection.names):
        losses = {
            group: next(
                (
                    float(row["value"])
                    for row in outcomes[group].metrics
                    if (row["task"], row["split"], row["metric"]) == (name, "valid", "loss")
                ),
                float("nan"),
            )
            for group, tasks in enumerate(members)
            if number in tasks
        }
        measured = {group: loss for group, loss in losses.items() if math.isfinite(loss)}
        found = min(measured, key=measured.__getitem__, default=grouping.serving[name])
        if not measured and len(losses) > 1:
            notes.append(
                f"Task {name!r} has no validation loss to choose its group by: it is served by "
                "the group that the grouping planned."
            )
        serving[name] = found
    return serving, notes


def settings_of(
    collection: TaskCollection,
    options: TrainingOptions,
    weighting: str,
    context: RunContext,
    dtype: torch.dtype,
    seed: int,
) -> dict[str, Any]:
    """Every setting, and all that is needed to build the networks again without the data."""
    from taskviz import __version__

    return {
        "options": option_values(options),
        "weighting": weighting,
        "seed": seed,
        "device": str(context.device),
        "device_name": describe_device(context.device),
        "dtype": str(dtype).removeprefix("torch."),
        "torch": str(torch.__version__),
        "taskviz": __version__,
        "version": VERSION,
        "origin": asdict(collection.origin),
        "layout": collection.layout,
        "modality": collection.modality,
        "network": network_kind(collection, options),
        "input_shape": list(collection.samples[0].inputs.shape[1:]),
        "input_shapes": [list(block.inputs.shape[1:]) for block in collection.samples],
        "feature_names": list(collection.feature_names),
        "input_columns": [column.to_json() for column in collection.input_columns],
        "tasks": [task.to_json() for task in collection.tasks],
        "split_sizes": {
            name: sum(int(np.count_nonzero(b.split == code)) for b in collection.samples)
            for code, name in enumerate(SPLITS)
        },
    }


def _preprocessing(scaling: Scaling) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    for i, centre in enumerate(scaling.input_centre):
        end = f".{i}" if i else ""
        arrays[f"input_centre{end}"] = centre
        arrays[f"input_scale{end}"] = scaling.input_scale[i]
    for i, centre in enumerate(scaling.target_centre):
        arrays[f"target_centre.{i}"] = centre
        arrays[f"target_scale.{i}"] = scaling.target_scale[i]
    return {name: np.asarray(array) for name, array in arrays.items()}


def _frame(parts: list[tuple[dict[str, Any], ...]], columns: tuple[str, ...]) -> "pd.DataFrame":
    import pandas as pd

    rows = [{**row, "group": group} for group, part in enumerate(parts) for row in part]
    return pd.DataFrame(rows, columns=list(columns))
