"""The first-order expansion of a joint network around its trained parameters."""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from taskviz.affinity.joint_training import JointOptions, JointTraining
from taskviz.affinity.linear_model import LinearModel
from taskviz.affinity.linearisation import Projection
from taskviz.affinity.members import membership_of
from taskviz.affinity.projected_samples import bytes_a_sample, samples_of
from taskviz.affinity.real_network import RealNetwork
from taskviz.engines import RunContext
from taskviz.training.subsets import all_subsets, draw_subsets
from taskviz.values import TaskCollection, TaskvizError, option

LEAST_SAMPLES = 10
FEW = 64
"""Tasks up to which more subsets choose λ and length."""


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


def expand(
    run: JointTraining, options: ExpansionOptions, context: RunContext
) -> tuple[LinearModel, tuple[str, ...]]:
    """Expand a trained network on samples of its collection, and choose λ and length.

    Raises:
        TaskvizError: the memory budget does not hold 10 samples a task, or no task has labels.
    """
    parameters = movable(run, options.parameters)
    projection = Projection.of(parameters, options.dimension, context.seed)
    outputs = sum(task.outputs for task in run.tasks)
    a_sample = bytes_a_sample(run, parameters, projection)
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
        samples[split] = samples_of(run, parameters, projection, split, most, context.seed, part)
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
    few = len(names) <= FEW
    drawn = draw_subsets(names, 16 if few else 8, context.seed)
    some = [*all_subsets(names, 1)[: 32 if few else 8], names, *drawn]
    inside = membership_of(names, some)
    model.choose(torch.from_numpy(inside).to(run.data.device))
    context.progress.advance(0.1)
    return model, notes
