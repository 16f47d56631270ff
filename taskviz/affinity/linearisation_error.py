"""How far the first-order expansion of a network can be trusted."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from taskviz.affinity.expansion import movable, train_start
from taskviz.affinity.gradient import Gradient, GradientOptions
from taskviz.affinity.joint_training import JointTraining
from taskviz.affinity.linearisation import Parameters, derivative_along, outputs_at
from taskviz.affinity.support import mean_and_error
from taskviz.engines import RunContext
from taskviz.engines.memory import halving
from taskviz.training.losses import mean_loss
from taskviz.training.subsets import draw_subsets
from taskviz.values import TaskCollection, TaskvizError, parse_options

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 256
"""Samples whose activations are held at once."""
DISTANCES = tuple(round(0.01 * percent, 2) for percent in range(1, 11))


def linearisation_error(
    collection: TaskCollection,
    context: RunContext | None = None,
    *,
    distances: Sequence[float] = DISTANCES,
    subsets: int = 100,
    steps: int = 20,
    **options: Any,
) -> "pd.DataFrame":
    """Relative residual of the expansion against the distance from the start (talk, table 1).

    From the joint network θ*, ``steps`` steps of Adam on each of ``subsets`` random subsets S give
    a direction of fine-tuning; W is placed on it at each relative distance ``‖W − θ*‖ / ‖θ*‖``, so
    that every subset has every distance. On validation samples, over the outputs of S's tasks,
    ``RSS = Σ (f_W − f_θ* − ∇f_θ*ᵀ (W − θ*))² / Σ f_W²``. Nothing is projected.

    Args:
        context: seed, device, progress.
        distances: relative distances, positive.
        subsets: random subsets to average over, each task in with probability ½.
        steps: of fine-tuning.
        options: those of the method ``gradient``: ``parameters`` says which may move.

    Returns:
        One row a distance: ``distance``, ``rss`` (mean), ``standard_error`` (over subsets; NaN
        with one), ``subsets``.

    Raises:
        TaskvizError: unknown options, a distance or a number that is not positive.
    """
    import pandas as pd

    if not distances or min(distances) <= 0 or subsets < 1 or steps < 1:
        raise TaskvizError(
            "Linearisation error needs positive distances and at least one subset and one step: "
            f"given {list(distances)}, {subsets}, {steps}."
        )
    parsed: GradientOptions = parse_options(GradientOptions, options, f"method {Gradient.name!r}")
    context = context or RunContext()
    context.progress.begin(f"Linearisation error of {collection.name}", 1.0)
    run = train_start(collection, parsed, context, share=0.5)
    start = movable(run, parsed.parameters)
    drawn = draw_subsets(collection.names, subsets, context.seed, distinct=False)
    progress = context.progress.part(0.5)
    progress.begin("Subsets", len(drawn))
    rows = []
    for number, subset in enumerate(drawn):
        progress.check()
        members = [collection.index(task) for task in subset]
        moved = _fine_tune(run, start, members, steps, parsed.learning_rate, (context.seed, number))
        rows.append(_residuals(run, start, moved, members, distances, parsed.samples))
        progress.advance(1)
    mean, error, count = mean_and_error(rows)
    return pd.DataFrame(
        {"distance": list(distances), "rss": mean, "standard_error": error, "subsets": count}
    )


def _fine_tune(
    run: JointTraining,
    start: Parameters,
    members: Sequence[int],
    steps: int,
    learning_rate: float,
    seed: tuple[int, int],
) -> dict[str, Tensor]:
    """Where a few steps on the mean loss of a subset lead."""
    place = {name: value.clone().requires_grad_() for name, value in start.items()}
    optimizer = torch.optim.Adam(place.values(), lr=learning_rate)
    rng = np.random.default_rng([*seed, 0xF17E])
    data, size = run.data, run.options.batch_size
    for _ in range(steps):
        losses = []
        drawn: dict[int, Tensor] = {}
        for task in members:
            block = 0 if data.collection.layout == "joint" else task
            if block not in drawn:
                rows = data.rows("train", task)
                picked = rng.choice(len(rows), min(size, len(rows)), replace=False)
                drawn[block] = rows[torch.from_numpy(picked).to(rows.device)]
            rows = drawn[block]
            outputs = outputs_at(run.network, place, data.inputs_of(task)[rows], [task])
            target, mask = data.targets[task][rows], data.masks[task][rows]
            losses.append(mean_loss(run.tasks[task], outputs, target, mask))
        optimizer.zero_grad()
        torch.stack(losses).mean().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return {name: value.detach() for name, value in place.items()}


def _residuals(
    run: JointTraining,
    start: Parameters,
    moved: Parameters,
    members: Sequence[int],
    distances: Sequence[float],
    most: int,
) -> NDArray[np.float64]:
    """Relative residual at each distance; NaN where fine-tuning did not move at all."""
    direction = {name: moved[name] - value for name, value in start.items()}
    length = _norm(direction)
    found = np.full((2, len(distances)), np.nan)
    if length == 0:
        return np.asarray(found[0])
    unit = _norm(start) / length
    found[:] = 0.0
    scales = [distance * unit for distance in distances]
    joint = run.data.collection.layout == "joint"
    for heads in [list(members)] if joint else [[task] for task in members]:
        for squares in _squares(run, start, direction, scales, heads, most):
            found += squares
    return np.asarray(found[0] / np.where(found[1] > 0, found[1], np.nan))


def _squares(
    run: JointTraining,
    start: Parameters,
    direction: Parameters,
    scales: Sequence[float],
    heads: Sequence[int],
    most: int,
) -> Iterator[NDArray[np.float64]]:
    """``(2, scales)`` of some samples after others: squared residuals and squared outputs."""
    rows, samples = run.data.rows("valid", heads[0])[:most], run.data.inputs_of(heads[0])

    def part(first: int, last: int) -> NDArray[np.float64]:
        inputs, sums = samples[rows[first:last]], np.zeros((2, len(scales)))
        base, slope = derivative_along(run.network, start, inputs, heads)
        change = slope(direction)
        for number, scale in enumerate(scales):
            place = {name: value + scale * direction[name] for name, value in start.items()}
            with torch.no_grad():
                real = outputs_at(run.network, place, inputs, heads)
            sums[:, number] = (
                float(((real - base - scale * change) ** 2).sum()),
                float((real**2).sum()),
            )
        return sums

    return halving(len(rows), CHUNK, part)


def _norm(parameters: Parameters) -> float:
    return float(np.sqrt(sum(float((value**2).sum()) for value in parameters.values())))
