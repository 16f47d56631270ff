"""One group: a network with one head a task, trained to the best mean validation loss."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

import numpy as np

from taskviz.data.tensors import CollectionTensors
from taskviz.progress import SILENT, Curves, Progress, Record
from taskviz.training.checkpoint import Checkpoints
from taskviz.training.choose_trainer import make_trainer
from taskviz.training.metrics import task_metrics, why_undefined
from taskviz.training.options import TrainingOptions
from taskviz.training.precision import precision_note, products_in
from taskviz.training.run import Failure, GroupRun, Row
from taskviz.training.threads import threads_for
from taskviz.training.trainer import GroupTrainer, seeded
from taskviz.values import (
    SPLITS,
    Cancelled,
    SettingsError,
    Split,
    TaskCollection,
    TaskvizError,
    TrainedNetwork,
)

TELL_EVERY = 0.5
"""Seconds between two tellings of the curves; every epoch is told."""

_SERIES = ("task", "split", "metric")


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
    checkpoints: Checkpoints | None = None,
) -> GroupOutcome:
    """Train one network on a group by hard parameter sharing, or by Reptile (``separate``).

    Every batch takes its rows of the training split, whatever tasks have labels there; a missing
    label, and a batch without any label of a task, contributes nothing to that task. After each
    epoch the network is scored on validation; the state with the least mean loss over the tasks
    is the one kept, and training stops ``options.patience`` epochs after it.

    Args:
        data: of the collection; separate data sets are trained as option ``separate`` says.
        tasks: numbers of the tasks; their order does not matter.
        options: how to train.
        weighting: name of the weighting.
        seed: of initial state and batch order.
        progress: told of each epoch; asked for a cancel.
        label: keys added to every live point, such as the contender and the index of the group.
        checkpoints: of this very network: training goes on from the newest and adds its own; the
            outcome is the same, bit for bit on the CPU, as without an interruption.

    Raises:
        TaskvizError: a task without a label in the training split, an
            unknown weighting, a loss that explodes before the first epoch ends well, or a
            checkpoint that cannot be written.
        Cancelled: the user asked to stop; the state of the last whole epoch is kept.
    """
    start = time.perf_counter()
    tasks = sorted(set(tasks))
    names = tuple(data.collection.names[number] for number in tasks)
    name = group_name(names)
    check_trainable(data.collection, tasks)
    scored = [i for i, t in enumerate(tasks) if _labelled(data.collection, t, "valid")]
    notes = _validation_notes(names, scored)
    if half := precision_note(options.precision, data.device):
        notes.append(half)
    progress.begin(f"Training {name}", options.epochs + options.more_epochs)
    with seeded(seed, data.device), products_in(options.precision, data.device):
        trainer = make_trainer(data, tasks, options, weighting=weighting, seed=seed)
        run = GroupRun(trainer, names, scored, seed)
        teller = _Teller(run, progress, {**(label or {}), "tasks": ", ".join(names)})
        with threads_for(trainer.network, options.batch_size, data.device):
            before = _resume(run, checkpoints, teller)
            _epochs(run, checkpoints, teller, lambda: before + time.perf_counter() - start)
            if run.failure is not None:
                notes.append(_stopped(run, options))
            left = options.epochs + options.more_epochs - run.epoch
            progress.advance(left, f"{name}: done")
            notes += trainer.weighting.notes()
            kept = run.kept
            trainer.network.load_state_dict(kept.weights)
            metrics, undefined = _final_metrics(trainer, names, seed)
    network = TrainedNetwork(
        tasks=names,
        weights={name: tensor.cpu().numpy() for name, tensor in kept.weights.items()},
        seed=seed,
        best_step=kept.epoch,
        seconds=before + time.perf_counter() - start,
    )
    return GroupOutcome(
        network, tuple(run.history), tuple(metrics), (*notes, *undefined), run.epoch
    )


def _epochs(
    run: GroupRun,
    checkpoints: Checkpoints | None,
    teller: "_Teller",
    seconds: Callable[[], float],
) -> None:
    """Train what is left of a run; ``seconds`` it took so far."""
    name, progress = group_name(run.names), teller.progress
    while not run.finished:
        try:
            _pause_point(run, checkpoints, progress, seconds())
            planned = run.planned
            run.advance(progress.check)
        except Cancelled:
            teller.tell()
            raise
        if run.failure is None:
            progress.advance(1, _message(name, run.epoch, planned, run.score))
            if checkpoints is not None and (run.finished or checkpoints.due()):
                _keep(run, checkpoints, seconds())
        teller.tell_if_due()
    teller.tell()


class _Teller:
    """Hands the curves of a run on: a page need not hear of them more often than it is drawn."""

    def __init__(self, run: GroupRun, progress: Progress, common: Record) -> None:
        self._run, self.progress = run, progress
        self._common = {**common, "seed": run.seed}
        self._last = -math.inf

    def tell_if_due(self) -> None:
        """Tell where enough time has passed or too much waits."""
        if time.monotonic() - self._last >= TELL_EVERY or self._run.full:
            self.tell()

    def tell(self) -> None:
        """Tell every epoch that was not told yet."""
        steps, values = self._run.untold()
        if len(steps):
            told = Curves(self._common, self._run.series, steps, values.tolist())
            self.progress.record_curves(told)
        self._last = time.monotonic()


def _resume(run: GroupRun, checkpoints: Checkpoints | None, teller: _Teller) -> float:
    """Go on from the newest checkpoint, if there is one; returns the seconds it took before."""
    device = run.trainer.data.device
    state = None if checkpoints is None else checkpoints.newest(run.accepts, device)
    if state is None:
        return 0.0
    run.load_state(state)
    # Curves are told again: a worker that was killed may not have told its last epochs.
    teller.tell()
    teller.progress.advance(run.epoch, f"{group_name(run.names)}: goes on after epoch {run.epoch}")
    return float(state["seconds"])


def tell_history(history: Sequence[Row], common: Record, progress: Progress) -> None:
    """Curves of an earlier training as live points, as they were told then."""
    for seed, rows in groupby(history, key=itemgetter("seed")):
        epochs = [list(own) for _, own in groupby(rows, key=itemgetter("step"))]
        for series, alike in groupby(epochs, key=_series_of):
            block = list(alike)
            progress.record_curves(
                Curves(
                    {**common, "seed": seed},
                    [dict(zip(_SERIES, names, strict=True)) for names in series],
                    [own[0]["step"] for own in block],
                    [[row["value"] for row in own] for own in block],
                )
            )


def _series_of(rows: Sequence[Row]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(row[name] for name in _SERIES) for row in rows)


def _pause_point(
    run: GroupRun, checkpoints: Checkpoints | None, progress: Progress, seconds: float
) -> None:
    """Between two epochs: where the user asked to stop, keep the state first."""
    try:
        progress.check()
    except Cancelled:
        if checkpoints is not None and run.epoch:
            _keep(run, checkpoints, seconds)
        raise


def _keep(run: GroupRun, checkpoints: Checkpoints, seconds: float) -> None:
    state = {**run.state(), "seconds": seconds}
    checkpoints.save(run.epoch, state, f"the group {group_name(run.names)}")


def _stopped(run: GroupRun, options: TrainingOptions) -> str:
    """What to say of a run whose loss exploded.

    Raises:
        SettingsError: no epoch had ended well before.
    """
    what = _explosion(run.names, run.failure)
    if not run.kept.weights:
        raise SettingsError(
            f"{what} before one good checkpoint was there: lower the learning rate "
            f"(now {options.learning_rate:g}) or look for extreme values in the data."
        )
    return f"{what}; training stopped, the network of epoch {run.kept.epoch} is kept."


def check_trainable(collection: TaskCollection, tasks: Sequence[int]) -> None:
    """Raise unless a group of these tasks can be trained."""
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


def _explosion(names: tuple[str, ...], failure: Failure | None) -> str:
    assert failure is not None
    where = f"Group {group_name(names)}"
    if failure.task is None:
        return f"{where}: a weight became infinite in epoch {failure.epoch}"
    return (
        f"{where}: the loss of task {names[failure.task]!r} became "
        f"{'infinite' if math.isinf(failure.loss) else 'NaN'} in epoch {failure.epoch}"
    )


def _message(name: str, epoch: int, epochs: int, score: float | None) -> str:
    loss = "" if score is None else f", validation loss {score:.3g}"
    return f"{name}: epoch {epoch} of at most {epochs}{loss}"


def _final_metrics(
    trainer: GroupTrainer, names: tuple[str, ...], seed: int
) -> tuple[list[Row], list[str]]:
    rows: list[Row] = []
    notes: list[str] = []
    scaling = trainer.data.scaling
    for split in SPLITS:
        found_by_task = trainer.evaluated(split)
        for i, (name, task) in enumerate(zip(names, trainer.task_values, strict=True)):
            outputs, labels = found_by_task[i]
            targets = labels.targets.double().numpy()
            masks = np.ones(targets.shape, bool) if labels.masks is None else labels.masks.numpy()
            number = trainer.tasks[i]
            found = task_metrics(
                task,
                outputs.double().numpy(),
                targets,
                masks,
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
