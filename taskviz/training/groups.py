"""A grouping: one network a group, each task served by the group that validates best for it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from taskviz.data.tensors import CollectionTensors, Scaling, to_tensors
from taskviz.engines import RunContext, describe_device
from taskviz.networks import network_kind
from taskviz.progress import Progress
from taskviz.training.checkpoint import Checkpoints
from taskviz.training.group import GroupOutcome, check_trainable, group_name, train_group
from taskviz.training.options import TrainingOptions
from taskviz.training.predict import attach_predictor
from taskviz.training.stored import VERSION, GroupStore
from taskviz.training.weighting import check_weighting
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

__all__ = ["VERSION", "GroupUnit", "assemble", "check_grouping", "train_grouping", "train_units"]


@dataclass(frozen=True)
class GroupUnit:
    """One network to train: the unit that an engine runs.

    Args:
        tasks: task numbers, ascending.
        group: index of the group in its grouping.
        contender: label of the grouping, "" where there is only one.
    """

    tasks: tuple[int, ...]
    group: int = 0
    contender: str = ""

    @property
    def label(self) -> dict[str, str | int]:
        """Keys of the unit's live points."""
        named = {"contender": self.contender} if self.contender else {}
        return {**named, "group": self.group}


def train_grouping(
    collection: TaskCollection,
    grouping: Grouping,
    options: TrainingOptions | None = None,
    *,
    weighting: str = "equal",
    context: RunContext | None = None,
    dtype: torch.dtype = torch.float32,
) -> TrainingResult:
    """Train one network a group.

    Finished groups are kept in ``context.cache`` and are not trained again, be it after an
    interruption or as part of another grouping.

    Args:
        collection: joint or separate.
        grouping: must cover every task of the collection.
        options: how to train.
        weighting: name of the weighting.
        context: seed, device, progress (one unit a group), cache and engine.
        dtype: of data and weights.

    Raises:
        TaskvizError: a grouping that does not fit the collection, or what
            :func:`taskviz.training.group.train_group` raises.
        Cancelled: the user asked to stop; finished groups are kept.
    """
    options, context = options or TrainingOptions(), context or RunContext()
    members = check_grouping(collection, grouping)
    units = [GroupUnit(tasks, group) for group, tasks in enumerate(members)]
    outcomes, scaling = train_units(
        collection, units, options, weighting=weighting, context=context, dtype=dtype
    )
    settings = settings_of(collection, options, weighting, context, dtype)
    return assemble(collection, grouping, outcomes, scaling, settings)


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


def train_units(
    collection: TaskCollection,
    units: Sequence[GroupUnit],
    options: TrainingOptions,
    *,
    weighting: str,
    context: RunContext,
    dtype: torch.dtype = torch.float32,
) -> tuple[dict[tuple[int, ...], GroupOutcome], Scaling]:
    """Train every distinct group of some units once; those in the cache are taken from there.

    Returns:
        task numbers → trained group, and the scaling of the data.
    """
    distinct: dict[tuple[int, ...], GroupUnit] = {}
    for unit in units:
        distinct.setdefault(unit.tasks, unit)
    check_weighting(weighting)
    progress, device = context.progress, context.device
    progress.begin(f"Training {_networks(len(distinct))}", len(distinct))
    store = GroupStore(
        context.cache,
        collection,
        options,
        weighting=weighting,
        seed=context.seed,
        device=device,
        dtype=dtype,
    )
    outcomes: dict[tuple[int, ...], GroupOutcome] = {}
    for tasks, unit in distinct.items():
        progress.check()
        found = store.find(tasks)
        if found is not None:
            outcomes[tasks] = found
            # Its curve is told again: a run that was killed may have kept the network but not yet
            # told its last epochs, and another run never told them here.
            for row in found.history:
                progress.record({**unit.label, "tasks": ", ".join(found.network.tasks), **row})
            progress.advance(1, f"{group_name(found.network.tasks)}: trained before")
    missing = [unit for tasks, unit in distinct.items() if tasks not in outcomes]
    data = to_tensors(collection, device, dtype)
    train = partial(_train_unit, data, options, weighting, context.seed)
    specs = [(unit, store.checkpoints(unit.tasks)) for unit in missing]
    for index, outcome in context.engine.run(train, specs, progress):
        store.put(missing[index].tasks, outcome)
        outcomes[missing[index].tasks] = outcome
    return outcomes, data.scaling


def _train_unit(
    data: CollectionTensors,
    options: TrainingOptions,
    weighting: str,
    seed: int,
    spec: tuple[GroupUnit, Checkpoints | None],
    progress: Progress,
) -> GroupOutcome:
    unit, checkpoints = spec
    return train_group(
        data,
        unit.tasks,
        options,
        weighting=weighting,
        seed=seed,
        progress=progress,
        label=unit.label,
        checkpoints=checkpoints,
    )


def assemble(
    collection: TaskCollection,
    grouping: Grouping,
    outcomes: Mapping[tuple[int, ...], GroupOutcome],
    scaling: Scaling,
    settings: Mapping[str, Any],
) -> TrainingResult:
    """The result of a grouping whose groups are all among ``outcomes``."""
    members = check_grouping(collection, grouping)
    chosen = [outcomes[tasks] for tasks in members]
    serving, notes = _serving(collection, grouping, members, chosen)
    result = TrainingResult(
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
    return attach_predictor(result)


def _serving(
    collection: TaskCollection,
    grouping: Grouping,
    members: list[tuple[int, ...]],
    outcomes: list[GroupOutcome],
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
) -> dict[str, Any]:
    """Every setting, and all that is needed to build the networks again without the data."""
    from taskviz import __version__

    return {
        "options": option_values(options),
        "weighting": weighting,
        "seed": context.seed,
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


def _networks(count: int) -> str:
    return f"{count} network{'' if count == 1 else 's'}"
