"""Groups under a budget in another unit: brute force, the largest k that fits, honest errors."""

import re
from itertools import combinations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskviz.grouping import make_grouper, priced_selection, within_budget
from taskviz.grouping.group_costs import CostModel
from taskviz.grouping.random import RandomGrouping
from taskviz.grouping.what_if import edited_plan
from taskviz.grouping.within_budget import frontier_within, group_within
from taskviz.values import AffinityMatrix, Grouping, SubsetTable, TaskvizError

SLOW = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}


def random_matrix(size, seed=0):
    rng = np.random.default_rng(seed)
    names = tuple(f"t{i}" for i in range(size))
    return AffinityMatrix(rng.normal(size=(size, size)), names, "random")


def model_of(names, trunk=100.0, head=10.0, unit="macs"):
    return CostModel(unit, tuple(names), trunk, (head,) * len(names))


def brute_force(losses, model, budget, overlap):
    """Least total loss over all sets of groups, and the least cost of any that covers."""
    best, least = np.inf, np.inf
    groups = list(losses)
    for count in range(1, len(model.tasks) + 1):
        for chosen in combinations(groups, count):
            held = [t for group in chosen for t in group]
            if set(held) != set(model.tasks) or (not overlap and len(held) > len(set(held))):
                continue
            cost = sum(map(model, chosen))
            least = min(least, cost)
            if cost <= budget * (1 + 1e-9):
                total = sum(min(losses[g].get(t, np.inf) for g in chosen) for t in model.tasks)
                best = min(best, total)
    return best, least


def matrix_losses(matrix):
    """Of every group of two or more: minus the mean affinity from the other members."""
    place = {t: i for i, t in enumerate(matrix.tasks)}
    found = {}
    for size in range(2, len(matrix.tasks) + 1):
        for group in combinations(matrix.tasks, size):
            found[group] = {
                t: -np.mean([matrix.values[place[u], place[t]] for u in group if u != t])
                for t in group
            }
    return found


@given(seed=st.integers(0, 10**9))
@settings(max_examples=120, **SLOW)
def test_selection_at_prices_equals_brute_force(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 5))
    matrix = random_matrix(size, seed)
    whole = bool(rng.random() < 0.5)
    heads = rng.integers(1, 30, size) if whole else rng.uniform(0.0, 0.3, size)
    trunk = rng.integers(1, 100) if whole else rng.uniform(0.05, 1.0)
    unit = "parameters" if whole else "milliseconds"
    model = CostModel(unit, matrix.tasks, float(trunk), tuple(map(float, heads)))
    budget = model.partition(1) * float(rng.uniform(0.8, 2.5))
    overlap = bool(rng.random() < 0.7)
    best, least = brute_force(matrix_losses(matrix), model, budget, overlap)
    if not np.isfinite(best):
        with pytest.raises(TaskvizError, match=re.escape(model.words(least, up=True))):
            group_within(matrix, "selection", budget, model, overlap=overlap)
        return
    found = group_within(matrix, "selection", budget, model, overlap=overlap)
    assert found.score == pytest.approx(-best, abs=1e-8)
    assert found.gap == 0.0
    assert found.cost == pytest.approx(sum(model(g) for g in found.groups))
    assert found.cost <= budget * (1 + 1e-9)
    assert (found.budget, found.cost_unit) == (budget, unit)
    assert found.options["overlap"] == overlap
    assert overlap or not found.overlapping


@given(seed=st.integers(0, 10**9))
@settings(max_examples=40, **SLOW)
def test_tables_of_full_size_networks(seed):
    rng = np.random.default_rng(seed)
    names = tuple("abc")
    losses = {
        group: {t: float(rng.random()) for t in group}
        for size in (1, 2, 3)
        for group in combinations(names, size)
        if size != 2 or rng.random() < 0.8
    }
    membership = np.array([[t in group for t in names] for group in losses])
    rows = np.array([[own.get(t, np.nan) for t in names] for own in losses.values()])
    table = SubsetTable(names, membership, rows, np.ones(len(rows)))
    model = CostModel("macs", names, float(rng.integers(1, 50)), (3.0, 5.0, 9.0))
    budget = model.partition(1) * float(rng.uniform(1.0, 3.0))
    best, _ = brute_force(losses, model, budget, True)
    found = group_within(table, "selection", budget, model)
    assert found.score == pytest.approx(best, abs=1e-9)
    assert found.cost == sum(model(g) for g in found.groups)
    assert found.cost <= budget * (1 + 1e-9)


def test_half_size_networks_have_no_known_price():
    table = SubsetTable(("a", "b"), np.ones((2, 2), bool), np.ones((2, 2)), np.array([1.0, 0.5]))
    with pytest.raises(TaskvizError, match=r"a\+b costs 0.5 networks.*macs"):
        group_within(table, "selection", 300, model_of("ab"))
    assert group_within(table, "selection", 0.5, model_of("ab", unit="networks")).cost == 0.5


def test_networks_are_the_grouper_itself():
    matrix = random_matrix(5)
    model = CostModel("networks", matrix.tasks, 1.0, (0.0,) * 5)
    found = group_within(matrix, "selection", 2.5, model)
    assert found.groups == make_grouper("selection").group(matrix, 2.5).groups
    assert found.cost_unit == "networks"


@pytest.mark.parametrize("method", ["random", "spectral", "lloyd"])
@pytest.mark.parametrize(("budget", "k"), [(160, 1), (259, 1), (260, 2), (460, 4), (9999, 6)])
def test_a_clustering_makes_as_many_groups_as_fit(method, budget, k):
    matrix = random_matrix(6)
    model = model_of(matrix.tasks)
    found = group_within(matrix, method, budget, model, seed=3, singletons="keep")
    assert len(found.groups) == k
    assert found.cost == k * 100 + 60
    assert found.budget == budget
    assert found.groups == make_grouper(method, singletons="keep").group(matrix, k, 3).groups


class _SharesTheFirst(RandomGrouping):
    """k groups, all of which hold the first task."""

    def group(self, affinity, budget, seed=0):
        rest = np.array_split(affinity.tasks[1:], int(budget))
        return Grouping.of([[affinity.tasks[0], *map(str, part)] for part in rest], budget=budget)


@pytest.mark.parametrize(("budget", "k"), [(150, 1), (267, 1), (268, 2), (385, 2), (386, 3)])
def test_overlapping_groups_cost_their_heads(monkeypatch, budget, k):
    monkeypatch.setattr(within_budget, "grouper_class", lambda _: _SharesTheFirst)
    matrix = random_matrix(5)
    # k groups hold 4 + k heads: 370 would pay for three disjoint groups, but not for these.
    found = group_within(matrix, "any", budget, CostModel("macs", matrix.tasks, 110.0, (8.0,) * 5))
    assert len(found.groups) == k
    assert found.cost == 110 * k + 8 * (4 + k) <= budget
    told = [note for note in found.notes if "overlap" in note]
    disjoint = (budget - 40) // 110
    assert told == [] if k == disjoint else f"{disjoint} disjoint groups" in told[0]


def test_one_network_a_task_says_that_it_is_too_dear():
    matrix = random_matrix(4)
    model = model_of(matrix.tasks)
    found = group_within(matrix, "all-separate", 300, model)
    assert (found.cost, found.budget) == (440, 300)
    assert "costs 440 multiply-accumulates: above the budget of 300" in found.notes[-1]
    assert not any(
        "above" in note for note in group_within(matrix, "all-separate", 440, model).notes
    )


@pytest.mark.parametrize("method", ["selection", "random", "lloyd", "all-together"])
def test_below_the_cheapest_cover_the_least_budget_is_named(method):
    matrix = random_matrix(4)
    model = CostModel("parameters", matrix.tasks, 1234500.0, (1.0, 2.0, 30.0, 34.0))
    with pytest.raises(TaskvizError, match="cost 1234567 parameters: raise it"):
        group_within(matrix, method, 1234566, model)
    assert len(group_within(matrix, method, 1234567, model).groups) == 1


def test_constraints_raise_the_least_budget():
    matrix = random_matrix(6)
    model = model_of(matrix.tasks)
    for overlap in (True, False):
        with pytest.raises(TaskvizError, match="cost 360 multiply-accumulates"):
            group_within(matrix, "selection", 300, model, largest=2, overlap=overlap)
        assert group_within(matrix, "selection", 360, model, largest=2, overlap=overlap).cost == 360


@pytest.mark.parametrize("overlap", [True, False])
def test_many_tasks_keep_budget_and_bound(overlap):
    matrix = random_matrix(20, seed=1)
    model = model_of(matrix.tasks, head=7.0)
    budget = model.partition(3) + 10.0
    found = group_within(matrix, "selection", budget, model, overlap=overlap, seconds=1.0)
    assert found.cost == sum(model(g) for g in found.groups) <= budget
    assert found.bound is not None
    assert found.score <= found.bound
    # Three networks at no price for helpers can only do better.
    free = make_grouper("selection", overlap=overlap, seconds=1.0).group(matrix, 3)
    assert found.bound <= free.bound + 1e-9
    with pytest.raises(TaskvizError, match="cost 240 multiply-accumulates"):
        group_within(matrix, "selection", 239, model, overlap=overlap, seconds=1.0)


def test_a_solver_that_overdraws_is_asked_again(monkeypatch):
    """Solvers keep to a budget within a tolerance; what is handed on keeps to it exactly."""
    matrix = random_matrix(5, seed=1)
    model = model_of(matrix.tasks)
    asked, paid = [], []
    real = priced_selection.Selection.group

    def overdrawing(self, affinity, budget, seed=0):
        if self.cost is None:
            return real(self, affinity, budget, seed)
        asked.append(budget)
        # The first time as if 10 more were within the tolerance.
        found = real(self, affinity, budget + (10 if len(asked) == 1 else 0), seed)
        paid.append(found.cost)
        return found

    monkeypatch.setattr(priced_selection.Selection, "group", overdrawing)
    found = group_within(matrix, "selection", 255.0, model)
    assert asked == [255.0, pytest.approx(255.0, rel=1e-4)]
    assert asked[1] < 255.0
    assert paid == [260.0, 250.0]
    assert found.cost == 250.0
    # The bound is that of the whole budget: the optimum within the overdrawn one, here.
    assert found.bound > found.score


@pytest.mark.parametrize("budget", [0.0, -1.0, float("nan"), float("inf")])
def test_budgets_that_are_none(budget):
    matrix = random_matrix(3)
    with pytest.raises(TaskvizError, match="finite positive"):
        group_within(matrix, "selection", budget, model_of(matrix.tasks))


def test_tasks_without_a_price():
    with pytest.raises(TaskvizError, match="'t2' has no cost"):
        group_within(random_matrix(3), "random", 300, model_of(("t0", "t1")))


def test_the_frontier_begins_at_one_network_and_never_falls():
    matrix = random_matrix(5)
    model = model_of((*matrix.tasks, "unused"))
    found = frontier_within(matrix, "selection", model)
    assert [g.budget for g in found] == [150, 250, 350, 450, 550]
    assert all(g.cost <= g.budget for g in found)
    scores = [g.score for g in found]
    assert scores == sorted(scores)


def test_a_plan_changed_by_hand_is_priced_in_its_unit():
    rng = np.random.default_rng(0)
    names = tuple("abc")
    groups = [g for size in (1, 2, 3) for g in combinations(names, size)]
    membership = np.array([[t in g for t in names] for g in groups])
    losses = np.where(membership, rng.random(membership.shape), np.nan)
    table = SubsetTable(names, membership, losses, np.ones(len(groups)))
    model = CostModel("macs", names, 100.0, (1.0, 2.0, 4.0))
    plan = group_within(table, "selection", 107, model)
    assert plan.groups == (names,)
    edited = edited_plan(table, [("a", "b"), ("c",)], plan, price=model)
    assert edited.costs == (103.0, 104.0)
    assert (edited.cost, edited.cost_unit) == (207.0, "macs")
    assert edited.bound is None
    assert edited.score == pytest.approx(losses[3, 0] + losses[3, 1] + losses[2, 2])
    with pytest.raises(TaskvizError, match="priced in macs, and what the group a, b costs"):
        edited_plan(table, [("a", "b"), ("c",)], plan)


@pytest.mark.parametrize("method", ["selection", "gat-gmm", "random", "all-separate"])
def test_a_frontier_is_what_each_budget_gives_alone(method):
    rng = np.random.default_rng(3)
    a = AffinityMatrix(rng.normal(size=(6, 6)), tuple("abcdef"), "noise")
    prices = CostModel("parameters", tuple("abcdef"), 100.0, (10.0,) * 6)
    budgets = [prices.partition(k) + extra for k in (1, 2, 3, 5) for extra in (0, 25)]
    found = frontier_within(a, method, prices, budgets)
    for budget, one in zip(budgets, found, strict=True):
        alone = group_within(a, method, budget, prices)
        assert (one.groups, one.cost, one.budget) == (alone.groups, alone.cost, alone.budget)
        assert one.score == pytest.approx(alone.score) if alone.score is not None else True
        assert one.bound == pytest.approx(alone.bound) if alone.bound is not None else True
