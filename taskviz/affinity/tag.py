"""TAG: what one task's step does to the other tasks' losses, during one joint training."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from taskviz.affinity.base import Estimator, Outcome
from taskviz.affinity.joint_training import JointOptions, JointStep, JointTraining
from taskviz.affinity.shared_gradients import shared_gradient
from taskviz.affinity.support import mean_and_error, missing_notes
from taskviz.engines import RunContext
from taskviz.networks import MultiHeadNetwork
from taskviz.values import TaskCollection, option

GRADIENT_ELEMENTS = 1 << 26
"""Gradient entries that are held at once."""


@dataclass(frozen=True)
class TAGOptions(JointOptions):
    """Options of :class:`TAG`."""

    every: int = option(10, "Steps of the training between two measurements.", minimum=1)


class TAG(Estimator):
    """Inter-task affinity of Fifty et al., averaged over one joint training.

    At every ``every``-th step, with batch X: θ' is where the optimizer's own step would take the
    shared parameters θ with the gradient of the source's loss alone (its momentum and second
    moments included; heads fixed), and ``Z[s→t] = 1 − L_t(X, θ') / L_t(X, θ)``. ``A[s, t]`` is the
    mean of Z over the measured steps. A group's score for t is the mean over its other members.

    The authors' code divides Z by the learning rate and sums over epochs; the paper's ratio is kept
    here, so the matrix scales with the learning rate and its order hardly depends on it.

    The support counts the measured steps whose batch has labels of both tasks. The standard error
    takes these steps as independent; neighbouring ones are not, so the true error is larger.
    """

    name = "tag"
    version = 2
    title = "TAG"
    source = "Fifty et al., NeurIPS 2021, eq. 1"
    summary = "How one task's step changes each other's loss, watched during one joint training."
    unit = "mean relative fall of the target's loss by one step of the source"
    Options = TAGOptions

    def networks_needed(self, tasks: int) -> int:
        """One, on all tasks."""
        return 1

    def measure(self, collection: TaskCollection, context: RunContext) -> Outcome:
        """One joint training with T look-ahead steps every ``every`` steps."""
        run = JointTraining(collection, self.options, context)
        context.progress.begin(f"{self.title} of {collection.name}", run.total_steps)
        draws = []
        for step in run.steps(context):
            if (step.number - 1) % self.options.every == 0:
                with run.threads():
                    draws.append(step_affinity(run, step))
        values, error, support = mean_and_error(draws)
        notes = missing_notes(support, "measured step", "measure more often or use larger batches")
        if len(draws) > 1:
            notes += (
                "The standard errors take the measured steps as independent: true errors are "
                "larger.",
            )
        return Outcome(values, error, support, networks_trained=1, notes=notes)


def step_affinity(run: JointTraining, step: JointStep) -> NDArray[np.float64]:
    """``(T, T)`` Z of one step; NaN where the batch has no label of source or target.

    The network, its buffers and the optimizer are left as they were.
    """
    size = len(run.tasks)
    shared = run.network.shared_parameters()
    buffers = [(buffer, buffer.detach().clone()) for buffer in run.network.buffers()]
    with torch.no_grad():
        before = _numbers(run.losses(step.rows))
    usable = np.array(run.labelled(step.rows)) & np.isfinite(before) & (before > 0)
    values = np.full((size, size), np.nan)
    # Stepping invalidates the graph, so the gradients of several sources are taken at once.
    held = sum(parameter.numel() for parameter in shared)
    at_once = max(1, GRADIENT_ELEMENTS // max(held, 1))
    sources = np.flatnonzero(usable)
    for start in range(0, len(sources), at_once):
        part = sources[start : start + at_once]
        losses = run.losses(step.rows)
        gradients = [shared_gradient(losses[source], shared) for source in part]
        for source, gradient in zip(part, gradients, strict=True):
            with look_ahead(run.network, run.optimizer, gradient), torch.no_grad():
                after = _numbers(run.losses(step.rows))
            fine = usable & np.isfinite(after)
            values[source, fine] = 1 - after[fine] / before[fine]
    with torch.no_grad():
        for buffer, kept in buffers:
            buffer.copy_(kept)
    return values


@contextmanager
def look_ahead(
    network: MultiHeadNetwork, optimizer: torch.optim.Optimizer, gradient: Sequence[Tensor]
) -> Iterator[None]:
    """The network after the optimizer's own step with this gradient of the shared parameters.

    Any optimizer of torch: it steps on a copy of its state, and all is put back on leaving.
    """
    shared = network.shared_parameters()
    parameters = list(network.parameters())
    gradients = [parameter.grad for parameter in parameters]
    values = [parameter.detach().clone() for parameter in shared]
    states = {p: optimizer.state[p] for p in shared if p in optimizer.state}
    try:
        for parameter in parameters:
            parameter.grad = None
        for parameter, own in zip(shared, gradient, strict=True):
            parameter.grad = own
            if parameter in states:
                optimizer.state[parameter] = {
                    name: value.clone() if isinstance(value, Tensor) else value
                    for name, value in states[parameter].items()
                }
        optimizer.step()
        yield
    finally:
        with torch.no_grad():
            for parameter, kept in zip(shared, values, strict=True):
                parameter.copy_(kept)
                if parameter in states:
                    optimizer.state[parameter] = states[parameter]
                else:
                    optimizer.state.pop(parameter, None)
        for parameter, old in zip(parameters, gradients, strict=True):
            parameter.grad = old


def _numbers(losses: Tensor) -> NDArray[np.float64]:
    return losses.cpu().numpy().astype(np.float64)
