"""Selection: clashes and bad input in words, search beyond what can be listed, time and cancel."""

import time
from itertools import pairwise

import numpy as np
import pytest

from taskviz.grouping import make_grouper
from taskviz.grouping.network_selection import MatrixScores, PredictedScores, select_networks
from taskviz.grouping.network_selection.bound import MatrixBound
from taskviz.grouping.network_selection.candidates import Candidates
from taskviz.grouping.network_selection.constraints import Constraints, parse_sets
from taskviz.grouping.network_selection.dynamic import DynamicSelection, cost_levels
from taskviz.grouping.network_selection.lagrangian import lagrangian_bound
from taskviz.grouping.network_selection.milp import solve_milp
from taskviz.grouping.objective import group_scores, selection_score, serve
from taskviz.progress import Progress
from taskviz.values import AffinityMatrix, Cancelled, Grouping, SubsetTable, TaskvizError

NOTHING = lambda: None  # noqa: E731


def noise(size, seed=0):
    rng = np.random.default_rng(seed)
    return AffinityMatrix(
        rng.normal(size=(size, size)), tuple(f"t{i}" for i in range(size)), "noise"
    )


def select(affinity, budget, **options):
    return make_grouper("selection", **options).group(affinity, budget)


@pytest.mark.parametrize("overlap", [True, False])
def test_the_score_is_what_the_objective_says(overlap):
    a = noise(9)
    for grouping in make_grouper("selection", overlap=overlap).frontier(a, [1, 2, 3, 4]):
        assert grouping.score == pytest.approx(selection_score(a, grouping.groups))
        found = group_scores(a, grouping.groups)
        served = [found[grouping.serving[task], i] for i, task in enumerate(a.tasks)]
        np.testing.assert_allclose(served, np.nanmax(found, axis=0))
        assert grouping.serving == serve(a, grouping.groups)
        assert Grouping.from_json(grouping.to_json()) == grouping


def test_more_budget_never_hurts_and_overlap_never_hurts():
    a = noise(10)
    free = make_grouper("selection").frontier(a, range(1, 11))
    apart = make_grouper("selection", overlap=False).frontier(a, range(1, 11))
    for one, two in pairwise(free):
        assert two.score >= one.score - 1e-12
    for one, two in zip(free, apart, strict=True):
        assert one.score >= two.score - 1e-12
    # One group a task and its best helper: each gets its best source.
    best = np.where(np.eye(10, dtype=bool), -np.inf, a.values).max(axis=0).sum()
    assert free[-1].score == pytest.approx(best)


def test_twelve_tasks_and_fifteen_are_proven_in_time():
    for size, solver, limit in ((12, "auto", 10), (12, "milp", 10), (15, "auto", 60)):
        start = time.process_time()
        found = select(noise(size), 4, solver=solver)
        assert found.gap == 0.0
        assert time.process_time() - start < limit


def test_the_bound_before_the_programme_is_valid_and_close():
    a = MatrixScores(noise(10))
    allowed = Constraints(singletons=False).allowed(a.tasks)
    listed = Candidates.every_group(a, allowed, NOTHING)
    levels, unit = cost_levels(listed.cost)
    for overlap in (True, False):
        best, rows = DynamicSelection(listed, overlap, levels, 3, NOTHING).best(3)
        assert listed.total(rows) == pytest.approx(best)
        bound = lagrangian_bound(listed, 3, overlap, best, NOTHING)
        assert bound.value <= best + 1e-9
        assert bound.value > best - 0.2 * abs(best)
        # It throws out most candidates, but none of an optimum.
        keep = bound.may_improve(best + 1e-9)
        assert keep[rows].all()
        assert keep.mean() < 0.5
    assert unit == 1.0


def test_costs_in_halves_and_in_anything():
    assert cost_levels(np.array([0.5, 1.0, 1.5]))[0].tolist() == [1, 2, 3]
    assert cost_levels(np.array([0.5, 1.0, 1.5]))[1] == 0.5
    assert cost_levels(np.array([1.0, np.pi])) is None
    assert cost_levels(np.linspace(0.1, 7, 100)) is None


def test_a_bound_holds_where_search_is_used():
    for overlap in (True, False):
        for size, groups in ((8, 2), (9, 4), (10, 3)):
            a = noise(size, seed=groups)
            best = select(a, groups, overlap=overlap)
            constraints = Constraints(overlap=overlap, singletons=False)
            assert MatrixBound(MatrixScores(a), constraints).at(groups) >= best.score - 1e-9


def test_search_on_many_tasks(planted):
    a = planted((10, 10, 10, 10), noise=0.2)
    for overlap in (True, False):
        found = select(a, 4, overlap=overlap)
        letters = {frozenset(task[0] for task in group) for group in found.groups}
        assert letters == {frozenset(letter) for letter in "abcd"}
        assert found.gap is not None
        assert 0 <= found.gap < 0.15
        assert found.score == pytest.approx(selection_score(a, found.groups))
        assert found.score <= found.bound


def test_a_hundred_tasks_take_seconds():
    start = time.process_time()
    found = select(noise(100), 10)
    assert time.process_time() - start < 10
    assert len(found.groups) <= 10
    assert found.gap is not None
    assert select(noise(100), 10).groups == found.groups


def test_search_keeps_to_the_constraints():
    a = noise(24)
    found = select(
        a, 8, smallest=3, largest=5, together="t0+t1; t2+t3", apart="t0+t5; t4+t6+t7", overlap=True
    )
    for group in found.groups:
        assert 3 <= len(group) <= 5
        assert ("t0" in group) == ("t1" in group)
        assert ("t2" in group) == ("t3" in group)
        assert not {"t0", "t5"} <= set(group)
        assert len({"t4", "t6", "t7"} & set(group)) <= 1
    assert len(select(a, 24, largest=2, overlap=False).groups) == 12


def test_search_with_predictions_of_any_form():
    # Loss of a task: how far its number lies from the mean of its group.
    names = tuple(f"n{i}" for i in range(20))

    def predict(group):
        numbers = [int(task[1:]) for task in group]
        return {task: abs(int(task[1:]) - np.mean(numbers)) for task in group}

    scores = PredictedScores(predict, names, higher_is_better=False)
    found = select(scores, 4, overlap=False)
    assert found.bound is None
    assert found.gap is None
    assert "No bound" in found.notes[0]
    # Four groups of five neighbours each: 2 + 1 + 0 + 1 + 2 a group.
    assert found.score <= 4 * 6 * 1.3


def test_a_fitted_estimator_is_asked_for_its_predictions():
    class Fitted:
        name, unit, predicts = "made up", "loss", "loss"
        affinity_ = noise(4)

        def predict(self, group):
            return {task: float(len(group) != 2) for task in group}

    found = select(Fitted(), 2)
    assert found.score == 0
    assert sorted(map(len, found.groups)) == [2, 2]
    assert "lower is better" in found.objective
    assert found.affinity == "made up"


def test_costs_of_groups_can_be_a_function():
    a = noise(6)
    cost = {1: 1.0, 2: 1.1, 3: 1.7, 4: 2.5, 5: 3.1, 6: 3.3}
    scores = MatrixScores(a, cost=lambda group: cost[len(group)])
    one, two = select_networks(scores, [3.3, 4.4])
    assert one.cost.sum() <= 3.3 + 1e-9
    assert two.total <= one.total
    with pytest.raises(TaskvizError, match="no positive number"):
        select_networks(MatrixScores(a, cost=lambda group: 0.0), [2])


def test_a_large_table_is_solved_with_a_gap_or_proof():
    rng = np.random.default_rng(0)
    membership = rng.random((120, 22)) < 0.3
    membership[0] = True
    losses = np.where(membership, rng.random(membership.shape), np.nan)
    table = SubsetTable(
        tuple(f"t{i}" for i in range(22)), membership, losses, rng.choice([0.5, 1.0], 120)
    )
    found = select(table, 4, seconds=10)
    assert found.gap is not None
    assert found.gap < 0.3
    assert found.cost <= 4
    quick = select(table, 4, solver="heuristic")
    assert quick.score >= found.score - 1e-9
    assert quick.bound <= found.score + 1e-9


def test_equally_good_networks_give_way_to_the_smallest():
    table = SubsetTable(
        ("a", "b"),
        np.array([[1, 1], [1, 0], [0, 1], [0, 1]], dtype=bool),
        np.array([[1.0, 2.0], [1.0, np.nan], [np.nan, 1.0], [np.nan, 1.0]]),
        np.array([1.0, 1.0, 1.0, 0.5]),
    )
    found = select(table, 2)
    assert found.groups == (("a",), ("b",))
    assert found.costs == (1.0, 0.5)


TABLE = SubsetTable(
    ("a", "b", "c"),
    np.array([[1, 1, 0], [0, 1, 1], [0, 0, 1]], dtype=bool),
    np.array([[1.0, 1, np.nan], [np.nan, 1, 1], [np.nan, np.nan, 1]]),
    np.array([1.0, 0.75, 0.5]),
)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"smallest": 3, "largest": 2}, "'smallest group 3' and 'largest group 2'"),
        ({"smallest": 7}, "'smallest group 7' and '6 tasks in all'"),
        ({"largest": 1}, "'no singletons' and 'largest group 1'"),
        ({"together": "t0+t1; t1+t2", "apart": "t0+t2"}, "together t0 . t1 . t2.*apart t0 . t2"),
        ({"together": "t0+t1+t2", "largest": 2}, "together t0 . t1 . t2.*largest group 2"),
        ({"together": "t0+x"}, "names 'x', which is no task"),
        ({"apart": "t0+t0"}, "two or more different tasks"),
        ({"together": "t0"}, "two or more different tasks"),
        ({"together": "[t0"}, "write it as"),
        ({"largest": 2, "overlap": False, "together": "t0+t1; t2+t3; t4+t5", "smallest": 2}, None),
        (
            {"largest": 4, "smallest": 4, "overlap": False},
            "'smallest group 4', 'largest group 4' and 'no overlap'|"
            "'smallest group 4' and 'no overlap'",
        ),
        ({"apart": "t0+t1+t2+t3+t4+t5"}, "no singletons.*apart t0"),
    ],
)
@pytest.mark.parametrize("solver", ["auto", "heuristic"])
def test_clashes_are_named(options, words, solver):
    if words is None:
        assert len(select(noise(6), 3, solver=solver, **options).groups) == 3
        return
    with pytest.raises(TaskvizError, match=words):
        select(noise(6), 6, solver=solver, **options)


def test_a_clash_names_no_innocent_constraint():
    with pytest.raises(TaskvizError) as caught:
        select(TABLE, 9, singletons="forbid", overlap=False, together="a+b", largest=2)
    text = str(caught.value)
    assert "no singletons" in text
    assert "largest" not in text


@pytest.mark.parametrize("solver", ["auto", "milp", "dynamic", "heuristic"])
def test_the_least_feasible_budget_is_named(solver):
    with pytest.raises(TaskvizError, match=r"budget is 1, but .* costs 1\.5: raise it"):
        select(TABLE, 1, solver=solver)
    assert select(TABLE, 1.5, solver=solver).cost == 1.5
    with pytest.raises(TaskvizError, match=r"budget is 2, but .* costs 3"):
        select(noise(6), 2, solver=solver, largest=2)


def test_the_least_feasible_budget_where_groups_cannot_be_listed():
    with pytest.raises(TaskvizError, match=r"budget is 3, but .* costs 5"):
        select(noise(20), 3, largest=4)


@pytest.mark.parametrize("budget", [0, -1, float("nan"), float("inf")])
def test_a_budget_is_a_positive_number(budget):
    with pytest.raises(TaskvizError, match="positive number"):
        select(noise(4), budget)


def test_a_budget_below_one_may_pay_for_half_a_network():
    half = SubsetTable(("a", "b"), np.ones((1, 2), bool), np.array([[0.3, 0.4]]), np.array([0.5]))
    assert select(half, 0.5).score == pytest.approx(0.7)


def test_a_task_that_no_network_serves():
    table = SubsetTable(
        ("a", "b"), np.array([[True, False]]), np.array([[1.0, np.nan]]), np.ones(1)
    )
    with pytest.raises(TaskvizError, match="no network has a loss of task 'b'"):
        select(table, 1)


def test_solvers_that_cannot():
    with pytest.raises(TaskvizError, match="up to 16 tasks"):
        select(noise(20), 3, solver="milp")
    table = SubsetTable(("a",), np.ones((1, 1), bool), np.ones((1, 1)), np.array([np.pi]))
    with pytest.raises(TaskvizError, match="multiples of one unit"):
        select(table, 4, solver="dynamic")
    with pytest.raises(TaskvizError, match="Unknown option"):
        select(noise(4), 2, speed=3)


def test_singletons_of_a_matrix():
    values = np.array([[5.0, -1, -1], [-1, 0, 2], [-1, 2, 0]])
    a = AffinityMatrix(values, tuple("abc"), "harm")
    assert min(map(len, select(a, 2).groups)) == 2
    assert select(a, 2, singletons="zero").score == pytest.approx(4)
    assert select(a, 2, singletons="diagonal").score == pytest.approx(9)
    assert ("a",) in select(a, 2, singletons="diagonal").groups


def test_sets_of_tasks_as_text_and_as_lists():
    tasks = ("a", "b c", "d+e")
    assert parse_sets(" a + b c ; ", tasks, "apart") == (("a", "b c"),)
    assert parse_sets("[['a', 'd+e']]", tasks, "apart") == (("a", "d+e"),)
    assert parse_sets("('a', 'b c')", tasks, "apart") == (("a", "b c"),)
    assert parse_sets("", tasks, "apart") == ()


def test_the_best_so_far_when_the_time_is_over():
    a = noise(15)
    start = time.monotonic()
    found = make_grouper("selection", seconds=0.1).group(a, 4)
    assert time.monotonic() - start < 30
    assert set(found.tasks) == set(a.tasks)
    assert found.gap is not None
    many = make_grouper("selection", seconds=0.1).group(noise(60), 6)
    assert "time was over" in many.notes[0]
    assert many.gap is not None


@pytest.mark.parametrize("size", [14, 40])
@pytest.mark.parametrize("calls", [1, 20])
def test_it_can_be_cancelled(size, calls):
    class Stop(Progress):
        left = calls

        def check(self):
            self.left -= 1
            if self.left < 0:
                raise Cancelled

    grouper = make_grouper("selection")
    grouper.progress = Stop()
    with pytest.raises(Cancelled):
        grouper.group(noise(size), 5)


def test_the_programme_returns_at_its_deadline():
    scores = MatrixScores(noise(12))
    allowed = Constraints(singletons=False).allowed(scores.tasks)
    listed = Candidates.every_group(scores, allowed, NOTHING)
    solved = solve_milp(listed, 4, True, time.monotonic(), NOTHING)
    best = select(noise(12), 4)
    assert len(solved.rows)
    assert -listed.total(solved.rows) <= best.score + 1e-9
    assert -solved.bound >= best.score - 1e-9
