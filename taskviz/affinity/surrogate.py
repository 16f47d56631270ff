"""Linear surrogate of the subset losses."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taskviz.affinity.base import Estimator, Outcome
from taskviz.affinity.members import member_numbers
from taskviz.affinity.negative_transfer import NegativeTransfer, negative_transfer_f1
from taskviz.affinity.redraws import Redraws, redraws_of_table
from taskviz.affinity.seeds import repeat_seeds
from taskviz.affinity.support import missing_notes
from taskviz.affinity.surrogate_fit import SurrogateFit, fit_surrogate
from taskviz.engines import RunContext
from taskviz.training.subsets import Subset, SubsetOptions, draw_subsets, train_subsets
from taskviz.values import SubsetTable, TaskCollection, option


@dataclass(frozen=True)
class SurrogateOptions(SubsetOptions):
    """Options of :class:`Surrogate`."""

    m: int | None = option(
        None, "Random subsets to train, fresh in each seed; by default two a task.", minimum=1
    )
    seeds: int = option(
        5, "Seeds: each has its own split, initial state and subsets.", minimum=1, maximum=1000
    )
    intercept: bool = option(
        True, "Fit the loss with no source as well; the talk's model has none.", advanced=True
    )
    ridge: float = option(
        0.0, "λ of the ridge penalty on the coefficients; 0 is least squares.", minimum=0
    )
    threshold: float = option(
        0.0,
        "γ: a source is chosen for a target where its coefficient is below this.",
        advanced=True,
    )
    held_out: int = option(
        0,
        "Further subsets to train (and every task alone) to score predicted negative transfer.",
        minimum=0,
        advanced=True,
    )


class Surrogate(Estimator):
    """Linear model of each target's loss: ``g(S) = θ_0 + Σ_{s ∈ S} θ_s``.

    θ̂ by least squares on random subsets that hold the target, each other task in with probability
    ½; ``A[s, t] = −θ̂_s``. Losses are scaled per seed and task (:func:`fit_surrogate`), so θ is a
    share of the target's loss. ``chosen(t)`` is the talk's selection ``S* = {s : θ̂_s < γ}``.

    By default 2T subsets in each of five seeds: measured on exhaustive truth, fresh subsets in
    several seeds order groups better than as many in one. Standard errors are those of least
    squares, which takes the networks as independent.
    """

    name = "surrogate"
    title = "Linear surrogate"
    source = "Li et al., TMLR 2023; talk, “Surrogate models”"
    summary = "Trains random groups, then tells which source lowers each target's loss."
    unit = "fall of the target's loss when the source joins, as a share of that loss"
    predicts = "loss"
    Options = SurrogateOptions

    def networks_needed(self, tasks: int) -> int:
        """m a seed (fewer where fewer different subsets exist) and at most those held out."""
        a_seed = min(self.options.m or 2 * tasks, 2**tasks - 1)
        extra = self.options.held_out + tasks if self.options.held_out else 0
        return int(self.options.seeds * a_seed + extra)

    def measure(self, collection: TaskCollection, context: RunContext) -> Outcome:
        """Train the subsets and fit."""
        options: SurrogateOptions = self.options
        names = collection.names
        seeds = repeat_seeds(context.seed, options.seeds)
        subsets = random_subsets(names, options.m or 2 * len(names), seeds)
        extra = _held_out(names, options.held_out, subsets, seeds[0])
        run = train_subsets(collection, [*subsets, *extra], options, context)
        used = take_rows(run.valid, np.arange(len(subsets)))
        fit = self._fit(used)
        notes = run.notes + missing_notes(
            fit.support, "subset that would tell the source's effect apart", "raise m or seeds"
        )
        state = fit.to_state()
        if extra:
            rest = take_rows(run.valid, np.arange(len(subsets), len(run.valid)))
            found = negative_transfer_f1(fit, rest)
            notes += (found.sentence(),)
            fresh = len(extra) - len(names)
            if fresh < options.held_out:
                notes += (f"Only {fresh} subsets were left to hold out of the fit.",)
            state["negative_transfer"] = np.array(
                [found.f1, found.precision, found.recall, found.cases, found.negatives]
            )
        return Outcome(
            -fit.coefficients + 0.0,
            fit.error,
            fit.support,
            networks_trained=len(run.valid),
            notes=notes,
            table=used,
            state=state,
        )

    def redraws(self) -> Redraws | None:
        """Seeds or networks drawn, and the fit."""
        return redraws_of_table(self.table_, self._refit, complete=False)

    def _fit(self, table: SubsetTable) -> SurrogateFit:
        options: SurrogateOptions = self.options
        return fit_surrogate(table, ridge=options.ridge, intercept=options.intercept)

    def _refit(self, table: SubsetTable) -> Outcome:
        return outcome_of(self._fit(table), table)

    @property
    def fit_(self) -> SurrogateFit:
        """The fitted model."""
        return SurrogateFit.from_state(self.state_)

    @property
    def negative_transfer_(self) -> NegativeTransfer | None:
        """F1 on held-out subsets, where option ``held_out`` asked for it."""
        found = self.state_.get("negative_transfer")
        if found is None:
            return None
        f1, precision, recall, cases, negatives = found.tolist()
        return NegativeTransfer(f1, precision, recall, int(cases), int(negatives))

    def chosen(self, target: str) -> tuple[str, ...]:
        """Sources whose coefficient for this target is below the threshold γ."""
        tasks = self.affinity_.tasks
        column = self.fit_.coefficients[:, member_numbers(tasks, [target])[0]]
        below = np.flatnonzero(column < self.options.threshold)
        return tuple(tasks[s] for s in below if tasks[s] != target)

    def predict(self, group: Iterable[str]) -> dict[str, float]:
        """Predicted loss of each task of a group."""
        return predict_group(self.fit_, self.affinity_.tasks, group)


def outcome_of(fit: SurrogateFit, table: SubsetTable) -> Outcome:
    """What a fit says, without notes."""
    return Outcome(
        -fit.coefficients + 0.0, fit.error, fit.support, table=table, state=fit.to_state()
    )


def predict_group(
    fit: SurrogateFit, tasks: tuple[str, ...], group: Iterable[str]
) -> dict[str, float]:
    """Predicted loss of each task of one group."""
    members = member_numbers(tasks, group)
    inside = np.isin(np.arange(len(tasks)), members)
    losses = fit.predict(inside[None])[0]
    return {tasks[number]: float(losses[number]) for number in members}


def random_subsets(names: tuple[str, ...], m: int, seeds: list[int]) -> list[Subset]:
    """``m`` subsets fresh in each seed, each task in with probability ½."""
    return [Subset(tasks, seed) for seed in seeds for tasks in draw_subsets(names, m, seed)]


def take_rows(table: SubsetTable, rows: NDArray[np.int64]) -> SubsetTable:
    """Some networks of a table."""
    return table.take(rows)


def _held_out(names: tuple[str, ...], count: int, used: list[Subset], seed: int) -> list[Subset]:
    """Every task alone, and subsets of two tasks or more that were not drawn before."""
    if not count:
        return []
    taken = {subset.tasks for subset in used}
    fresh = draw_subsets(names, 4 * (count + len(used)), seed + 1)
    picked = [Subset(tasks, seed) for tasks in fresh if len(tasks) > 1]
    picked = [subset for subset in picked if subset.tasks not in taken][:count]
    return [*(Subset((name,), seed) for name in names), *picked]
