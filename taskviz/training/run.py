"""One network's way from its first epoch to its last, with a state that a run can go on from."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

from taskviz.training.curves import Floats, Seen
from taskviz.training.metrics import primary_metric
from taskviz.training.trainer import GroupTrainer
from taskviz.values import Split

Row = dict[str, Any]
_SPLITS: tuple[Split, ...] = ("train", "valid")

HELD = 2_000_000
"""Outputs of epochs not yet scored that may wait in memory."""


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
        primary = [primary_metric(task) for task in trainer.task_values]
        self.series: tuple[Row, ...] = tuple(
            {"task": name, "split": split, "metric": metric}
            for split in _SPLITS
            for name, own in zip(self.names, primary, strict=True)
            for metric in ("loss", own)
        )
        """Curves, in the order of the columns of :meth:`untold`."""
        self._points: list[Floats] = []
        self._held: list[tuple[Seen, Seen]] = []
        self._told = 0

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

    @property
    def full(self) -> bool:
        """Whether so much waits to be scored that :meth:`settle` should not be put off."""
        if not self._held:
            return False
        # Every epoch holds as much as the last.
        return len(self._held) * sum(seen.size for seen in self._held[-1]) > HELD

    def advance(self, check: Callable[[], None] = lambda: None) -> None:
        """Train one epoch; the run is over where that ends in a :class:`Failure`.

        Args:
            check: called now and then within the epoch; may raise.
        """
        trainer, options = self.trainer, self.trainer.options
        self.epoch += 1
        train, valid = trainer.run_epoch(check), trainer.score("valid")
        self.failure = self._failure(train, valid)
        if self.failure is not None:
            return
        self._held.append((train, valid))
        losses = [valid.losses[i] for i in self.scored]
        self.score = sum(losses) / len(losses) if losses else None
        # Without a validation label there is nothing to choose by: the last state is kept.
        score = float(-self.epoch) if self.score is None else self.score
        if score < self.kept.score:
            self.kept = Best(score, self.epoch, trainer.weights(self.kept.weights))
        if self.ended is None:
            waited = self.epoch - self.kept.epoch
            if self.epoch >= options.epochs or (options.patience and waited >= options.patience):
                self.ended = self.epoch

    def settle(self) -> None:
        """Score the epochs that wait for it; whatever their number, the values are the same."""
        if not self._held:
            return
        held, self._held = self._held, []
        primary = [self.trainer.primary([pair[i] for pair in held]) for i in range(len(_SPLITS))]
        for epoch, pair in enumerate(held):
            point = [[seen.losses, primary[i][epoch].tolist()] for i, seen in enumerate(pair)]
            self._points.append(np.array(point, dtype=np.float64))

    def untold(self) -> tuple[range, Floats]:
        """Epochs that were not handed out yet, and ``(epochs, series)`` their values, NaN where
        not defined."""
        self.settle()
        steps = range(self._told + 1, len(self._points) + 1)
        points, self._told = self._points[self._told :], len(self._points)
        return steps, self._by_series(points)

    @property
    def history(self) -> list[Row]:
        """Rows step, task, split, metric, value, seed of all epochs; not what is not defined."""
        self.settle()
        return [
            {"step": step, **about, "value": value, "seed": self.seed}
            for step, values in enumerate(self._by_series(self._points).tolist(), start=1)
            for about, value in zip(self.series, values, strict=True)
            if math.isfinite(value)
        ]

    def _by_series(self, points: list[Floats]) -> Floats:
        # (epochs, split, loss or primary, task) to the order of the series
        whole = np.array(points).reshape(len(points), 2, 2, len(self.names))
        return whole.swapaxes(2, 3).reshape(len(points), len(self.series))

    def state(self) -> dict[str, Any]:
        """What :meth:`load_state` goes on from, after a whole epoch."""
        self.settle()
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
        self._points, self._held, self._told = list(state["points"]), [], 0
        self.epoch = len(self._points)

    def accepts(self, state: dict[str, Any]) -> bool:
        """Whether a saved state lies on the way to this run's end."""
        more = self.trainer.options.more_epochs
        return state["ended"] is None or state["epoch"] <= state["ended"] + more

    def _kept_weights(self) -> dict[str, Any]:
        # Where the last state is the best one, it is not written twice.
        return {"weights": None if self.kept.epoch == self.epoch else self.kept.weights}

    def _failure(self, train: Seen, valid: Seen) -> Failure | None:
        for i, loss in enumerate(train.losses):
            if not math.isfinite(loss):
                return Failure(self.epoch, i, loss)
        for i in self.scored:
            if not math.isfinite(valid.losses[i]):
                return Failure(self.epoch, i, valid.losses[i])
        whole = self.scored or self.trainer.finite()
        return None if whole else Failure(self.epoch, None, math.nan)
