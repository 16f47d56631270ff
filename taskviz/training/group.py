"""One group: a network with one head a task, trained to the best mean validation loss."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

from taskviz.data.tensors import CollectionTensors
from taskviz.progress import SILENT, Progress
from taskviz.training.curves import CurvePoint
from taskviz.training.metrics import primary_metric, task_metrics, why_undefined
from taskviz.training.options import TrainingOptions
from taskviz.training.trainer import GroupTrainer, seeded
from taskviz.values import SPLITS, Split, TaskCollection, TaskvizError, TrainedNetwork

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class GroupOutcome:
    """A trained group.

    Args:
        network: the one checkpoint that is kept.
        history: rows step, task, split, metric, value, seed; the group's index is not theirs.
        metrics: rows task, split, metric, value, seed of the checkpoint; what is not defined on a
            split is left out and told in the notes.
        notes: sentences a reader must see.
        reached: epochs that were trained.
    """

    network: TrainedNetwork
    history: tuple[Row, ...]
    metrics: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    reached: int = 0


@dataclass
class _Best:
    """The checkpoint so far."""

    score: float = math.inf
    epoch: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)


def group_name(names: Sequence[str]) -> str:
    """A group for people: its tasks, or the first of them."""
    shown = " + ".join(names[:4])
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more"


def train_group(
    data: CollectionTensors,
    tasks: Sequence[int],
    options: TrainingOptions,
    *,
    weighting: str = "equal",
    seed: int = 0,
    progress: Progress = SILENT,
    label: Mapping[str, str | int] | None = None,
) -> GroupOutcome:
    """Train one network on a group by hard parameter sharing.

    Every batch takes its rows of the training split, whatever tasks have labels there; a missing
    label, and a batch without any label of a task, contributes nothing to that task. After each
    epoch the network is scored on validation; the state with the least mean loss over the tasks
    is the one kept, and training stops ``options.patience`` epochs after it.

    Args:
        data: a joint collection.
        tasks: numbers of the tasks; their order does not matter.
        options: how to train.
        weighting: name of the weighting.
        seed: of initial state and batch order.
        progress: told of each epoch; asked for a cancel.
        label: keys added to every live point, such as the contender and the index of the group.

    Raises:
        TaskvizError: a separate collection, a task without a label in the training split, an
            unknown weighting, or a loss that explodes before the first epoch ends well.
    """
    start = time.perf_counter()
    tasks = sorted(set(tasks))
    names = tuple(data.collection.names[number] for number in tasks)
    check_trainable(data.collection, tasks)
    scored = [i for i, t in enumerate(tasks) if _labelled(data.collection, t, "valid")]
    notes = _validation_notes(names, scored)
    history: list[Row] = []
    kept = _Best()
    epoch = 0
    progress.begin(f"Training {group_name(names)}", options.epochs)
    with seeded(seed, data.device):
        trainer = GroupTrainer(data, tasks, options, weighting=weighting, seed=seed)
        primary = [primary_metric(task) for task in trainer.objective.tasks]
        for epoch in range(1, options.epochs + 1):
            progress.check()
            points: dict[Split, CurvePoint] = {"train": trainer.run_epoch(progress.check)}
            points["valid"] = trainer.score("valid")
            failure = _exploded(points, scored, trainer)
            if failure is not None:
                what = _explosion(names, failure, epoch)
                if not kept.weights:
                    raise TaskvizError(
                        f"{what} before one good checkpoint was there: lower the learning rate "
                        f"(now {options.learning_rate:g}) or look for extreme values in the data."
                    )
                notes.append(
                    f"{what}; training stopped, the network of epoch {kept.epoch} is kept."
                )
                break
            rows = _rows(points, names, primary, epoch, seed)
            history += rows
            for row in rows:
                progress.record({**(label or {}), "tasks": ", ".join(names), **row})
            # Without a validation label there is nothing to choose by: the last state is kept.
            losses = [points["valid"].losses[i] for i in scored]
            score = float(np.mean(losses)) if scored else float(-epoch)
            if score < kept.score:
                kept = _Best(score, epoch, trainer.weights())
            progress.advance(1, _message(names, epoch, options.epochs, score if scored else None))
            if options.patience and epoch - kept.epoch >= options.patience:
                break
        reached = epoch
        progress.advance(options.epochs - reached, f"{group_name(names)}: done")
        trainer.network.load_state_dict(kept.weights)
        metrics, undefined = _final_metrics(trainer, names, seed)
    network = TrainedNetwork(
        tasks=names,
        weights={name: tensor.cpu().numpy() for name, tensor in kept.weights.items()},
        seed=seed,
        best_step=kept.epoch,
        seconds=time.perf_counter() - start,
    )
    return GroupOutcome(network, tuple(history), tuple(metrics), (*notes, *undefined), reached)


def check_trainable(collection: TaskCollection, tasks: Sequence[int]) -> None:
    """Raise unless a group of these tasks can be trained."""
    if collection.layout == "separate":
        raise TaskvizError(
            f"Collection {collection.name!r} is separate (each task has inputs of its own): "
            "training its groups is not there yet; only joint collections can be trained."
        )
    for number in tasks:
        if not _labelled(collection, number, "train"):
            names = group_name([collection.names[t] for t in tasks])
            raise TaskvizError(
                f"Task {collection.names[number]!r} has no label in the training split: the group "
                f"{names} cannot be trained. Leave the task out or give it labels there."
            )


def _labelled(collection: TaskCollection, task: int, split: Split) -> bool:
    rows = collection.samples_of(task).indices(split)
    return not bool(np.isnan(collection.target_of(task)[rows]).all())


def _validation_notes(names: tuple[str, ...], scored: list[int]) -> list[str]:
    if len(scored) == len(names):
        return []
    if not scored:
        return [
            f"Group {group_name(names)}: no task has a validation label, so there was no early "
            "stopping and the network of the last epoch is kept."
        ]
    without = ", ".join(name for i, name in enumerate(names) if i not in scored)
    return [
        f"Group {group_name(names)}: {without} has no validation label; the checkpoint was chosen "
        "by the other tasks."
    ]


def _exploded(
    points: Mapping[Split, CurvePoint], scored: list[int], trainer: GroupTrainer
) -> tuple[int | None, float] | None:
    """The first task whose loss is no longer finite, with that loss; None for the task: weights."""
    for i, loss in enumerate(points["train"].losses):
        if not math.isfinite(loss):
            return i, loss
    for i in scored:
        if not math.isfinite(points["valid"].losses[i]):
            return i, points["valid"].losses[i]
    return None if scored or trainer.finite() else (None, math.nan)


def _explosion(names: tuple[str, ...], failure: tuple[int | None, float], epoch: int) -> str:
    task, loss = failure
    if task is None:
        return f"Group {group_name(names)}: a weight became infinite in epoch {epoch}"
    return (
        f"Group {group_name(names)}: the loss of task {names[task]!r} became "
        f"{'infinite' if math.isinf(loss) else 'NaN'} in epoch {epoch}"
    )


def _rows(
    points: Mapping[Split, CurvePoint],
    names: tuple[str, ...],
    primary: list[str],
    epoch: int,
    seed: int,
) -> list[Row]:
    return [
        {
            "step": epoch,
            "task": name,
            "split": split,
            "metric": metric,
            "value": value,
            "seed": seed,
        }
        for split, point in points.items()
        for i, name in enumerate(names)
        for metric, value in (("loss", point.losses[i]), (primary[i], point.primary[i]))
        if math.isfinite(value)
    ]


def _message(names: tuple[str, ...], epoch: int, epochs: int, score: float | None) -> str:
    loss = "" if score is None else f", validation loss {score:.3g}"
    return f"{group_name(names)}: epoch {epoch} of at most {epochs}{loss}"


def _final_metrics(
    trainer: GroupTrainer, names: tuple[str, ...], seed: int
) -> tuple[list[Row], list[str]]:
    rows: list[Row] = []
    notes: list[str] = []
    objective, scaling = trainer.objective, trainer.data.scaling
    for split in SPLITS:
        outputs, indices = trainer.outputs(split)
        labels = objective.labels.cpu().take(indices)
        scores, targets = outputs.double().numpy(), labels.targets.double().numpy()
        masks = np.ones(targets.shape, bool) if labels.masks is None else labels.masks.numpy()
        for i, (name, task) in enumerate(zip(names, objective.tasks, strict=True)):
            own, span = objective.columns[i], objective.label_columns[i]
            number = trainer.tasks[i]
            found = task_metrics(
                task,
                scores[:, own],
                targets[:, span],
                masks[:, span],
                scaling.target_centre[number],
                scaling.target_scale[number],
            )
            given = {"task": name, "split": split, "seed": seed}
            rows += [
                {**given, "metric": metric, "value": value}
                for metric, value in found.items()
                if math.isfinite(value)
            ]
            left_out = [metric for metric, value in found.items() if not math.isfinite(value)]
            if len(left_out) == len(found):
                notes.append(f"Task {name!r} has no usable label in the {split} split: no metrics.")
            elif left_out:
                notes.append(
                    f"Task {name!r}, {split} split: {', '.join(left_out)} left out, since "
                    f"{why_undefined(task, left_out[0])} there."
                )
    return rows, notes
