"""Joint training: its losses, batches and the state it ends in."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from taskviz.affinity.joint_training import JointOptions, JointTraining
from taskviz.engines import RunContext
from taskviz.training.losses import mean_loss
from taskviz.values import Samples, TaskCollection


def apart(toy: TaskCollection) -> TaskCollection:
    block = toy.samples[0]
    parts = tuple(
        Samples(block.inputs[i:].copy(), (block.targets[t][i:].copy(),), block.split[i:].copy())
        for i, t in ((0, 0), (90, 2))
    )
    return TaskCollection("apart", (toy.tasks[0], toy.tasks[2]), parts, layout="separate")


@pytest.mark.parametrize("layout", ["joint", "separate"])
def test_losses_are_the_masked_means(
    layout: str, toy_factory: Callable[..., TaskCollection]
) -> None:
    made = toy_factory(missing=0.5)
    made = apart(made) if layout == "separate" else made
    run = JointTraining(made, JointOptions(width=8), RunContext(), torch.float64)
    for step in [next(iter(run.steps(RunContext())))]:
        for t, loss in enumerate(run.losses(step.rows)):
            rows = step.rows[t]
            output = run.network(run.data.inputs_of(t)[rows])[t]
            target, mask = run.data.targets[t][rows], run.data.masks[t][rows]
            assert loss.item() == pytest.approx(
                mean_loss(made.tasks[t], output, target, mask).item(), rel=1e-12
            )


def test_an_epoch_sees_every_row_once_and_the_order_is_the_seeds(toy: TaskCollection) -> None:
    def order(seed: int) -> list[int]:
        run = JointTraining(toy, JointOptions(epochs=2, batch_size=10), RunContext(seed))
        return torch.cat([step.rows[0] for step in run.steps(RunContext(seed))]).tolist()

    first = order(0)
    half = len(first) // 2
    assert sorted(first[:half]) == sorted(first[half:]) == toy.samples[0].indices("train").tolist()
    assert first[:half] != first[half:]
    assert first == order(0) != order(1)


def test_small_data_sets_are_gone_through_more_often(toy: TaskCollection) -> None:
    run = JointTraining(apart(toy), JointOptions(epochs=1, batch_size=16), RunContext())
    steps = list(run.steps(RunContext()))
    assert len(steps) == run.steps_an_epoch == run.total_steps == 6
    assert all(len(step.rows[1]) == 16 for step in steps)
    seen = torch.cat([step.rows[1] for step in steps])
    assert len(seen) > len(run.data.rows("train", 1)) >= len(seen.unique())


def test_a_batch_of_one_is_left_out(toy: TaskCollection) -> None:
    n = len(toy.samples[0].indices("train"))
    run = JointTraining(toy, JointOptions(epochs=1, batch_size=n - 1), RunContext())
    assert run.steps_an_epoch == 1


def test_the_best_state_is_kept(toy: TaskCollection) -> None:
    options = JointOptions(epochs=6, learning_rate=0.3, batch_size=20)
    run = JointTraining(toy, options, RunContext())
    scores, epoch = [], 0
    for step in run.steps(RunContext(), keep_best=True):
        if step.epoch != epoch:
            scores.append(run.mean_loss("valid"))
            epoch = step.epoch
    assert run.mean_loss("valid") <= min(scores) + 1e-9
    rows = run.data.rows("valid")
    losses = [
        float(mean_loss(t, o, run.data.targets[i][rows], run.data.masks[i][rows]).detach())
        for i, (t, o) in enumerate(
            zip(toy.tasks, run.network(run.data.inputs[0][rows]), strict=True)
        )
    ]
    assert run.mean_loss("valid") == pytest.approx(np.mean(losses), rel=1e-5)
