"""What the expansion keeps of each sample: projected gradients, output, target."""

import numpy as np
import torch
from torch import Tensor, nn

from taskviz.affinity.joint_training import JointTraining
from taskviz.affinity.linearisation import Projection, projected_gradients
from taskviz.affinity.pooled_fits import TaskSamples
from taskviz.networks import MultiHeadNetwork
from taskviz.progress import Progress
from taskviz.values import Split

SHARED_FROM = 64
"""Outputs from which tasks share the gradients of the trunk's features."""


def samples_of(
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


def bytes_a_sample(
    run: JointTraining, parameters: dict[str, Tensor], projection: Projection
) -> int:
    """Memory that each sample of both splits takes."""
    outputs = sum(task.outputs for task in run.tasks)
    if _shares_features(run, parameters, outputs):
        # Features of both splits in float32, and those of one task at work.
        width, widest = _features(run), max(task.outputs for task in run.tasks)
        return 4 * (2 * width + 3 * widest) * projection.dimension
    # Features of both splits in float32, once whole and once cut to the labelled samples.
    return 4 * 4 * outputs * projection.dimension


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
