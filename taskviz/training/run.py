"""One network's way from its first epoch to its last, with a state that a run can go on from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

from taskviz.progress import Progress
from taskviz.training.curves import CurvePoint
from taskviz.training.metrics import primary_metric
from taskviz.training.trainer import GroupTrainer
from taskviz.values import Split

Row = dict[str, Any]
_SPLITS: tuple[Split, ...] = ("train", "valid")


@dataclass
class Best:
    """The state that is kept so far."""

    score: float = math.inf
    epoch: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """An epoch after which a loss, or (task None) a weight, is no longer a finite number."""

    epoch: int
    task: int | None
    loss: float


class GroupRun:
    """Epochs, curves and the best state of a group's network.

    The run ends after ``options.epochs`` epochs, or ``options.patience`` after the best one;
    ``options.more_epochs`` then follow from its last state. All but those last ones is the same
    whatever their number, so a finished run can be gone on with.

    Args:
        trainer: the network and its batches, before the first epoch.
        names: of the tasks.
        scored: places of the tasks with a validation label; without any, the last state is kept.
        seed: noted in every row.
    """

    def __init__(
        self, trainer: GroupTrainer, names: Sequence[str], scored: Sequence[int], seed: int
    ) -> None:
        self.trainer, self.names, self.scored, self.seed = trainer, tuple(names), scored, seed
        self.kept = Best()
        self.epoch = 0
        self.ended: int | None = None
        """Epoch after which the run proper ended."""
        self.failure: Failure | None = None
        self.score: float | None = None
        """Mean validation loss after the last epoch."""
        self.history: list[Row] = []
        self._points: list[np.ndarray[Any, np.dtype[np.float64]]] = []
        self._primary = [primary_metric(task) for task in trainer.task_values]

    @property
    def planned(self) -> int:
        """Epochs at most."""
        options = self.trainer.options
        return (options.epochs if self.ended is None else self.ended) + options.more_epochs

    @property
    def finished(self) -> bool:
        """Nothing is left to train."""
        if self.failure is not None:
            return True
        return self.ended is not None and self.epoch >= self.planned

    def advance(self, progress: Progress) -> list[Row]:
        """Train one epoch; returns its rows, none where it ended in a :class:`Failure`."""
        trainer, options = self.trainer, self.trainer.options
        self.epoch += 1
        points = {"train": trainer.run_epoch(progress.check), "valid": trainer.score("valid")}
        self.failure = self._failure(points)
        if self.failure is not None:
            return []
        rows = self._take(
            np.array([[points[s].losses, points[s].primary] for s in _SPLITS], dtype=np.float64)
        )
        losses = [points["valid"].losses[i] for i in self.scored]
        self.score = float(np.mean(losses)) if losses else None
        # Without a validation label there is nothing to choose by: the last state is kept.
        score = float(-self.epoch) if self.score is None else self.score
        if score < self.kept.score:
            self.kept = Best(score, self.epoch, trainer.weights(self.kept.weights))
        if self.ended is None:
            waited = self.epoch - self.kept.epoch
            if self.epoch >= options.epochs or (options.patience and waited >= options.patience):
                self.ended = self.epoch
        return rows

    def state(self) -> dict[str, Any]:
        """What :meth:`load_state` goes on from, after a whole epoch."""
        return {
            "trainer": self.trainer.state(),
            "points": np.array(self._points),
            "kept": {"score": self.kept.score, "epoch": self.kept.epoch, **self._kept_weights()},
            "epoch": self.epoch,
            "ended": self.ended,
            "score": self.score,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a saved state; the history is there again."""
        self.trainer.load_state(state["trainer"])
        kept = state["kept"]
        weights = kept["weights"] or self.trainer.weights()
        self.kept = Best(kept["score"], kept["epoch"], weights)
        self.ended, self.score = state["ended"], state["score"]
        self.history, self._points, self.epoch = [], [], 0
        for point in state["points"]:
            self.epoch += 1
            self._take(point)

    def accepts(self, state: dict[str, Any]) -> bool:
        """Whether a saved state lies on the way to this run's end."""
        more = self.trainer.options.more_epochs
        return state["ended"] is None or state["epoch"] <= state["ended"] + more

    def _kept_weights(self) -> dict[str, Any]:
        # Where the last state is the best one, it is not written twice.
        return {"weights": None if self.kept.epoch == self.epoch else self.kept.weights}

    def _take(self, point: np.ndarray[Any, np.dtype[np.float64]]) -> list[Row]:
        self._points.append(point)
        rows = [
            {
                "step": self.epoch,
                "task": name,
                "split": split,
                "metric": metric,
                "value": value,
                "seed": self.seed,
            }
            for split, (losses, primary) in zip(_SPLITS, point.tolist(), strict=True)
            for i, name in enumerate(self.names)
            for metric, value in (("loss", losses[i]), (self._primary[i], primary[i]))
            if math.isfinite(value)
        ]
        self.history += rows
        return rows

    def _failure(self, points: dict[str, CurvePoint]) -> Failure | None:
        for i, loss in enumerate(points["train"].losses):
            if not math.isfinite(loss):
                return Failure(self.epoch, i, loss)
        for i in self.scored:
            if not math.isfinite(points["valid"].losses[i]):
                return Failure(self.epoch, i, points["valid"].losses[i])
        whole = self.scored or self.trainer.finite()
        return None if whole else Failure(self.epoch, None, math.nan)
