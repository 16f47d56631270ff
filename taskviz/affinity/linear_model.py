"""The first-order expansion of a joint network as a model that fits and scores any subset."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from taskviz.affinity.joint_training import JointOptions, JointTraining
from taskviz.affinity.linearisation import Projection, outputs_at, projected_gradients
from taskviz.affinity.members import membership_of
from taskviz.affinity.pooled_fits import PooledFits, TaskSamples
from taskviz.affinity.shared_linear import SharedLinear
from taskviz.engines import RunContext
from taskviz.networks import MultiHeadNetwork
from taskviz.progress import Progress
from taskviz.training.subsets import all_subsets, draw_subsets
from taskviz.values import Split, TaskCollection, TaskvizError, option

RIDGES = (0.3, 1.0, 10.0, 100.0)
"""λ, in units of the mean curvature of the training loss."""
LENGTHS = (0.25, 0.5, 1.0)
LEAST_SAMPLES = 10
SCORED = 256
"""Subsets that are scored at once."""
SHARED_FROM = 64
"""Outputs from which tasks share the gradients of the trunk's features."""


@dataclass(frozen=True)
class ExpansionOptions(JointOptions):
    """How a joint network is expanded and its fits are chosen."""

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
    memory_mb: int = option(512, "Memory for projected gradients, in MB.", minimum=1, advanced=True)


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
        self.residual = 0.0
        """Largest gradient left in a fit of the last losses, as a share of that at the start."""
        self._together = SharedLinear.of(valid)

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
        fits = self.fits.solve(membership, self.ridge)
        self.residual = float(fits.residual.max()) if len(membership) else 0.0
        return self.scores(self.length * fits.weights, membership)

    def scores(self, weights: Tensor, membership: Tensor) -> NDArray[np.float64]:
        """``(m, T)`` validation losses of ``(m, d)`` weights."""
        if self.real is not None:
            return self.real.losses(weights, membership)
        found = np.full(tuple(membership.shape), np.nan)
        if self._together is not None:
            scored = [
                v is not None and t is not None for v, t in zip(self.valid, self.train, strict=True)
            ]
            inside = membership.cpu().numpy() & np.array(scored)
            for first in range(0, len(weights), SCORED):
                part = slice(first, first + SCORED)
                losses = self._together.losses(weights[part]).double().cpu().numpy()
                found[part] = np.where(inside[part], losses, np.nan)
            return found
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
                if sample is None:
                    continue
                lead = f"{split}.{task}.{sample.kind}"
                shared = sample.head is not None
                state[f"{split}.features" if shared else f"{lead}.features"] = (
                    sample.features.cpu().numpy()
                )
                for part in ("offset", "target", "known", "head", "rows"):
                    value = getattr(sample, part)
                    if value is not None:
                        state[f"{lead}.{part}"] = value.cpu().numpy()
        return state

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]], tasks: int) -> "LinearModel":
        """The inverse of :meth:`to_state`."""
        samples: dict[str, list[TaskSamples | None]] = {
            "train": [None] * tasks,
            "valid": [None] * tasks,
        }
        shared = {
            split: torch.from_numpy(np.array(state[f"{split}.features"]))
            for split in samples
            if f"{split}.features" in state
        }
        for name in state:
            split, *rest = name.split(".")
            if len(rest) == 3 and rest[2] == "offset":
                lead = name.removesuffix("offset")
                parts = {
                    part: torch.from_numpy(np.array(state[lead + part]))
                    for part in ("features", "offset", "target", "known", "head", "rows")
                    if lead + part in state
                }
                parts.setdefault("features", shared[split] if split in shared else torch.empty(0))
                kind: Any = rest[1]
                samples[split][int(rest[0])] = TaskSamples(kind, **parts)
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
    run: JointTraining, options: ExpansionOptions, context: RunContext
) -> tuple[LinearModel, tuple[str, ...]]:
    """Expand a trained network on samples of its collection, and choose λ and length.

    Raises:
        TaskvizError: the memory budget does not hold 10 samples a task, or no task has labels.
    """
    parameters = movable(run, options.parameters)
    projection = Projection.of(parameters, options.dimension, context.seed)
    outputs = sum(task.outputs for task in run.tasks)
    if _shares_features(run, parameters, outputs):
        # Features of both splits in float32, and those of one task at work.
        width, widest = _features(run), max(task.outputs for task in run.tasks)
        a_sample = 4 * (2 * width + 3 * widest) * projection.dimension
    else:
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
    few = len(names) <= SHARED_FROM
    drawn = draw_subsets(names, 16 if few else 8, context.seed)
    some = [*all_subsets(names, 1)[: 32 if few else 8], names, *drawn]
    inside = membership_of(names, some)
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
    progress: Progress,
) -> tuple[list[TaskSamples | None], list[Tensor]]:
    """Projected gradients of the labelled samples of a split, and their rows, a task each."""
    data, size = run.data, len(run.tasks)
    joint = data.collection.layout == "joint"
    blocks = [list(range(size))] if joint else [[task] for task in range(size)]
    found: list[TaskSamples | None] = [None] * size
    kept: list[Tensor] = [torch.zeros(0, dtype=torch.int64)] * size
    progress.begin(f"Gradients on {split}", len(blocks))
    outputs_of_all = sum(task.outputs for task in run.tasks)
    for members in blocks:
        rows = data.rows(split, members[0])
        if len(rows) > most:
            rng = np.random.default_rng([seed, 0x62AD, members[0]])
            picked = np.sort(rng.choice(len(rows), most, replace=False))
            rows = rows[torch.from_numpy(picked).to(rows.device)]
        inputs = data.inputs_of(members[0])[rows]
        if joint and _shares_features(run, parameters, outputs_of_all):
            _shared_samples(run, parameters, projection, rows, progress, found, kept)
            continue
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


def _shares_features(run: JointTraining, parameters: dict[str, Tensor], outputs: int) -> bool:
    """Whether it saves memory to keep the gradients of the trunk's features, not of the outputs."""
    return (
        run.data.collection.layout == "joint"
        and not run.network.adapters
        and all(type(head) is nn.Linear for head in run.network.heads)
        and all(name.startswith("trunk.") for name in parameters)
        and outputs > max(_features(run), SHARED_FROM)
    )


def _features(run: JointTraining) -> int:
    return int(getattr(run.network.heads[0], "in_features", 0))


def _shared_samples(
    run: JointTraining,
    parameters: dict[str, Tensor],
    projection: Projection,
    rows: Tensor,
    progress: Progress,
    found: list[TaskSamples | None],
    kept: list[Tensor],
) -> None:
    """The gradients of the trunk's features, and what each task's linear head makes of them."""
    trunk = MultiHeadNetwork(run.network.trunk, [nn.Identity()])
    inputs = run.data.inputs[0][rows]
    hidden, slopes = projected_gradients(
        trunk, parameters, inputs, [0], projection, progress.part(1.0)
    )
    features = slopes.transpose(0, 1).contiguous()
    for task, head in enumerate(run.network.heads):
        assert isinstance(head, nn.Linear), "checked by _shares_features"
        known = run.data.masks[task][rows]
        labelled = known.any(dim=1)
        whole, some = bool(labelled.all()), bool(labelled.any())
        kept[task] = rows[labelled]
        if some:
            found[task] = TaskSamples(
                run.tasks[task].kind,
                features,
                head(hidden[labelled]).detach(),
                run.data.targets[task][rows][labelled],
                known[labelled],
                head.weight.detach(),
                None if whole else torch.nonzero(labelled)[:, 0],
            )
