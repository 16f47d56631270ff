"""TAG against a plain slow copy of model and optimizer for each source."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch

from taskviz.affinity import make_estimator
from taskviz.affinity.joint_training import JointStep, JointTraining
from taskviz.affinity.tag import TAGOptions, step_affinity
from taskviz.engines import RunContext
from taskviz.values import Samples, Task, TaskCollection, TaskvizError


def slow_affinity(run: JointTraining, step: JointStep) -> np.ndarray:
    """Copy everything, step the copy by the source's loss with its heads frozen, look."""
    size = len(run.tasks)
    values = np.full((size, size), np.nan)
    known = run.labelled(step.rows)
    before = [float(loss.detach()) for loss in run.losses(step.rows)]
    for source in range(size):
        if not known[source]:
            continue
        other = copy.copy(run)
        other.network, other.optimizer = copy.deepcopy((run.network, run.optimizer))
        for parameter in other.network.parameters():
            parameter.grad = None
        other.losses(step.rows)[source].backward()
        for parameter in other.network.heads.parameters():
            parameter.grad = None
        other.optimizer.step()
        after = [float(loss.detach()) for loss in other.losses(step.rows)]
        for target in range(size):
            if known[target]:
                values[source, target] = 1 - after[target] / before[target]
    return values


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "momentum"])
def test_equals_the_plain_copy(
    optimizer: str,
    toy_factory: Callable[..., TaskCollection],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # forces several rounds of gradients, too
    monkeypatch.setattr("taskviz.affinity.tag.GRADIENT_ELEMENTS", 500)
    options = TAGOptions(width=8, epochs=2, batch_size=20, learning_rate=0.01, optimizer=optimizer)
    made = toy_factory(missing=0.4)
    run = JointTraining(made, options, RunContext(5), torch.float64)
    for step in run.steps(RunContext(5)):
        slow = slow_affinity(run, step)
        weights = copy.deepcopy(run.network.state_dict())
        fast = step_affinity(run, step)
        assert np.allclose(fast, slow, rtol=1e-9, atol=1e-12, equal_nan=True)
        assert all(torch.equal(weights[k], v) for k, v in run.network.state_dict().items())
    assert step.number == run.total_steps


def test_watching_leaves_the_training_as_it_was(toy: TaskCollection) -> None:
    options = TAGOptions(width=8, epochs=2, batch_size=20)
    ends = []
    for watch in (True, False):
        run = JointTraining(toy, options, RunContext(0), torch.float64)
        for step in run.steps(RunContext(0)):
            if watch:
                step_affinity(run, step)
        ends.append(run.network.state_dict())
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def test_identical_tasks_have_the_highest_entry_of_their_row(toy: TaskCollection) -> None:
    target = toy.target_of(0)
    rng = np.random.default_rng(0)
    twins = TaskCollection.from_arrays(
        "twins",
        toy.samples[0].inputs,
        {"a": target, "b": rng.permutation(target), "c": target, "d": toy.target_of(1)},
        [
            Task("a", "regression"),
            Task("b", "regression"),
            Task("c", "regression"),
            Task("d", "binary", ("n", "y")),
        ],
        toy.samples[0].split,
    )
    matrix = make_estimator("tag", epochs=20, every=2, width=32, learning_rate=0.003).fit(twins)
    values = matrix.affinity_.values.copy()
    np.fill_diagonal(values, -np.inf)
    assert values[0].argmax() == 2
    assert values[2].argmax() == 0
    assert matrix.affinity_.networks_trained == 1


def test_support_counts_steps_with_both_labels() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(60, 3))
    first, second = inputs[:, 0].copy(), inputs[:, 1].copy()
    second[:] = np.nan
    second[50:] = 1.0  # labels outside the training split only
    split = np.repeat([0, 1, 2], [50, 5, 5]).astype(np.int8)
    made = TaskCollection.from_arrays(
        "gap",
        inputs,
        {"a": first, "b": second, "c": first * 2},
        [Task(name, "regression") for name in "abc"],
        split,
    )
    matrix = make_estimator("tag", epochs=2, every=1, batch_size=25).fit(made).affinity_
    assert matrix.support is not None
    assert matrix.support[0, 2] == 4
    assert matrix.support[0, 1] == matrix.support[1, 0] == 0
    assert np.isnan(matrix.values[1]).all()
    assert any("4 of 6 pairs" in note for note in matrix.notes)


def test_separate_collections_and_divergence(toy: TaskCollection) -> None:
    block = toy.samples[0]
    parts = tuple(
        Samples(block.inputs[i:].copy(), (block.targets[t][i:].copy(),), block.split[i:].copy())
        for i, t in ((0, 0), (90, 3))
    )
    apart = TaskCollection("apart", (toy.tasks[0], toy.tasks[3]), parts, layout="separate")
    found = make_estimator("tag", epochs=4, batch_size=16).fit(apart).affinity_
    assert np.isfinite(found.values).all()
    with pytest.raises(TaskvizError, match=r"step \d+: lower the learning rate"):
        make_estimator("tag", epochs=50, optimizer="sgd", learning_rate=100, every=1000).fit(toy)
