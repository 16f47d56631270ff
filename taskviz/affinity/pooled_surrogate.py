"""Surrogate of the subset losses whose effects are pooled over targets."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskviz.affinity.base import Estimator, Outcome
from taskviz.affinity.members import member_numbers
from taskviz.affinity.pooled_model import Array, PooledModel, features, fit_pooled
from taskviz.affinity.redraws import Redraws, redraws_of_table
from taskviz.affinity.seeds import repeat_seeds
from taskviz.affinity.support import missing_notes
from taskviz.affinity.surrogate import random_subsets
from taskviz.engines import RunContext
from taskviz.training.subsets import SubsetOptions, train_subsets
from taskviz.values import SubsetTable, TaskCollection, TaskvizError, option

CONTEXTS = 256
"""Random groups that an entry of the matrix is averaged over."""
LARGEST = 40


@dataclass(frozen=True)
class PooledSurrogateOptions(SubsetOptions):
    """Options of :class:`PooledSurrogate`."""

    m: int | None = option(
        None, "Random subsets to train, fresh in each seed; by default two a task.", minimum=1
    )
    seeds: int = option(
        5, "Seeds: each has its own split, initial state and subsets.", minimum=1, maximum=1000
    )


class PooledSurrogate(Estimator):
    """Random-effects model of the losses of random groups (:mod:`taskviz.affinity.pooled_model`).

    Where ``surrogate`` fits every target by itself, this one lets the targets share what they have
    in common: how much a crowded group costs, which sources help or hurt whoever they train with,
    which pairs help each other; beside effects of each ordered pair, a smooth part that a seed
    adds to like groups, and what a network does to all of its tasks. ``A[s, t]`` is the fall of t's
    loss when s joins, as a share of t's loss, averaged over random groups that hold t; its standard
    error is that of the posterior.

    Measured on exhaustive truth it needs about half of the networks that ``surrogate`` needs for
    the same captured gain (``docs/evidence.md``).

    Raises:
        TaskvizError: more than 40 tasks, for which the joint fit grows too large.
    """

    name = "pooled-surrogate"
    title = "Pooled surrogate"
    source = "ours; cf. Li et al., TMLR 2023, for the linear surrogate of each target by itself"
    summary = "Trains random groups and lets all targets learn from them together. Recommended."
    unit = "fall of the target's loss when the source joins, as a share of that loss"
    predicts = "loss"
    Options = PooledSurrogateOptions

    _model: tuple[Mapping[str, NDArray[Any]], PooledModel] | None = None

    def networks_needed(self, tasks: int) -> int:
        """m a seed, fewer where fewer different subsets exist."""
        return int(self.options.seeds * min(self.options.m or 2 * tasks, 2**tasks - 1))

    def measure(self, collection: TaskCollection, context: RunContext) -> Outcome:
        """Train the subsets and fit."""
        options: PooledSurrogateOptions = self.options
        names = collection.names
        if len(names) > LARGEST:
            raise TaskvizError(
                f"Collection {collection.name!r} has {len(names)} tasks: the pooled surrogate "
                f"takes at most {LARGEST}; use the method surrogate, or select some tasks."
            )
        seeds = repeat_seeds(context.seed, options.seeds)
        subsets = random_subsets(names, options.m or 2 * len(names), seeds)
        run = train_subsets(collection, subsets, options, context)
        found = _outcome(fit_pooled(run.valid), run.valid)
        assert found.support is not None
        notes = missing_notes(found.support, "network of both", "raise m or seeds")
        return replace(found, networks_trained=len(subsets), notes=run.notes + notes)

    def redraws(self) -> Redraws | None:
        """Seeds or networks drawn, and the effects fitted with the variances that were learnt."""
        variances = np.asarray(self.state_["variances"])

        def refit(table: SubsetTable) -> Outcome:
            return _outcome(fit_pooled(table, uncertainty=False, variances=variances), table)

        return redraws_of_table(
            self.table_,
            refit,
            complete=False,
            also="The variances of the effects stay as they were learnt from all networks.",
        )

    def predict(self, group: Iterable[str]) -> dict[str, float]:
        """Predicted loss of each task of a group; NaN where a task has no loss at all."""
        state = self.state_
        if self._model is None or self._model[0] is not state:
            # Not through the table: what was saved suffices.
            level, spread, effects, variances = (
                np.asarray(state[name]) for name in ("level", "spread", "effects", "variances")
            )
            self._model = state, PooledModel(level, spread, effects, None, variances)
        tasks = self.affinity_.tasks
        members = member_numbers(tasks, group)
        inside = np.isin(np.arange(len(tasks)), members)
        losses = self._model[1].predict(inside[None])[0]
        return {tasks[number]: float(losses[number]) for number in members}


def joining(model: PooledModel) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """``(T, T)`` mean relative fall of the target's loss when the source joins, and its error.

    Averaged over random groups of the target and others, each in with probability one half.
    """
    steps = _steps(len(model.level))
    values, error = model.spread * (steps @ model.mean), np.zeros(steps.shape[:2])
    if model.covariance is not None:
        for s, t in np.argwhere(~np.eye(len(steps), dtype=bool)):
            variance = float(steps[s, t] @ model.covariance @ steps[s, t])
            error[s, t] = model.spread[t] * np.sqrt(max(variance, 0.0))
    return values, error


@lru_cache(maxsize=2)
def _steps(size: int) -> Array:
    """``(T, T, D)`` how much less each effect counts for the target when the source joins."""
    others = np.random.default_rng(0).random((CONTEXTS, size)) < 0.5
    found = np.zeros((size, size, features(others[:1], np.zeros(1, np.int64)).shape[1]))
    for t in range(size):
        target = np.full(CONTEXTS, t)
        for s in range(size):
            if s == t:
                continue
            without, joined = others.copy(), others.copy()
            without[:, t] = joined[:, t] = joined[:, s] = True
            without[:, s] = False
            found[s, t] = (features(without, target) - features(joined, target)).mean(axis=0)
    return found


def _outcome(model: PooledModel, table: SubsetTable) -> Outcome:
    values, error = joining(model)
    support = table.membership.astype(np.int64).T @ np.isfinite(table.losses).astype(np.int64)
    blind = support == 0
    return Outcome(
        np.where(blind, np.nan, values),
        None if model.covariance is None else np.where(blind, np.nan, error),
        support,
        table=table,
        state={
            "level": model.level,
            "spread": model.spread,
            "effects": model.mean,
            "variances": model.variances,
        },
    )
