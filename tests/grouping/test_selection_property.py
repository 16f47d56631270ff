"""Exact selection equals brute force over all groupings."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskviz.grouping import make_grouper
from taskviz.grouping.network_selection import PredictedScores
from taskviz.values import AffinityMatrix, SubsetTable, TaskvizError

NAMES = tuple("abcdefg")
SLOW = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}


def rules(rng, names):
    """Random constraints as options, and the test of one group that they stand for."""
    options = {"overlap": bool(rng.random() < 0.6)}
    tests = []
    if rng.random() < 0.3:
        smallest = int(rng.integers(1, 3))
        options["smallest"] = smallest
        tests.append(lambda g: len(g) >= smallest)
    if rng.random() < 0.3:
        largest = int(rng.integers(2, len(names) + 1))
        options["largest"] = largest
        tests.append(lambda g: len(g) <= largest)
    if rng.random() < 0.2:
        options["singletons"] = "forbid"
        tests.append(lambda g: len(g) != 1)
    if rng.random() < 0.3:
        tied = tuple(rng.choice(names, 2, replace=False))
        options["together"] = "+".join(tied)
        tests.append(lambda g: (tied[0] in g) == (tied[1] in g))
    if rng.random() < 0.3:
        apart = tuple(rng.choice(names, 2, replace=False))
        options["apart"] = "+".join(apart)
        tests.append(lambda g: not (apart[0] in g and apart[1] in g))
    return options, lambda g: all(test(g) for test in tests)


def best_of(candidates, names, budget, overlap):
    """Least total loss over every set of candidates ``(group, cost, {task: loss})``."""
    best = np.inf
    for count in range(1, len(candidates) + 1):
        for chosen in combinations(candidates, count):
            if sum(cost for _, cost, _ in chosen) > budget + 1e-9:
                continue
            held = [task for group, _, _ in chosen for task in group]
            if not overlap and len(held) > len(set(held)):
                continue
            total = 0.0
            for task in names:
                total += min((loss.get(task, np.inf) for _, _, loss in chosen), default=np.inf)
            best = min(best, total)
    return best


def check(result, best, options):
    """The score is the brute-force one, proven, and what the groups really give."""
    assert result.score == pytest.approx(best, abs=1e-8)
    assert result.gap == 0.0
    assert result.bound == result.score
    assert result.cost <= result.budget + 1e-9
    assert result.cost == pytest.approx(sum(result.costs))
    if not options["overlap"]:
        assert not result.overlapping


@given(seed=st.integers(0, 10**9))
@settings(max_examples=200, **SLOW)
def test_tables(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 8))
    names = NAMES[:size]
    rows = int(rng.integers(1, 10))
    membership = rng.random((rows, size)) < 0.5
    membership[0] |= rng.random() < 0.7
    membership[~membership.any(axis=1), 0] = True
    cost = rng.choice([0.5, 1.0], rows) if rng.random() < 0.6 else rng.uniform(0.3, 2.0, rows)
    # Few distinct losses make ties; now and then one is unknown.
    draws = rng.integers(0, 5, (rows, size)).astype(float)
    losses = draws if rng.random() < 0.3 else rng.normal(size=(rows, size))
    losses[~membership | (rng.random((rows, size)) < 0.05)] = np.nan
    if rng.random() < 0.3:
        membership[-1], cost[-1] = membership[0], cost[0]
        losses[-1] = losses[0] + 1.0
    table = SubsetTable(names, membership, losses, cost)
    budget = float(np.round(rng.uniform(0.5, 4.0) * 2) / 2)
    options, allowed = rules(rng, names)

    seen = {}
    for i in range(rows):
        seen.setdefault((table.subset(i), float(cost[i])), []).append(losses[i])
    candidates = []
    for (group, price), repeats in seen.items():
        mean = {}
        for j, task in enumerate(names):
            known = [row[j] for row in repeats if not np.isnan(row[j])]
            if known:
                mean[task] = sum(known) / len(known)
        whole = options["overlap"] or len(mean) == len(group)
        if allowed(group) and whole:
            candidates.append((group, price, mean))
    best = best_of(candidates, names, budget, options["overlap"])
    for solver in ("auto", "milp"):
        method = make_grouper("selection", solver=solver, **options)
        if np.isfinite(best):
            check(method.group(table, budget), best, options)
        else:
            with pytest.raises(TaskvizError):
                method.group(table, budget)


def matrix_score(values, group, task, singletons):
    """Mean affinity of the others to a task, in the plainest way; None where unknown."""
    known = [values[u, task] for u in group if u != task and not np.isnan(values[u, task])]
    if known:
        return sum(known) / len(known)
    if len(group) == 1:
        return {"zero": 0.0, "diagonal": values[task, task]}.get(singletons)
    return None


@given(seed=st.integers(0, 10**9))
@settings(max_examples=80, **SLOW)
def test_matrices_and_predictions(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 5))
    names = NAMES[:size]
    values = rng.normal(size=(size, size)) + rng.choice([-2.0, 0.0])
    missing = (rng.random((size, size)) < rng.choice([0.0, 0.1])) & ~np.eye(size, dtype=bool)
    values[missing] = np.nan
    matrix = AffinityMatrix(values, names, "random", support=(~missing).astype(np.int64))
    options, allowed = rules(rng, names)
    singletons = str(rng.choice(["auto", "zero", "diagonal"]))
    singletons = options.setdefault("singletons", singletons)
    budget = int(rng.integers(1, 4))

    candidates = []
    for count in range(1, size + 1):
        for group in combinations(range(size), count):
            scores = {t: matrix_score(values, group, t, singletons) for t in group}
            loss = {names[t]: -s for t, s in scores.items() if s is not None}
            named = tuple(names[t] for t in group)
            whole = options["overlap"] or len(loss) == len(group)
            if allowed(named) and loss and whole:
                candidates.append((named, 1.0, loss))
    best = best_of(candidates, names, budget, options["overlap"])

    def predict(group):
        place = [names.index(task) for task in group]
        scores = {names[t]: matrix_score(values, place, t, singletons) for t in place}
        return {task: -score for task, score in scores.items() if score is not None}

    predicted = PredictedScores(predict, names, higher_is_better=False)
    for given_scores, sign, solver in (
        (matrix, -1.0, "auto"),
        (matrix, -1.0, "milp"),
        (predicted, 1.0, "auto"),
    ):
        rule = options if given_scores is matrix else {**options, "singletons": "allow"}
        if options["singletons"] == "forbid":
            rule = options
        method = make_grouper("selection", solver=solver, **rule)
        if np.isfinite(best):
            check(method.group(given_scores, budget), sign * best, options)
        else:
            with pytest.raises(TaskvizError):
                method.group(given_scores, budget)


@given(seed=st.integers(0, 10**9), size=st.integers(5, 7))
@settings(max_examples=30, **SLOW)
def test_partitions_of_up_to_seven_tasks(seed, size):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(size, size))
    budget = int(rng.integers(1, size))
    best = -np.inf
    for partition in partitions(list(range(size))):
        if len(partition) <= budget and all(len(group) > 1 for group in partition):
            total = sum(
                matrix_score(values, group, t, "auto") for group in partition for t in group
            )
            best = max(best, total)
    matrix = AffinityMatrix(values, NAMES[:size], "random")
    options = {"overlap": False}
    for solver in ("dynamic", "milp"):
        found = make_grouper("selection", solver=solver, **options).group(matrix, budget)
        check(found, best, options)


@given(seed=st.integers(0, 10**9))
@settings(max_examples=20, **SLOW)
def test_search_never_beats_its_bound_nor_the_optimum(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(4, 9))
    names = tuple(f"t{i}" for i in range(size))
    values = rng.normal(size=(size, size))
    missing = (rng.random((size, size)) < rng.choice([0.0, 0.1])) & ~np.eye(size, dtype=bool)
    values[missing] = np.nan
    matrix = AffinityMatrix(values, names, "random", support=(~missing).astype(np.int64))
    options, _ = rules(rng, names)
    budget = float(rng.integers(1, 5))
    try:
        best = make_grouper("selection", **options).group(matrix, budget)
    except TaskvizError:
        with pytest.raises(TaskvizError):
            make_grouper("selection", solver="heuristic", **options).group(matrix, budget)
        return
    found = make_grouper("selection", solver="heuristic", **options).group(matrix, budget)
    assert found.score <= best.score + 1e-9
    assert found.bound >= best.score - 1e-9


def partitions(items):
    if not items:
        yield []
        return
    head, *rest = items
    for partition in partitions(rest):
        yield [[head], *partition]
        for i in range(len(partition)):
            yield [*partition[:i], [head, *partition[i]], *partition[i + 1 :]]
