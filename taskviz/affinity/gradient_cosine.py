"""Cosine between the tasks' gradients at random initial states."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from taskviz.affinity.base import Estimator, Outcome
from taskviz.affinity.redraws import Redraws, kept_draws, redraws_of_mean
from taskviz.affinity.seeds import repeat_seed
from taskviz.affinity.shared_gradients import gradient_gram, gram_cosines, shared_gradient
from taskviz.affinity.support import mean_and_error, missing_notes
from taskviz.data.batch_inputs import rows_at_once
from taskviz.data.tensors import CollectionTensors, to_tensors
from taskviz.engines import RunContext
from taskviz.engines.memory import halving
from taskviz.networks import MultiHeadNetwork, NetworkOptions, build_network, outputs_of
from taskviz.training.losses import mean_loss
from taskviz.values import TaskCollection, option

CHUNK = 1024
"""Samples that go through the network at once."""


@dataclass(frozen=True)
class GradientCosineOptions(NetworkOptions):
    """Options of :class:`GradientCosine`."""

    inits: int = option(
        20, "Initial states that are averaged; also what the error rests on.", minimum=1
    )
    centre: Literal["gradients", "labels"] = option(
        "gradients",
        "Take off each task's gradient the mean over the tasks, or the part that the label mean "
        "alone explains.",
        advanced=True,
    )
    samples: int = option(
        4096, "Training samples the gradients use at most.", minimum=2, advanced=True
    )


class GradientCosine(Estimator):
    """Cosine between gradients of each task's mean training loss, shared parameters only.

    At each of ``inits`` initial states with tied heads: T backward passes over the training split
    (or a sample of it), the mean gradient over the tasks taken off, cosines; then the mean over the
    initial states with its standard error. Learning by one small step of the source would lower the
    target's loss by the inner product of the two gradients.

    Heads can be tied among tasks with equally many outputs only; between other tasks the cosine
    shrinks towards the mean. Taking the mean off leaves T − 1 directions, so that unrelated tasks
    come out near −1/(T − 1); with two tasks nothing but −1 would be left, and the labels are
    centred instead. Losses of different kinds have different units, so where kinds are mixed each
    gradient is scaled to length 1 before the mean is taken.
    """

    name = "gradient-cosine"
    title = "Gradient cosine"
    source = "ours; cf. Yu et al., NeurIPS 2020 (PCGrad), for cosines during training"
    summary = "Which tasks pull the shared layers the same way at the start. Seconds, no training."
    unit = "cosine, from −1 to 1"
    version = 2
    Options = GradientCosineOptions

    def measure(self, collection: TaskCollection, context: RunContext) -> Outcome:
        """``inits`` times T backward passes."""
        options, size = self.options, len(collection.tasks)
        centre = "labels" if size == 2 else options.centre
        mixed = len({task.kind for task in collection.tasks}) > 1
        data = to_tensors(collection, context.device, torch.float32)
        rows = _sample(data, options.samples, context.seed)
        context.progress.begin(f"{self.title} of {collection.name}", options.inits)
        draws = []
        for init in range(options.inits):
            context.progress.check()
            network = build_network(
                collection,
                options,
                seed=repeat_seed(context.seed, init),
                heads="tied",
                device=data.device,
                dtype=data.dtype,
            )
            gradients = task_gradients(network, data, rows, centre_labels=centre == "labels")
            gram = gradient_gram(gradients)
            if mixed:
                gram = gram_cosines(gram)
            draws.append(gram_cosines(gram, remove_mean=centre == "gradients"))
            context.progress.advance(1)
        values, error, support = mean_and_error(draws)
        notes = missing_notes(support, "initial state with a gradient of both tasks")
        if centre != options.centre:
            notes += ("With two tasks the labels were centred, not the gradients.",)
        shapes = {task.outputs for task in collection.tasks}
        if len(shapes) > 1:
            notes += (
                "The tasks' outputs differ in width, so their heads cannot all be tied: cosines "
                "between tasks of different width are weaker than those within a width.",
            )
        return Outcome(
            values,
            error if options.inits > 1 else None,
            support,
            notes=notes,
            state=kept_draws(draws),
        )

    def redraws(self) -> Redraws | None:
        """Initial states drawn."""
        draws = self.state_.get("draws")
        return None if draws is None else redraws_of_mean(draws, "initial states")


def task_gradients(
    network: MultiHeadNetwork,
    data: CollectionTensors,
    rows: Sequence[Tensor],
    *,
    centre_labels: bool = False,
) -> list[list[Tensor]]:
    """Gradient of each task's mean loss with respect to the shared parameters.

    Args:
        rows: one a task; samples without a label of the task do not count.
        centre_labels: take off the error signal its mean over the labelled samples, which leaves
            what depends on the inputs.
    """
    network.eval()
    shared = network.shared_parameters()
    tasks = data.collection.tasks
    total = [[torch.zeros_like(parameter) for parameter in shared] for _ in tasks]
    joint = data.collection.layout == "joint"
    blocks = [(list(range(len(tasks))), rows[0])] if joint else []
    blocks = blocks or [([task], rows[task]) for task in range(len(tasks))]
    for members, picked in blocks:
        signals = _signals(network, data, members, picked, centre_labels)
        _add_gradients(network, data, members, picked, signals, total)
    return total


def _add_gradients(
    network: MultiHeadNetwork,
    data: CollectionTensors,
    members: Sequence[int],
    picked: Tensor,
    signals: Sequence[Tensor],
    total: Sequence[Sequence[Tensor]],
) -> None:
    """Send the signals of some tasks back to the shared parameters, and add what arrives."""
    inputs, shared = data.inputs_of(members[0]), network.shared_parameters()
    # Rows that a task has been given: where memory ends after some tasks of a piece, these are not
    # given them again with its halves.
    given = [0] * len(members)

    def add(first: int, last: int) -> None:
        outputs = network(inputs[picked[first:last]], members)
        for place, (task, output) in enumerate(zip(members, outputs, strict=True)):
            start = max(first, given[place])
            if start >= last:
                continue
            signal = signals[place][start:last]
            gradient = shared_gradient(output[start - first :], shared, signal)
            for kept, more in zip(total[task], gradient, strict=True):
                kept += more
            given[place] = last

    for _ in halving(len(picked), rows_at_once(inputs, CHUNK), add):
        pass


def _signals(
    network: MultiHeadNetwork,
    data: CollectionTensors,
    members: Sequence[int],
    picked: Tensor,
    centre: bool,
) -> list[Tensor]:
    """``(n, outputs)`` a task: derivative of its mean loss with respect to its outputs."""
    outputs = outputs_of(network, data.inputs_of(members[0]), picked, members, most=CHUNK)
    signals = []
    for task, output in zip(members, outputs, strict=True):
        output.requires_grad_()
        mask = data.masks[task][picked]
        loss = mean_loss(data.collection.tasks[task], output, data.targets[task][picked], mask)
        (signal,) = torch.autograd.grad(loss, output)
        if centre:
            known = mask.expand_as(signal).to(signal.dtype)
            signal = signal - known * (signal.sum(dim=0) / known.sum(dim=0).clamp(min=1))
        signals.append(signal)
    return signals


def _sample(data: CollectionTensors, most: int, seed: int) -> list[Tensor]:
    """Training rows of each task, at most ``most``; the same rows for all tasks where joint."""
    chosen: dict[int, Tensor] = {}
    for task in range(len(data.collection.tasks)):
        block = 0 if data.collection.layout == "joint" else task
        if block not in chosen:
            rows = data.rows("train", task)
            if len(rows) > most:
                rng = np.random.default_rng([seed, 0x6C0, block])
                picked: NDArray[np.int64] = np.sort(rng.choice(len(rows), most, replace=False))
                rows = rows[torch.from_numpy(picked).to(rows.device)]
            chosen[block] = rows
    joint = data.collection.layout == "joint"
    return [chosen[0 if joint else task] for task in range(len(data.collection.tasks))]
