"""Gradient-based estimation: every subset fine-tuned in a linear model of one joint network."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from taskviz.affinity.base import Estimator, Outcome
from taskviz.affinity.higher_order import higher_order_affinity
from taskviz.affinity.hoa import approximate, pair_losses, pairwise_gains
from taskviz.affinity.joint_training import JointOptions, JointTraining
from taskviz.affinity.linearisation import Projection, outputs_at, projected_gradients
from taskviz.affinity.marginal_gains import LossLookup
from taskviz.affinity.members import member_numbers
from taskviz.affinity.pooled_fits import PooledFits, TaskSamples
from taskviz.affinity.support import mean_and_error, missing_notes
from taskviz.engines import RunContext
from taskviz.training.subsets import all_subsets, draw_subsets
from taskviz.values import Split, SubsetTable, TaskCollection, TaskvizError, option

ALL_UP_TO = 10
"""Tasks up to which the table holds every subset."""
RIDGES = (0.3, 1.0, 10.0, 100.0)
"""λ, in units of the mean curvature of the training loss."""
LENGTHS = (0.25, 0.5, 1.0)
LEAST_SAMPLES = 10
KEPT_BYTES = 64 << 20
"""Samples are saved beside the matrix, so that any group can be scored later, up to this size."""


@dataclass(frozen=True)
class GradientOptions(JointOptions):
    """Options of :class:`Gradient`."""

    dimension: int = option(
        200, "Dimension d the gradients are projected to.", minimum=1, maximum=4096
    )
    samples: int = option(
        1000, "Samples of each split and task at most.", minimum=LEAST_SAMPLES, advanced=True
    )
    offset: bool = option(
        True,
        "Fit on top of the joint network's outputs; the authors' first code leaves them out.",
        advanced=True,
    )
    evaluate: Literal["linear", "network"] = option(
        "linear",
        "Score a fit by the linear model, or by the real network at the fitted parameters.",
        advanced=True,
    )
    parameters: Literal["shared", "all"] = option(
        "shared", "Parameters that are fine-tuned: the trunk's, or the heads' too.", advanced=True
    )
    matrix: Literal["pairwise", "higher-order"] = option(
        "pairwise", "How subset losses become a matrix: gain in pairs, or scores in random groups."
    )
    m: int | None = option(
        None,
        "Random subsets estimated beside singles and pairs where not all are; by default ten a "
        "task.",
        minimum=1,
        advanced=True,
    )
    memory_mb: int = option(512, "Memory for projected gradients, in MB.", minimum=1, advanced=True)


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

    These are losses after fine-tuning a little from θ*. Against networks trained from scratch they
    ranked groups hardly better than chance in our own study; judge them within a task, since tasks
    differ in difficulty.
    """

    name = "gradient"
    title = "Gradient-based estimation"
    source = "Li et al., KDD 2024; talk, “Gradient-based estimation of task affinity”, eq. 1"
    summary = "Trains once, then solves a small regression for each group. Milliseconds a group."
    unit = "estimated relative fall of the target's loss in a pair with the source, against alone"
    predicts = "loss"
    Options = GradientOptions

    _lookup: LossLookup | None = None
    _model: "tuple[Mapping[str, NDArray[Any]], LinearModel] | None" = None

    def networks_needed(self, tasks: int) -> int:
        """One, on all tasks."""
        return 1

    def measure(self, collection: TaskCollection, context: RunContext) -> Outcome:
        """Joint training, projected gradients, one batch of regressions."""
        options: GradientOptions = self.options
        context.progress.begin(f"{self.title} of {collection.name}", 1.0)
        run = train_start(collection, options, context, share=0.5)
        model, notes = linear_model(run, options, context)
        wanted = _membership(collection.names, options, context.seed)
        losses = model.losses(torch.from_numpy(wanted).to(run.data.device))
        context.progress.advance(0.1)
        losses = np.where(wanted & np.isfinite(losses), losses, np.nan)
        table = SubsetTable(
            collection.names, wanted, losses, np.ones(len(wanted)), split="valid", estimated=True
        )
        if options.matrix == "pairwise":
            alone, paired = pair_losses(table)
            values, _, support = pairwise_gains(alone, paired)
        else:
            values, _, support = higher_order_affinity(_random_part(table, options, context.seed))
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
            notes += (
                "Groups outside the table are scored by averaging pairs: the projected gradients "
                "are too large to keep.",
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


class LinearModel:
    """The expansion of a trained network, ready to fit and score any subset.

    Args:
        train: labelled training samples, one a task; None for a task without.
        valid: the same of the validation split.
        offset: fit with the base output as offset. Scores always stand on it.
        real: weights → validation losses of the real network; None scores the linear model.
    """

    def __init__(
        self,
        train: list[TaskSamples | None],
        valid: list[TaskSamples | None],
        *,
        offset: bool = True,
        real: "RealNetwork | None" = None,
    ) -> None:
        self.train, self.valid, self.offset, self.real = train, valid, offset, real
        fitted = train
        if not offset:
            fitted = [t and replace(t, offset=torch.zeros_like(t.offset)) for t in train]
        self.fits = PooledFits(fitted)
        self.ridge, self.length = self.fits.scale, 1.0
        self.choice_at_edge = False

    def choose(self, membership: Tensor) -> None:
        """Set λ and length to the best mean validation loss over subsets, relative to θ*'s."""
        zero = self.fits.gradients.new_zeros(1, self.fits.d)
        start = self.scores(zero.expand(len(membership), -1), membership)
        best = np.inf
        for number, ridge in enumerate(RIDGES):
            weights = self.fits.solve(membership, ridge * self.fits.scale).weights
            for length in LENGTHS:
                score = self.scores(length * weights, membership)
                known = np.isfinite(score) & np.isfinite(start) & (start > 0)
                value = float((score[known] / start[known]).mean()) if known.any() else np.inf
                if value < best:
                    best = value
                    self.ridge, self.length = ridge * self.fits.scale, length
                    self.choice_at_edge = number == len(RIDGES) - 1

    def losses(self, membership: Tensor) -> NDArray[np.float64]:
        """``(m, T)`` estimated validation losses; NaN outside and without labels."""
        weights = self.fits.solve(membership, self.ridge).weights
        return self.scores(self.length * weights, membership)

    def scores(self, weights: Tensor, membership: Tensor) -> NDArray[np.float64]:
        """``(m, T)`` validation losses of ``(m, d)`` weights."""
        if self.real is not None:
            return self.real.losses(weights, membership)
        found = np.full(tuple(membership.shape), np.nan)
        for task, sample in enumerate(self.valid):
            rows = torch.nonzero(membership[:, task])[:, 0]
            if sample is not None and self.train[task] is not None and len(rows):
                found[rows.cpu().numpy(), task] = sample.losses(weights[rows]).cpu().numpy()
        return found

    def to_state(self) -> dict[str, NDArray[Any]]:
        """Arrays from which :meth:`from_state` makes the model again (without real network)."""
        state: dict[str, NDArray[Any]] = {
            "ridge": np.array(self.ridge),
            "length": np.array(self.length),
            "offset": np.array(self.offset),
        }
        for split, samples in (("train", self.train), ("valid", self.valid)):
            for task, sample in enumerate(samples):
                if sample is not None:
                    lead = f"{split}.{task}.{sample.kind}"
                    for part in ("features", "offset", "target", "known"):
                        state[f"{lead}.{part}"] = getattr(sample, part).cpu().numpy()
        return state

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]], tasks: int) -> "LinearModel":
        """The inverse of :meth:`to_state`."""
        samples: dict[str, list[TaskSamples | None]] = {
            "train": [None] * tasks,
            "valid": [None] * tasks,
        }
        for name in state:
            split, *rest = name.split(".")
            if len(rest) == 3 and rest[2] == "features":
                lead = name.removesuffix("features")
                parts = [
                    torch.from_numpy(np.array(state[lead + part]))
                    for part in ("features", "offset", "target", "known")
                ]
                kind: Any = rest[1]
                samples[split][int(rest[0])] = TaskSamples(kind, *parts)
        model = cls(samples["train"], samples["valid"], offset=bool(state["offset"]))
        model.ridge, model.length = float(state["ridge"]), float(state["length"])
        return model


class RealNetwork:
    """Validation losses of the network itself at ``θ* + P w / √d``."""

    def __init__(
        self,
        run: JointTraining,
        parameters: dict[str, Tensor],
        projection: Projection,
        rows: list[Tensor],
        valid: list[TaskSamples | None],
    ) -> None:
        self.run, self.parameters, self.projection = run, parameters, projection
        self.rows, self.valid = rows, valid

    @torch.no_grad()
    def losses(self, weights: Tensor, membership: Tensor) -> NDArray[np.float64]:
        """``(m, T)``; NaN outside."""
        found = np.full(tuple(membership.shape), np.nan)
        for row, moved in enumerate(self.projection.combine(weights)):
            place = {name: value + moved[name] for name, value in self.parameters.items()}
            for task in torch.nonzero(membership[row])[:, 0].tolist():
                sample, rows = self.valid[task], self.rows[task]
                if sample is not None:
                    inputs = self.run.data.inputs_of(task)[rows]
                    outputs = outputs_at(self.run.network, place, inputs, [task])
                    found[row, task] = float(sample.losses_of(outputs[..., None])[0])
        return found


def train_start(
    collection: TaskCollection, options: JointOptions, context: RunContext, share: float
) -> JointTraining:
    """The meta-initialisation θ*: joint training up to its best mean validation loss."""
    part = replace(context, progress=context.progress.part(share))
    run = JointTraining(collection, options, part)
    part.progress.begin("Joint training", run.total_steps)
    for _ in run.steps(part, keep_best=True):
        pass
    return run


def movable(run: JointTraining, which: str) -> dict[str, Tensor]:
    """Parameters that are fine-tuned, by name, detached."""
    return {
        name: value.detach()
        for name, value in run.network.named_parameters()
        if which == "all" or name.startswith("trunk.")
    }


def linear_model(
    run: JointTraining, options: GradientOptions, context: RunContext
) -> tuple[LinearModel, tuple[str, ...]]:
    """Expand a trained network on samples of its collection, and choose λ and length.

    Raises:
        TaskvizError: the memory budget does not hold 10 samples a task, or no task has labels.
    """
    parameters = movable(run, options.parameters)
    projection = Projection.of(parameters, options.dimension, context.seed)
    outputs = sum(task.outputs for task in run.tasks)
    # Features of both splits in float32, once whole and once cut to the labelled samples.
    a_sample = 4 * 4 * outputs * projection.dimension
    most = min(options.samples, options.memory_mb * 2**20 // a_sample)
    if most < LEAST_SAMPLES:
        need = -(-a_sample * LEAST_SAMPLES // 2**20)
        raise TaskvizError(
            f"Option 'memory_mb' of method 'gradient' is {options.memory_mb}: {LEAST_SAMPLES} "
            f"samples of {outputs} outputs in {projection.dimension} dimensions need {need}; raise "
            "it or lower 'dimension'."
        )
    notes: tuple[str, ...] = ()
    if projection.exact:
        notes += (f"All {projection.total} parameters were kept: nothing was projected.",)
    samples = {}
    for split in ("train", "valid"):
        part = context.progress.part(0.15)
        samples[split] = _samples(run, parameters, projection, split, most, context.seed, part)
    train, valid = samples["train"][0], samples["valid"][0]
    if all(t is None or v is None for t, v in zip(train, valid, strict=True)):
        raise TaskvizError(
            f"No task of {run.data.collection.name!r} has labels in both training and validation."
        )
    real = None
    if options.evaluate == "network":
        real = RealNetwork(run, parameters, projection, samples["valid"][1], valid)
    model = LinearModel(train, valid, offset=options.offset, real=real)
    names = run.data.collection.names
    some = [*all_subsets(names, 1)[:32], names, *draw_subsets(names, 16, context.seed)]
    inside = np.array([[name in subset for name in names] for subset in some])
    model.choose(torch.from_numpy(inside).to(run.data.device))
    context.progress.advance(0.1)
    return model, notes


def _samples(
    run: JointTraining,
    parameters: dict[str, Tensor],
    projection: Projection,
    split: Split,
    most: int,
    seed: int,
    progress: Any,
) -> tuple[list[TaskSamples | None], list[Tensor]]:
    """Projected gradients of the labelled samples of a split, and their rows, a task each."""
    data, size = run.data, len(run.tasks)
    joint = data.collection.layout == "joint"
    blocks = [list(range(size))] if joint else [[task] for task in range(size)]
    found: list[TaskSamples | None] = [None] * size
    kept: list[Tensor] = [torch.zeros(0, dtype=torch.int64)] * size
    progress.begin(f"Gradients on {split}", len(blocks))
    for members in blocks:
        rows = data.rows(split, members[0])
        if len(rows) > most:
            rng = np.random.default_rng([seed, 0x62AD, members[0]])
            picked = np.sort(rng.choice(len(rows), most, replace=False))
            rows = rows[torch.from_numpy(picked).to(rows.device)]
        inputs = data.inputs_of(members[0])[rows]
        outputs, features = projected_gradients(
            run.network, parameters, inputs, members, projection, progress.part(1.0)
        )
        first = 0
        for task in members:
            columns = slice(first, first + run.tasks[task].outputs)
            first = columns.stop
            known = data.masks[task][rows]
            labelled = known.any(dim=1)
            kept[task] = rows[labelled]
            if bool(labelled.any()):
                found[task] = TaskSamples(
                    run.tasks[task].kind,
                    features[labelled, columns].contiguous(),
                    outputs[labelled, columns],
                    data.targets[task][rows][labelled],
                    known[labelled],
                )
    return found, kept


def _membership(names: tuple[str, ...], options: GradientOptions, seed: int) -> NDArray[np.bool_]:
    """Subsets of the table: all of few tasks, else singles, pairs and random ones."""
    if len(names) <= ALL_UP_TO:
        subsets = all_subsets(names)
    else:
        subsets = [*all_subsets(names, 2), *_random_subsets(names, options, seed)]
    unique = dict.fromkeys(subsets)
    return np.array([[name in subset for name in names] for subset in unique])


def _random_subsets(
    names: tuple[str, ...], options: GradientOptions, seed: int
) -> list[tuple[str, ...]]:
    half = max(2, len(names) // 2)
    return draw_subsets(names, options.m or 10 * len(names), seed, size=half)


def _random_part(table: SubsetTable, options: GradientOptions, seed: int) -> SubsetTable:
    """The rows of the random subsets alone."""
    wanted = _random_subsets(table.tasks, options, seed)
    rows = np.array([int(table.rows_of(subset)[0]) for subset in wanted])
    return SubsetTable(
        table.tasks,
        table.membership[rows],
        table.losses[rows],
        table.cost[rows],
        estimated=True,
    )
