"""The paper's grouping on planted answers."""

import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from taskviz.grouping import make_grouper
from taskviz.grouping.clustering import tidy
from taskviz.grouping.gat import GatSettings, attend, embed_tasks, standardised
from taskviz.grouping.gat_gmm import mixture_memberships
from taskviz.grouping.objective import density
from taskviz.values import AffinityMatrix, SubsetTable, TaskvizError


def sets(grouping):
    return {frozenset(group) for group in grouping.groups}


def test_all_budgets(planted):
    a = planted((5, 4, 3), noise=0.3)
    frontier = make_grouper("gat-gmm").frontier(a, range(1, 13))
    for budget, grouping in enumerate(frontier, start=1):
        assert set(grouping.tasks) == set(a.tasks)
        assert len(grouping.groups) <= budget == grouping.budget
        assert grouping.cost == len(grouping.groups)
        assert grouping.score == pytest.approx(density(a, grouping.groups))
        fewer = any("fewer than the" in note for note in grouping.notes)
        assert fewer == (len(grouping.groups) < budget)
        if budget < 12:
            assert min(map(len, grouping.groups)) >= 2
    assert frontier[0].groups == (a.tasks,)
    assert len(frontier[-1].groups) == 12
    # One budget alone gives what the frontier gives.
    assert make_grouper("gat-gmm").group(a, 3).groups == frontier[2].groups


@pytest.mark.parametrize(("size", "inputs", "outputs"), [(2, 2, 3), (7, 7, 4), (30, 8, 30)])
def test_dense_attention_is_that_of_the_library(size, inputs, outputs):
    from torch_geometric.nn import GATConv

    generator = torch.Generator().manual_seed(size)
    layer = GATConv(inputs, outputs, edge_dim=1, add_self_loops=False).double()
    features = torch.randn(size, inputs, generator=generator, dtype=torch.float64)
    weights = torch.randn(size, size, generator=generator, dtype=torch.float64)
    source, target = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    edges = torch.stack([source.reshape(-1), target.reshape(-1)])
    found, slopes = [], []
    for output in (
        layer(features, edges, weights.reshape(-1, 1)),
        attend(layer, features, weights),
    ):
        found.append(output)
        slopes.append(torch.autograd.grad(output.square().sum(), list(layer.parameters())))
    torch.testing.assert_close(found[1], found[0], rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(slopes[1], slopes[0], rtol=1e-10, atol=1e-10)


def test_fourteen_tasks_take_little_time(planted):
    a = planted((5, 5, 4), noise=0.3)
    make_grouper("gat-gmm").group(a, 2)
    start = time.process_time()
    make_grouper("gat-gmm").frontier(a, range(1, 15))
    assert time.process_time() - start < 4  # 0.9 s when measured alone


def test_repeats_and_leaves_random_state_alone(planted):
    a = planted((4, 4), noise=0.6)
    state = torch.random.get_rng_state()
    first = make_grouper("gat-gmm").group(a, 3, seed=5)
    assert torch.equal(torch.random.get_rng_state(), state)
    again = make_grouper("gat-gmm").group(a, 3, seed=5)
    assert first.groups == again.groups
    assert first.score == again.score
    embedding = [
        embed_tasks(a.values, a.symmetric(), GatSettings(epochs=5), seed) for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(embedding[0], embedding[1])
    assert not np.allclose(embedding[0], embedding[2])


def test_training_rebuilds_the_rows_better(planted):
    # The embedding moves away from its random start, and scale and offset do not matter.
    a = planted((3, 3), noise=0.1)
    start = embed_tasks(a.values, a.symmetric(), GatSettings(epochs=1), 0)
    trained = embed_tasks(a.values, a.symmetric(), GatSettings(epochs=100), 0)
    other = embed_tasks(5 * a.values - 3, 5 * a.symmetric() - 3, GatSettings(epochs=100), 0)
    assert np.abs(trained - start).max() > 0.1
    np.testing.assert_allclose(trained, other, atol=1e-6)


def test_standardised_pairs():
    values = np.array([[100.0, 1, 2], [3, 100, 4], [5, 6, 100]])
    z = standardised(values, "largest")
    off = ~np.eye(3, dtype=bool)
    assert z[off].mean() == pytest.approx(0)
    assert z[off].std() == pytest.approx(1)
    assert (np.diag(z) == z[off].max()).all()
    assert standardised(values, "own")[0, 0] > 50
    assert (standardised(np.ones((3, 3)), "own") == 0).all()


def test_soft_membership():
    # Two clusters and a point half-way: it belongs to both once the threshold lets it.
    embedding = np.array([[-1.2], [-1], [-0.8], [0.0], [0.8], [1], [1.2]])
    hard, soft = mixture_memberships(embedding, 2, 0.05, 0)
    assert (hard.sum(axis=0) == 1).all()
    assert soft[:, 3].all()
    assert (soft[:, [0, 6]].sum(axis=0) == 1).all()
    assert (soft | ~hard).all()
    hard, soft = mixture_memberships(embedding, 2, 1.0, 0)
    assert (hard == soft).all()


def test_singletons_join_the_most_similar_group():
    similarity = np.array(
        [[0, 9, 1, 1, 5], [9, 0, 1, 1, 5], [1, 1, 0, 9, 6], [1, 1, 9, 0, 6], [5, 5, 6, 6, 0.0]]
    )
    groups = np.array([[1, 1, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 1]], dtype=bool)
    assert tidy(groups, similarity, "join").tolist() == [[0, 0, 1, 1, 1], [1, 1, 0, 0, 0]]
    assert len(tidy(groups, similarity, "keep")) == 3
    # A task alone in one group and also in another: it leaves the one or the other.
    groups[1, 4] = True
    assert tidy(groups, similarity, "join").tolist() == [[0, 0, 1, 1, 1], [1, 1, 0, 0, 0]]
    assert tidy(groups, similarity, "keep").tolist() == [
        [0, 0, 0, 0, 1],
        [0, 0, 1, 1, 0],
        [1, 1, 0, 0, 0],
    ]


@given(st.integers(0, 100))
@settings(max_examples=5, deadline=None)
def test_equal_affinities_still_give_a_grouping(seed):
    a = AffinityMatrix(np.zeros((5, 5)), tuple("abcde"), "flat")
    grouping = make_grouper("gat-gmm", restarts=1, epochs=5).group(a, 3, seed=seed)
    assert set(grouping.tasks) == set("abcde")


def test_missing_pairs_are_noted(planted):
    a = planted((4, 4), noise=0.1)
    values = a.values.copy()
    values[0, 1] = values[1, 0] = np.nan
    support = (~np.isnan(values)).astype(np.int64)
    holed = AffinityMatrix(values, a.tasks, "holed", support=support)
    grouping = make_grouper("gat-gmm").group(holed, 2)
    assert {name[0] for group in grouping.groups[:1] for name in group} in ({"a"}, {"b"})
    assert "1 pairs of tasks rest on no data" in grouping.notes[0]


def test_two_tasks():
    a = AffinityMatrix(np.array([[1.0, -5], [-5, 1]]), ("x", "y"), "two")
    assert [len(g.groups) for g in make_grouper("gat-gmm").frontier(a, [1, 2])] == [1, 2]


def test_a_subset_table_is_refused():
    table = SubsetTable(("a", "b"), np.ones((1, 2), bool), np.ones((1, 2)), np.ones(1))
    with pytest.raises(TaskvizError, match="'selection' takes one"):
        make_grouper("gat-gmm").group(table, 1)


@pytest.mark.parametrize(
    ("budget", "words"),
    [(0, "from 1 up"), (8, "choose 1 to 7"), (2.5, "choose a whole number"), (np.nan, "from 1 up")],
)
def test_bad_budgets(budget, words, planted):
    with pytest.raises(TaskvizError, match=words):
        make_grouper("gat-gmm").group(planted(), budget)
