"""Gradient-based estimation: every subset fine-tuned in a linear model of one joint network."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from taskviz.affinity.base import Estimator, Outcome
from taskviz.affinity.expansion import ExpansionOptions, expand, train_start
from taskviz.affinity.higher_order import higher_order_affinity
from taskviz.affinity.hoa import approximate, pair_losses, pairwise_gains
from taskviz.affinity.linear_model import LinearModel
from taskviz.affinity.marginal_gains import LossLookup
from taskviz.affinity.members import member_numbers, membership_of
from taskviz.affinity.support import mean_and_error, missing_notes
from taskviz.engines import RunContext
from taskviz.training.subsets import all_subsets, draw_subsets
from taskviz.values import SubsetTable, TaskCollection, option

ALL_UP_TO = 10
"""Tasks up to which the table holds every subset."""
RESIDUAL_TOLD = 0.01
PAIRS_UP_TO = 100
"""Tasks up to which ``auto`` estimates every pair; their number grows with T²."""
KEPT_BYTES = 256 << 20
"""Samples are saved beside the matrix, so that any group can be scored later, up to this size."""


@dataclass(frozen=True)
class GradientOptions(ExpansionOptions):
    """Options of :class:`Gradient`."""

    matrix: Literal["auto", "pairwise", "higher-order"] = option(
        "auto",
        "How subset losses become a matrix: gain in pairs, or scores in random groups; auto: pairs "
        "up to 100 tasks.",
    )
    m: int | None = option(
        None,
        "Random subsets estimated beside singles and pairs where not all are; by default ten a "
        "task, four beyond 100 tasks.",
        minimum=1,
        advanced=True,
    )


class Gradient(Estimator):
    """Estimates the loss of every subset without training it.

    One network is trained on all tasks: θ*. Its outputs are expanded to first order,
    ``f_W(x) ≈ f_θ*(x) + ∇f_θ*(x)ᵀ (W − θ*)``, with the gradients projected to d dimensions by a
    Rademacher matrix, ``W − θ* = P w / √d``. For each subset S a logistic or ridge regression on
    the training samples of its tasks (weighted as in training: each task alike) gives ŵ, with the
    base output as offset. ``L̂_t(S)`` is the validation loss of the linear model, or of the real
    network, at ``length · ŵ``. Ridge λ and length are chosen once, by the mean validation loss over
    some subsets. All subsets are solved as one batch (:class:`PooledFits`).

    The matrix is the pairwise gain as in HOA, from estimated losses, or the higher-order affinity
    of estimated random subsets. It carries no standard error: all estimates share one network.
    Beyond 100 tasks it is the latter, and pairs are left out: work and memory then grow with the
    number of tasks times that of random subsets, four a task.

    These are losses after fine-tuning a little from θ*. Against networks trained from scratch they
    ranked groups hardly better than chance in our own study; judge them within a task, since tasks
    differ in difficulty.
    """

    name = "gradient"
    version = 2
    title = "Gradient-based estimation"
    source = "Li et al., KDD 2024; talk, “Gradient-based estimation of task affinity”, eq. 1"
    summary = "Trains once, then solves a small regression for each group. Milliseconds a group."
    unit = "estimated relative fall of the target's loss in a pair with the source, against alone"
    predicts = "loss"
    Options = GradientOptions

    _lookup: LossLookup | None = None
    _model: tuple[Mapping[str, NDArray[Any]], LinearModel] | None = None

    def networks_needed(self, tasks: int) -> int:
        """One, on all tasks."""
        return 1

    def measure(self, collection: TaskCollection, context: RunContext) -> Outcome:
        """Joint training, projected gradients, one batch of regressions."""
        options: GradientOptions = self.options
        context.progress.begin(f"{self.title} of {collection.name}", 1.0)
        run = train_start(collection, options, context, share=0.5)
        model, notes = expand(run, options, context)
        pairwise = _pairwise(options, len(collection.tasks))
        wanted = _membership(collection.names, options, context.seed)
        losses = model.losses(torch.from_numpy(wanted).to(run.data.device))
        context.progress.advance(0.1)
        losses = np.where(wanted & np.isfinite(losses), losses, np.nan)
        table = SubsetTable(
            collection.names, wanted, losses, np.ones(len(wanted)), split="valid", estimated=True
        )
        if pairwise:
            alone, paired = pair_losses(table)
            values, _, support = pairwise_gains(alone, paired)
        else:
            values, _, support = higher_order_affinity(_random_part(table, options, context.seed))
            notes += _scores_note(len(collection.tasks))
        if model.residual > RESIDUAL_TOLD:
            notes += (
                f"In the worst of the fits {100 * model.residual:.2g} % of the gradient is left: "
                "its groups are estimated short of the optimum.",
            )
        if model.choice_at_edge:
            notes += (
                "Validation chose the strongest ridge tried: the best fits hardly leave the joint "
                "network, so the estimated differences between groups are small.",
            )
        alone, paired = pair_losses(table)
        state = {"alone": mean_and_error(alone)[0], "paired": mean_and_error(paired)[0]}
        kept = model.to_state()
        if sum(array.nbytes for array in kept.values()) <= KEPT_BYTES:
            state.update(kept)
        else:
            how = (
                "are scored by averaging pairs"
                if np.isfinite(state["paired"]).any()
                else "have no predicted loss"
            )
            notes += (
                f"Groups outside the table {how}: the projected gradients are too large to keep.",
            )
        return Outcome(
            values,
            support=support,
            networks_trained=1,
            notes=notes + missing_notes(support, "estimated subset"),
            table=table,
            state=state,
        )

    def predict(self, group: Iterable[str]) -> dict[str, float]:
        """Estimated loss of each task of a group.

        As in the table where it holds the group; else by solving the group's regression (always
        scored by the linear model).
        """
        tasks = self.affinity_.tasks
        members = member_numbers(tasks, group)
        inside = np.isin(np.arange(len(tasks)), members)
        if self._lookup is None or self._lookup.table is not self.table_:
            self._lookup = LossLookup(self.table_)
        known = self._lookup.losses(inside)
        if known is not None:
            losses = known
        elif "ridge" in self.state_:
            if self._model is None or self._model[0] is not self.state_:
                self._model = (self.state_, LinearModel.from_state(self.state_, len(tasks)))
            losses = self._model[1].losses(torch.from_numpy(inside[None]))[0]
        else:
            found = approximate(self.state_["alone"], self.state_["paired"], members)
            return {tasks[t]: loss for t, loss in zip(members, found, strict=True)}
        return {tasks[number]: float(losses[number]) for number in members}


def _membership(names: tuple[str, ...], options: GradientOptions, seed: int) -> NDArray[np.bool_]:
    """Subsets of the table: all of few tasks, else singles, pairs and random ones."""
    if len(names) <= ALL_UP_TO:
        subsets = all_subsets(names)
    else:
        few = 2 if _pairwise(options, len(names)) or len(names) <= PAIRS_UP_TO else 1
        subsets = [*all_subsets(names, few), *_random_subsets(names, options, seed)]
    return membership_of(names, list(dict.fromkeys(subsets)))


def _pairwise(options: GradientOptions, tasks: int) -> bool:
    if options.matrix == "auto":
        return tasks <= PAIRS_UP_TO
    return options.matrix == "pairwise"


def _scores_note(tasks: int) -> tuple[str, ...]:
    if tasks <= PAIRS_UP_TO:
        return ()
    return (
        "Entries are mean standardised scores in estimated random groups, not gains in pairs: "
        f"{tasks} tasks have {tasks * (tasks - 1) // 2:,} pairs.",
    )


def _random_subsets(
    names: tuple[str, ...], options: GradientOptions, seed: int
) -> list[tuple[str, ...]]:
    half = max(2, len(names) // 2)
    a_task = 10 if len(names) <= PAIRS_UP_TO else 4
    return draw_subsets(names, options.m or a_task * len(names), seed, size=half)


def _random_part(table: SubsetTable, options: GradientOptions, seed: int) -> SubsetTable:
    """The rows of the random subsets alone."""
    wanted = membership_of(table.tasks, _random_subsets(table.tasks, options, seed))
    place = {row.tobytes(): number for number, row in reversed(list(enumerate(table.membership)))}
    rows = np.array([place[row.tobytes()] for row in wanted])
    return SubsetTable(
        table.tasks,
        table.membership[rows],
        table.losses[rows],
        table.cost[rows],
        estimated=True,
    )
