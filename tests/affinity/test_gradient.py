"""Gradient-based estimation: exact on a linear model, and end to end."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
import torch
from torch import nn

from taskviz.affinity import make_estimator
from taskviz.affinity.expansion import expand, movable, train_start
from taskviz.affinity.gradient import GradientOptions
from taskviz.affinity.joint_training import JointTraining
from taskviz.affinity.linear_model import LENGTHS, RIDGES, LinearModel
from taskviz.affinity.linearisation import Projection
from taskviz.affinity.real_network import RealNetwork
from taskviz.engines import RunContext
from taskviz.networks import MultiHeadNetwork
from taskviz.values import Samples, Task, TaskCollection, TaskvizError


def linear_run(dtype: torch.dtype = torch.float64) -> JointTraining:
    """Three regression tasks that share one linear map; task c sees it through a head of −2."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(90, 5))
    targets = {name: inputs @ rng.normal(size=5) + 0.3 * rng.normal(size=90) for name in "abc"}
    made = TaskCollection.from_arrays(
        "linear",
        inputs,
        targets,
        [Task(name, "regression") for name in "abc"],
        rng.permutation(np.repeat([0, 1, 2], 30)).astype(np.int8),
    )
    run = JointTraining(made, GradientOptions(epochs=1), RunContext(), dtype)
    torch.manual_seed(0)
    heads = []
    for scale in (1.0, 1.0, -2.0):
        head = nn.Linear(1, 1)
        with torch.no_grad():
            head.weight.fill_(scale)
            head.bias.fill_(0.1)
        heads.append(head)
    run.network = MultiHeadNetwork(nn.Linear(5, 1), heads).to(dtype).eval()
    return run


def exact_refit(run: JointTraining, members: list[int], ridge: float) -> torch.Tensor:
    """``(6,)`` trunk of the least mean squared error over the subset, ridge around θ*."""
    data, rows = run.data, run.data.rows("train")
    start = torch.cat([p.detach().flatten() for p in run.network.trunk.parameters()])
    gram, right = ridge * torch.eye(6, dtype=torch.float64), ridge * start
    x = torch.cat([data.inputs[0][rows], torch.ones(len(rows), 1, dtype=torch.float64)], dim=1)
    for task in members:
        head = run.network.heads[task]
        scaled = x * head.weight.item()
        y = data.targets[task][rows][:, 0] - head.bias.item()
        gram = gram + 2 / len(rows) / len(members) * scaled.T @ scaled
        right = right + 2 / len(rows) / len(members) * scaled.T @ y
    return torch.linalg.solve(gram, right)


@pytest.mark.parametrize("evaluate", ["linear", "network"])
def test_on_a_linear_model_the_estimate_is_the_exact_refit(evaluate: str) -> None:
    run = linear_run()
    options = GradientOptions(evaluate=evaluate)  # type: ignore[arg-type]
    model, notes = expand(run, options, RunContext())
    assert "nothing was projected" in notes[0]
    model.fits.tolerance = 1e-12
    model.length = 1.0
    groups = [list(g) for size in (1, 2, 3) for g in combinations(range(3), size)]
    membership = torch.tensor([[task in g for task in range(3)] for g in groups])
    losses = model.losses(membership)
    rows = run.data.rows("valid")
    x = run.data.inputs[0][rows]
    for group, found in zip(groups, losses, strict=True):
        weights = exact_refit(run, group, model.ridge)
        feature = x @ weights[:5] + weights[5]
        for task in range(3):
            head = run.network.heads[task]
            output = feature * head.weight.item() + head.bias.item()
            expected = ((output - run.data.targets[task][rows][:, 0]) ** 2).mean()
            if task in group:
                assert found[task] == pytest.approx(float(expected), rel=1e-9)
            else:
                assert np.isnan(found[task])


def test_without_offset_the_fit_ignores_the_base_output() -> None:
    run = linear_run()
    model, _ = expand(run, GradientOptions(offset=False), RunContext())
    sample = model.train[0]
    assert sample is not None
    x, y = sample.features[:, 0], sample.target[:, 0]
    expected = torch.linalg.solve(
        2 / len(x) * x.T @ x + 0.2 * torch.eye(6, dtype=x.dtype), 2 / len(x) * x.T @ y
    )
    found = model.fits.solve(torch.tensor([[True, False, False]]), 0.2).weights[0]
    assert torch.allclose(found, expected)
    assert (model.valid[0].offset != 0).any()  # type: ignore[union-attr]


def test_ridge_and_length_are_the_best_on_validation() -> None:
    run = linear_run()
    model, _ = expand(run, GradientOptions(), RunContext())
    row = torch.tensor([[True, True, False], [False, True, True]])
    model.choose(row)
    best = np.nanmean(model.losses(row) / model.scores(torch.zeros(2, 6).double(), row))
    for ridge in RIDGES:
        for length in LENGTHS:
            other = LinearModel(model.train, model.valid)
            other.ridge, other.length = ridge * other.fits.scale, length
            value = np.nanmean(other.losses(row) / model.scores(torch.zeros(2, 6).double(), row))
            assert best <= value + 1e-9


def test_scores_of_the_real_network_move_with_the_projection(toy: TaskCollection) -> None:
    run = train_start(toy, GradientOptions(epochs=2, width=16), RunContext(), 1.0)
    start = movable(run, "shared")
    assert all(name.startswith("trunk.") for name in start)
    options = GradientOptions(epochs=2, width=16, evaluate="network", dimension=30)
    model, _ = expand(run, options, RunContext(3))
    assert isinstance(model.real, RealNetwork)
    membership = torch.tensor([[True, False, True, True]])
    small = 1e-3 * torch.randn(1, 30, generator=torch.Generator().manual_seed(0))
    real = model.scores(small, membership)
    linear = LinearModel(model.train, model.valid).scores(small, membership)
    start_losses = model.scores(torch.zeros(1, 30), membership)
    known = np.isfinite(real)
    # to first order the two agree, and both differ from standing still
    change = (real - start_losses)[known]
    assert np.abs(change).max() > 1e-6
    assert np.allclose(change, (linear - start_losses)[known], atol=0.1 * np.abs(change).max())


def test_end_to_end_with_missing_labels(toy_factory: Callable[..., TaskCollection]) -> None:
    made = toy_factory(missing=0.3)
    estimator = make_estimator("gradient", epochs=4, dimension=40).fit(made)
    matrix = estimator.affinity_
    assert matrix.networks_trained == 1
    assert matrix.standard_error is None
    assert estimator.table_ is not None
    assert estimator.table_.estimated
    assert len(estimator.table_) == 15
    alone = estimator.predict(["t3"])["t3"]
    pair = estimator.predict(["t0", "t3"])["t3"]
    assert matrix.values[0, 3] == pytest.approx((alone - pair) / alone)
    again = make_estimator("gradient", epochs=4, dimension=40)
    again.restore(matrix, None, {n: np.array(v) for n, v in estimator.state_.items()})
    group = ["t1", "t2", "t3"]
    assert again.predict(group) == pytest.approx(estimator.predict(group), rel=1e-4)
    few = {name: estimator.state_[name] for name in ("alone", "paired")}
    again.restore(matrix, None, few)
    assert again.predict(["t0", "t3"])["t3"] == pytest.approx(pair)
    assert np.isfinite(again.predict(group)["t1"])


def test_many_tasks_get_pairs_and_random_subsets(
    toy_factory: Callable[..., TaskCollection],
) -> None:
    made = toy_factory(kinds=("binary",) * 12, n=100)
    options = {"epochs": 2, "dimension": 20, "width": 8, "m": 30}
    estimator = make_estimator("gradient", **options).fit(made)
    assert estimator.table_ is not None
    assert len(estimator.table_) == 12 + 66 + 30
    scores = make_estimator("gradient", matrix="higher-order", **options).fit(made).affinity_
    assert scores.support is not None
    assert scores.support.max() < 31
    assert estimator.predict([f"t{i}" for i in range(11)])["t3"] > 0


def test_all_parameters_and_separate_collections(toy: TaskCollection) -> None:
    block = toy.samples[0]
    parts = tuple(
        Samples(block.inputs[i:].copy(), (block.targets[t][i:].copy(),), block.split[i:].copy())
        for i, t in ((0, 0), (60, 1))
    )
    apart = TaskCollection("apart", (toy.tasks[0], toy.tasks[1]), parts, layout="separate")
    found = make_estimator("gradient", epochs=3, parameters="all", dimension=30).fit(apart)
    assert np.isfinite(found.affinity_.values).all()


def test_too_little_memory_is_said_before_the_gradients(toy: TaskCollection) -> None:
    with pytest.raises(TaskvizError, match="need 4"):
        make_estimator("gradient", epochs=1, memory_mb=1, dimension=4096, width=64).fit(toy)


def test_projection_and_fit_are_deterministic(toy: TaskCollection) -> None:
    place = {"w": torch.zeros(50)}
    assert torch.equal(Projection.of(place, 9, 2).flat(4), Projection.of(place, 9, 2).flat(4))
    assert not torch.equal(Projection.of(place, 9, 2).flat(4), Projection.of(place, 9, 3).flat(4))
