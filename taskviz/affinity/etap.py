"""ETAP: update similarity, mapped to gains by a regression on a few trained groups."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskviz.affinity.base import Estimator, Outcome
from taskviz.affinity.gain_model import GainModel, fit_gain_model, group_scores
from taskviz.affinity.joint_training import JointOptions, JointTraining
from taskviz.affinity.marginal_gains import gains_over_alone
from taskviz.affinity.members import member_numbers
from taskviz.affinity.redraws import Redraws, drawn, kept_draws, redraws_of_table
from taskviz.affinity.shared_gradients import gradient_gram, gram_cosines, shared_gradient
from taskviz.affinity.support import mean_and_error, missing_notes
from taskviz.engines import RunContext
from taskviz.networks import network_options
from taskviz.training.subsets import Subset, SubsetOptions, draw_subsets, train_subsets
from taskviz.values import TaskCollection, TaskvizError, option

STRETCHES = 20
"""Of the joint training, that are drawn again together."""


@dataclass(frozen=True)
class ETAPOptions(SubsetOptions):
    """Options of :class:`ETAP`."""

    groups: int | None = option(
        None,
        "Random groups to train for the regression; by default four a task.",
        minimum=1,
    )
    every: int = option(
        5, "Steps of the joint training between two measurements.", minimum=1, advanced=True
    )


class ETAP(Estimator):
    """Pair affinity from one joint training, group gains from a regression on trained groups.

    The affinity of a pair is the cosine between the gradients of the two tasks' losses with respect
    to the shared parameters, averaged over one joint training; that is the matrix. A group's score
    for t is the mean over its other members. A B-spline regression (degree and knots by
    cross-validation over groups) maps the score to the gain
    ``(L_t({t}) − L_t(S)) / L_t({t})`` measured on ``groups`` random groups and all single tasks; a
    ridge regression of what is left on the 0/1 membership, a column of coefficients a target,
    corrects it as far as held-out groups want (its penalty may come out infinite).

    The standard error of the matrix takes the measured steps as independent; they are not quite.
    """

    name = "etap"
    title = "ETAP"
    source = "Ayman et al., ICLR 2026"
    summary = (
        "Watches update directions in one joint training, then learns gains from a few groups."
    )
    unit = "mean cosine between the two tasks' updates of the shared parameters"
    predicts = "gain"
    version = 3
    Options = ETAPOptions

    def networks_needed(self, tasks: int) -> int:
        """One on all tasks, every task alone, and the groups."""
        return int(1 + tasks + min(self.options.groups or 4 * tasks, 2**tasks - 1 - tasks))

    def measure(self, collection: TaskCollection, context: RunContext) -> Outcome:
        """Joint training, groups, regression."""
        options: ETAPOptions = self.options
        size = len(collection.tasks)
        context.progress.begin(f"{self.title} of {collection.name}", 1.0)
        draws = update_cosines(
            collection, options, replace(context, progress=context.progress.part(0.3))
        )
        values, error, support = mean_and_error(draws)
        names = collection.names
        wanted = self.networks_needed(size) - 1 - size
        # Single tasks are trained anyhow: draw until enough larger groups are there.
        drawn = draw_subsets(names, wanted + size, context.seed)
        groups = [tasks for tasks in drawn if len(tasks) > 1][:wanted]
        subsets = [Subset(tasks, context.seed) for tasks in (*((name,) for name in names), *groups)]
        part = replace(context, progress=context.progress.part(0.7))
        run = train_subsets(collection, subsets, options, part)
        scores = group_scores(values, run.valid.membership)
        gains = gains_over_alone(run.valid)
        if not (np.isfinite(scores) & np.isfinite(gains)).any():
            raise TaskvizError(
                f"None of the {len(groups)} groups trained on {collection.name!r} has a finite "
                "gain: lower the learning rate or check the validation labels."
            )
        model = fit_gain_model(run.valid.membership, scores, gains, context.seed)
        return Outcome(
            values,
            error,
            support,
            networks_trained=1 + len(subsets),
            notes=(
                _sentence(model),
                *run.notes,
                *missing_notes(support, "measured step"),
            ),
            table=run.valid,
            state={**model.to_state(), **_stretches(draws)},
        )

    def redraws(self) -> Redraws | None:
        """Stretches of the joint training drawn, and the groups that the regression rests on."""
        if self.table_ is None or "step_sums" not in self.state_:
            return None
        sums, counts = self.state_["step_sums"], self.state_["step_counts"]
        alone = self.table_.membership.sum(axis=1) == 1
        groups = redraws_of_table(
            self.table_,
            lambda table: Outcome(np.zeros(0), table=table),
            complete=False,
            fixed=alone,
        )
        if groups is None:
            return None

        def measure(rng: np.random.Generator) -> Outcome:
            table = groups.measure(rng).table
            assert table is not None
            picked = drawn(rng, len(sums))
            count = counts[picked].sum(axis=0)
            total = sums[picked].sum(axis=0)
            values = np.where(count > 0, total / np.maximum(count, 1), np.nan)
            # The regression is fitted once a gain is asked for: it takes far longer than the rest.
            return Outcome(values, None, count, table=table)

        return Redraws(
            f"{len(sums)} stretches of the joint training and the {int((~alone).sum())} groups of "
            "the regression are drawn again, with replacement.",
            measure,
        )

    def predict(self, group: Iterable[str]) -> dict[str, float]:
        """Predicted gain of each task of a group, against alone; 0 for a task alone."""
        tasks = self.affinity_.tasks
        members = member_numbers(tasks, group)
        inside = np.isin(np.arange(len(tasks)), members)[None]
        gains = self._model().predict(inside, group_scores(self.affinity_.values, inside))[0]
        return {tasks[number]: float(gains[number]) for number in members}

    def _model(self) -> GainModel:
        if not self.state_ and self.table_ is not None:
            table, seed = self.table_, self.affinity_.seed or 0
            scores = group_scores(self.affinity_.values, table.membership)
            model = fit_gain_model(table.membership, scores, gains_over_alone(table), seed)
            self.state_ = model.to_state()
        return GainModel.from_state(self.state_)


def update_cosines(
    collection: TaskCollection, options: ETAPOptions, context: RunContext
) -> list[NDArray[np.float64]]:
    """``(T, T)`` cosines of the tasks' gradients at every measured step of one joint training."""
    joint = JointOptions(
        **network_options(options),
        epochs=options.epochs,
        batch_size=max(2, options.batch_size),
        learning_rate=options.learning_rate,
    )
    run = JointTraining(collection, joint, context)
    shared = run.network.shared_parameters()
    context.progress.begin("Joint training", run.total_steps)
    draws = []
    for step in run.steps(context):
        if (step.number - 1) % options.every == 0:
            losses = run.losses(step.rows)
            gram = gradient_gram([shared_gradient(loss, shared) for loss in losses])
            draws.append(gram_cosines(gram))
    return draws


def _stretches(draws: list[NDArray[np.float64]]) -> dict[str, NDArray[Any]]:
    """Sums and counts over stretches of steps: neighbouring steps are too alike to be drawn one by
    one."""
    parts = np.array_split(np.stack(draws), min(STRETCHES, len(draws)))
    sums = kept_draws([np.nansum(part, axis=0) for part in parts], "step_sums")
    counts = np.stack([np.isfinite(part).sum(axis=0) for part in parts])
    return {**sums, "step_counts": counts} if sums else {}


def _sentence(model: GainModel) -> str:
    spline, mean = model.errors
    if not len(model.knots):
        return (
            "Held-out groups' gains do not follow the update similarity: the regression is a "
            "constant" + (f" (error {mean:.2g})." if np.isfinite(mean) else ".")
        )
    return (
        f"Regression from similarity to gain: degree {int(model.degree)}; held-out mean squared "
        f"error {spline:.2g}, against {mean:.2g} for the mean gain."
    )
