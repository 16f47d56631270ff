"""Hundreds of tasks: one set of features for all, and the same numbers as task by task."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import taskviz as tv
from taskviz.affinity import expansion, make_estimator, pooled_fits, projected_samples
from taskviz.affinity.expansion import expand, train_start
from taskviz.affinity.gradient import Gradient, GradientOptions
from taskviz.affinity.linear_model import LinearModel
from taskviz.affinity.shared_linear import SharedLinear
from taskviz.data.generate import write_communities
from taskviz.engines import RunContext
from taskviz.values import AffinityMatrix, TaskCollection, TaskvizError

TASKS = 12


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small generated graph with 12 communities."""
    path = tmp_path_factory.mktemp("graph") / "graph.npz"
    told = write_communities(path, TASKS, nodes=720, degree=8.0, features=6, seed=3)
    assert told["nodes"] == 720
    assert told["tasks"] == TASKS
    return path


@pytest.fixture(scope="module")
def communities(graph: Path) -> TaskCollection:
    """It as a collection."""
    return tv.load_collection(str(graph))


def test_the_same_seed_writes_the_same_graph(graph: Path, communities: TaskCollection) -> None:
    other = graph.with_name("again.npz")
    write_communities(other, TASKS, nodes=720, degree=8.0, features=6, seed=3)
    again = tv.load_collection(str(other))
    assert again.fingerprint == communities.fingerprint
    assert (communities.modality, len(communities.tasks)) == ("nodes", TASKS)
    members = np.array([communities.target_of(t)[:, 0] for t in range(TASKS)])
    assert set(members.sum(axis=0)) == {1.0, 2.0}
    edges = communities.samples[0].inputs.edge_index
    inside = (members[:, edges[0]] * members[:, edges[1]]).any(axis=0)
    assert inside.mean() > 0.6, "most edges stay within a community"


def test_a_graph_that_cannot_be_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(TaskvizError, match="ask for more nodes"):
        write_communities(tmp_path / "a.npz", 10, nodes=100)
    with pytest.raises(TaskvizError, match=r"does not end in \.npz"):
        write_communities(tmp_path / "a.csv", 10)
    assert not list(tmp_path.iterdir())


def models(
    collection: TaskCollection, monkeypatch: pytest.MonkeyPatch, device: torch.device
) -> tuple[LinearModel, LinearModel]:
    """The same model with features a task, and with those that tasks share."""
    options = GradientOptions(epochs=1, width=6, dimension=20, samples=200)
    context = RunContext(device=device)
    run = train_start(collection, options, context, 0.5)
    apart, _ = expand(run, options, context)
    monkeypatch.setattr(projected_samples, "SHARED_FROM", 4)
    monkeypatch.setattr(expansion, "FEW", 4)
    return apart, expand(run, options, context)[0]


def test_shared_features_give_the_same_losses(
    communities: TaskCollection, monkeypatch: pytest.MonkeyPatch, device: torch.device
) -> None:
    holes = replace(communities.samples[0])
    targets = [t.copy() for t in holes.targets]
    targets[2][::3] = np.nan
    holes = replace(holes, targets=tuple(targets))
    collection = replace(communities, samples=(holes,))
    apart, shared = models(collection, monkeypatch, device)
    assert apart.train[0] is not None
    assert shared.train[0] is not None
    assert apart.train[0].head is None
    assert shared.train[0].head is not None
    assert shared.train[2] is not None
    assert shared.train[2].rows is not None, "a task with missing labels has rows of its own"
    for one, other in zip(apart.train, shared.train, strict=True):
        torch.testing.assert_close(one.features, other.slopes, atol=1e-5, rtol=1e-4)  # type: ignore[union-attr]
    inside = torch.rand(30, TASKS, generator=torch.Generator().manual_seed(0)) < 0.5
    inside[:, 0] = True
    inside = inside.to(device)
    shared.ridge, shared.length = apart.ridge, apart.length
    np.testing.assert_allclose(
        apart.losses(inside), shared.losses(inside), rtol=2e-3, equal_nan=True
    )
    again = LinearModel.from_state(shared.to_state(), TASKS)
    np.testing.assert_allclose(
        again.losses(inside.cpu()), shared.losses(inside), rtol=1e-4, equal_nan=True
    )
    kept = shared.to_state()
    assert sum(name.endswith("features") for name in kept) == 2, "kept once a split"


def test_all_tasks_at_once_is_the_sum_over_tasks(
    communities: TaskCollection, monkeypatch: pytest.MonkeyPatch, device: torch.device
) -> None:
    _, shared = models(communities, monkeypatch, device)
    monkeypatch.setattr("taskviz.affinity.shared_linear.NUMBERS", 1000)
    together = SharedLinear.of(shared.train)
    assert together is not None
    generator = torch.Generator().manual_seed(1)
    weights = 0.1 * torch.randn(5, shared.fits.d, generator=generator)
    share = torch.rand(5, TASKS, generator=generator)
    weights, share = weights.to(device), share.to(device)
    expected = torch.zeros_like(weights)
    for task, sample in enumerate(shared.train):
        assert sample is not None
        expected += share[:, task, None] * sample.gradient(weights)
        torch.testing.assert_close(
            together.losses(weights)[:, task], sample.losses(weights), rtol=1e-4, atol=1e-6
        )
    torch.testing.assert_close(together.gradient(weights, share), expected, rtol=1e-3, atol=1e-5)


def test_small_subsets_are_fitted_alike_beside_large_ones(
    communities: TaskCollection, monkeypatch: pytest.MonkeyPatch, device: torch.device
) -> None:
    apart, shared = models(communities, monkeypatch, device)
    shared.ridge, shared.length = apart.ridge, apart.length
    inside = torch.rand(20, TASKS, generator=torch.Generator().manual_seed(2)) < 0.5
    inside[::2] = False
    inside[range(0, 20, 2), range(10)] = True
    inside[1::2, 0] = True
    small = inside.sum(dim=1) * pooled_fits.FEW < TASKS
    assert small.any(), "some subsets are fitted task by task"
    assert not small.all(), "others all tasks at once"
    inside = inside.to(device)
    found = shared.losses(inside)
    np.testing.assert_allclose(apart.losses(inside), found, rtol=2e-3, equal_nan=True)
    for rows in (small, ~small):
        own = shared.losses(inside[rows.to(device)])
        np.testing.assert_allclose(own, found[rows.numpy()], rtol=1e-5, equal_nan=True)


def test_beyond_the_limit_pairs_are_left_out(
    communities: TaskCollection, monkeypatch: pytest.MonkeyPatch, device: torch.device
) -> None:
    monkeypatch.setattr("taskviz.affinity.gradient.PAIRS_UP_TO", 11)
    made = make_estimator("gradient", epochs=1, width=6, dimension=20, samples=100)
    assert isinstance(made, Gradient)
    made.fit(communities, RunContext(device=device))
    table = made.table_
    assert table is not None
    sizes = table.membership.sum(axis=1)
    assert (sizes == 2).sum() == 0
    assert (sizes == 1).sum() == TASKS
    assert (sizes == TASKS // 2).sum() == 4 * TASKS
    assert any("not gains in pairs" in note for note in made.affinity_.notes)
    assert np.isfinite(made.affinity_.values).all()
    group = made.predict(communities.names[:3])
    assert all(loss > 0 for loss in group.values())


def test_five_hundred_tasks_fall_into_their_twenty_groups() -> None:
    rng = np.random.default_rng(0)
    block = rng.permutation(np.arange(500) % 20)
    values = (block[:, None] == block) + 0.2 * rng.normal(size=(500, 500))
    names = tuple(f"t{i}" for i in range(500))
    found = tv.group_tasks(AffinityMatrix(values, names, "given"), method="spectral", budget=20)
    expected = {frozenset(np.array(names)[block == b]) for b in range(20)}
    assert {frozenset(group) for group in found.groups} == expected
