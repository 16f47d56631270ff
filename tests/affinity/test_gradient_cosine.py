"""Gradient cosine against plain autograd, in float64, and by cases known beforehand."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from taskviz.affinity import make_estimator
from taskviz.affinity.gradient_cosine import task_gradients
from taskviz.affinity.shared_gradients import gradient_gram, gram_cosines
from taskviz.data.tensors import to_tensors
from taskviz.networks import NetworkOptions, build_network
from taskviz.training.losses import mean_loss
from taskviz.values import Samples, Task, TaskCollection


def plain_gradients(made: TaskCollection, seed: int) -> tuple[list[list[torch.Tensor]], ...]:
    data = to_tensors(made, dtype=torch.float64)
    network = build_network(
        made, NetworkOptions(width=8), seed=seed, heads="tied", dtype=torch.float64
    )
    rows = data.rows("train")
    slow = []
    for t, task in enumerate(made.tasks):
        output = network(data.inputs[0][rows])[t]
        loss = mean_loss(task, output, data.targets[t][rows], data.masks[t][rows])
        slow.append(list(torch.autograd.grad(loss, network.shared_parameters())))
    fast = task_gradients(network, data, [rows] * len(made.tasks))
    return fast, slow


def test_gradients_equal_plain_autograd(
    toy_factory: Callable[..., TaskCollection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taskviz.affinity.gradient_cosine.CHUNK", 17)
    fast, slow = plain_gradients(toy_factory(missing=0.2), 3)
    for task, reference in zip(fast, slow, strict=True):
        for a, b in zip(task, reference, strict=True):
            assert torch.allclose(a, b, rtol=1e-10, atol=1e-12)


def test_cosines_with_the_mean_removed_equal_the_vectors() -> None:
    rng = np.random.default_rng(0)
    gradients = [[torch.from_numpy(rng.normal(size=s)) for s in (7, 3)] for _ in range(4)]
    flat = np.stack([np.concatenate([p.numpy() for p in g]) for g in gradients])
    flat -= flat.mean(axis=0)
    flat /= np.linalg.norm(flat, axis=1)[:, None]
    found = gram_cosines(gradient_gram(gradients), remove_mean=True)
    assert np.allclose(found, flat @ flat.T)


def test_a_task_without_gradient_is_missing_and_leaves_the_mean_alone() -> None:
    rng = np.random.default_rng(1)
    g = rng.normal(size=(4, 9))
    g[2] = 0
    found = gram_cosines(g @ g.T, remove_mean=True)
    assert np.isnan(found[2]).all()
    rest = gram_cosines(np.delete(g, 2, 0) @ np.delete(g, 2, 0).T, remove_mean=True)
    assert np.allclose(np.delete(np.delete(found, 2, 0), 2, 1), rest)


def test_identical_tasks_and_their_error(toy: TaskCollection) -> None:
    twin = TaskCollection.from_arrays(
        "twins",
        toy.samples[0].inputs,
        {
            "a": toy.target_of(0),
            "b": toy.target_of(0),
            "c": toy.target_of(1),
            "d": toy.target_of(3),
        },
        [
            Task("a", "regression"),
            Task("b", "regression"),
            toy.tasks[1].__class__("c", "binary", ("no", "yes")),
            Task("d", "regression"),
        ],
        toy.samples[0].split,
    )
    matrix = make_estimator("gradient-cosine", inits=4).fit(twin).affinity_
    assert matrix.values[0, 1] == pytest.approx(1, abs=1e-6)
    assert matrix.standard_error is not None
    assert matrix.standard_error[0, 1] == pytest.approx(0, abs=1e-6)
    assert matrix.standard_error[0, 2] > 0
    assert (matrix.support == 4).all()


def test_centred_labels_do_not_depend_on_a_shift_of_the_head() -> None:
    rng = np.random.default_rng(2)
    inputs = rng.normal(size=(60, 4))
    targets = {"a": inputs @ [1, 0, 0, 0], "b": inputs @ [1, 1, 0, 0]}
    split = np.repeat([0, 1, 2], [40, 10, 10]).astype(np.int8)
    tasks = [Task("a", "regression"), Task("b", "regression")]
    made = TaskCollection.from_arrays("shift", inputs, targets, tasks, split)
    data = to_tensors(made, dtype=torch.float64)
    network = build_network(made, NetworkOptions(width=8), seed=0, dtype=torch.float64)
    rows = [data.rows("train")] * 2
    before = task_gradients(network, data, rows, centre_labels=True)
    with torch.no_grad():
        network.heads[0].bias += 5.0
    after = task_gradients(network, data, rows, centre_labels=True)
    assert all(torch.allclose(a, b) for a, b in zip(before[0], after[0], strict=True))


def test_two_tasks_are_centred_by_their_labels(toy: TaskCollection) -> None:
    found = make_estimator("gradient-cosine", inits=3).fit(toy.select(["t0", "t3"])).affinity_
    assert found.values[0, 1] > 0.5
    assert any("labels were centred" in note for note in found.notes)


def test_separate_collections(toy: TaskCollection) -> None:
    block = toy.samples[0]
    parts = tuple(
        Samples(
            block.inputs[i::2].copy(), (block.targets[t][i::2].copy(),), block.split[i::2].copy()
        )
        for i, t in ((0, 0), (1, 3), (0, 1))
    )
    tasks = (toy.tasks[0], toy.tasks[3], toy.tasks[1])
    apart = TaskCollection("apart", tasks, parts, layout="separate")
    values = make_estimator("gradient-cosine", inits=3).fit(apart).affinity_.values
    assert values[0, 1] > values[0, 2]
