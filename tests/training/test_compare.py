"""Several contenders, the table beside them, and what the sentences claim."""

import math

import numpy as np
import pandas as pd
import pytest

from taskviz.cache import Cache
from taskviz.engines import RunContext
from taskviz.progress import Progress
from taskviz.training.compare import compare
from taskviz.training.comparison import comparison_table, gain_table, summary_sentences
from taskviz.training.groups import train_grouping
from taskviz.training.options import TrainingOptions
from taskviz.values import METRIC_COLUMNS, Grouping, Task, TaskvizError, TrainingResult

QUICK = TrainingOptions(epochs=3, width=8)


class Listener(Progress):
    def __init__(self):
        self.begun, self.done, self.charts = [], 0.0, {}

    def begin(self, title, units):
        self.begun.append((title, units))

    def advance(self, units=1.0, message=""):
        self.done += units

    def record(self, point):
        key = (point["contender"], point["group"], point["tasks"])
        self.charts.setdefault(key, []).append(point)


def contenders():
    return {
        "chosen": Grouping.of([["t0", "t3"], ["t1", "t2"]]),
        "all-together": Grouping.of([["t0", "t1", "t2", "t3"]]),
        "all-separate": Grouping.of([["t0"], ["t1"], ["t2"], ["t3"]]),
        "random 1": Grouping.of([["t2", "t1"], ["t3", "t0"]], method="random"),
        "random 2": Grouping.of([["t0"], ["t1", "t2", "t3"]], method="random"),
    }


def test_every_distinct_group_is_trained_once(toy, tmp_path):
    listener = Listener()
    context = RunContext(progress=listener, cache=Cache(tmp_path))
    results = compare(toy, contenders(), QUICK, context=context)
    # 2 + 1 + 4, none new in the first random draw, one in the second
    assert listener.begun == [("Training 8 networks", 8)]
    assert listener.done == pytest.approx(8)
    assert list(listener.charts) == [
        ("chosen", 0, "t0, t3"),
        ("chosen", 1, "t1, t2"),
        ("all-together", 0, "t0, t1, t2, t3"),
        ("all-separate", 0, "t0"),
        ("all-separate", 1, "t1"),
        ("all-separate", 2, "t2"),
        ("all-separate", 3, "t3"),
        ("random 2", 1, "t1, t2, t3"),
    ]
    points = listener.charts["chosen", 1, "t1, t2"]
    keys = {"contender", "group", "tasks", "step", "task", "split", "metric", "value", "seed"}
    assert all(set(point) == keys for point in points)
    assert [p["step"] for p in points] == sorted(p["step"] for p in points)
    assert len(list(Cache(tmp_path).entries("network"))) == 8
    assert list(results) == list(contenders())


def test_a_contender_is_what_it_would_be_alone(toy):
    results = compare(toy, contenders(), QUICK)
    for label, grouping in contenders().items():
        alone = train_grouping(toy, grouping, QUICK)
        assert results[label].metrics.equals(alone.metrics)
        assert results[label].serving == alone.serving
    swapped = results["random 1"].networks[0]
    assert np.array_equal(
        swapped.weights["heads.0.bias"], results["chosen"].networks[1].weights["heads.0.bias"]
    )


def test_no_contender_is_an_error(toy):
    with pytest.raises(TaskvizError, match="at least one"):
        compare(toy, {}, QUICK)


TASKS = (Task("a", "regression"), Task("b", "binary", ("no", "yes")))


def made(groups, losses, method="manual", serving=None, seed=0):
    """A result with given test losses."""
    grouping = Grouping.of(groups, method=method)
    rows = []
    for group, names in enumerate(groups):
        for name in names:
            metric = "mae" if name == "a" else "auroc"
            if losses[name] is not None:
                rows.append((group, name, "test", "loss", losses[name], seed))
                rows.append((group, name, "test", metric, 10 * losses[name], seed))
    return TrainingResult(
        grouping,
        pd.DataFrame(rows, columns=list(METRIC_COLUMNS)),
        pd.DataFrame(),
        serving or grouping.serving,
        settings={"tasks": [task.to_json() for task in TASKS]},
        seed=seed,
    )


def test_the_table_and_gains_by_hand():
    results = {
        "chosen": made([["a", "b"]], {"a": 0.5, "b": 0.22}),
        "alone": made([["a"], ["b"]], {"a": 0.4, "b": 0.44}),
    }
    table = comparison_table(results)
    assert list(table.columns) == ["task", "group", "metric", "chosen", "alone", "gain: chosen"]
    assert table.to_dict("list") == {
        "task": ["a", "b"],
        "group": [0, 0],
        "metric": ["mae", "auroc"],
        "chosen": [5.0, 2.2],
        "alone": [4.0, 4.4],
        "gain: chosen": [pytest.approx(-0.25), pytest.approx(0.5)],
    }
    gains = gain_table(results)
    assert gains[gains["contender"] == "alone"]["gain"].tolist() == [0.0, 0.0]
    assert gains[gains["contender"] == "chosen"]["alone"].tolist() == [0.4, 0.44]


def test_no_gains_without_training_alone():
    results = {"chosen": made([["a", "b"]], {"a": 0.5, "b": 0.22})}
    assert list(comparison_table(results).columns) == ["task", "group", "metric", "chosen"]
    assert gain_table(results)["gain"].isna().all()


def test_what_is_not_defined_is_missing():
    results = {
        "chosen": made([["a", "b"]], {"a": 0.5, "b": None}),
        "alone": made([["a"], ["b"]], {"a": 0.4, "b": None}),
    }
    row = comparison_table(results).iloc[1]
    assert all(math.isnan(row[name]) for name in ("chosen", "alone", "gain: chosen"))
    sentences = summary_sentences(results)
    assert any("1 of 2 tasks have no test loss" in sentence for sentence in sentences)


def test_only_the_serving_group_counts():
    chosen = made([["a", "b"], ["a"]], {"a": 0.5, "b": 0.2}, serving={"a": 1, "b": 0})
    chosen.metrics.loc[
        (chosen.metrics["group"] == 1) & (chosen.metrics["metric"] == "loss"), "value"
    ] = 0.1
    results = {"chosen": chosen, "alone": made([["a"], ["b"]], {"a": 0.4, "b": 0.4})}
    assert comparison_table(results)["gain: chosen"].tolist() == pytest.approx([0.75, 0.5])
    assert comparison_table(results)["group"].tolist() == [1, 0]


def test_sentences_against_each_baseline():
    results = {
        "chosen": made([["a"], ["b"], ["a", "b"]], {"a": 0.48, "b": 0.48}),
        "together": made([["a", "b"]], {"a": 0.5, "b": 0.5}),
        "alone": made([["a"], ["b"]], {"a": 0.3, "b": 0.5}),
        "r1": made([["a", "b"]], {"a": 0.4, "b": 0.4}, method="random"),
        "r2": made([["a", "b"]], {"a": 0.8, "b": 0.8}, method="random"),
    }
    spread = 100 * np.std([0.4, 0.8], ddof=1) / 0.6
    assert summary_sentences(results) == [
        "3 models: 4 % lower test loss than all-together (one seed: no interval).",
        "3 models: 20 % higher test loss than training each task alone, at 3 models instead of 2 "
        "(one seed: no interval).",
        "1 task has a higher test loss than alone; most of all 'a', by 60 %.",
        f"3 models: 20 % lower test loss than the mean of 2 random groupings, which spread by "
        f"{spread:.0f} % (standard deviation over draws), and lower than 1 of 2 "
        "(one seed: no interval).",
    ]


def test_equal_losses_and_single_draws_and_nothing_to_compare():
    chosen = made([["a"], ["b"]], {"a": 0.4, "b": 0.4})
    results = {"chosen": chosen, "r": made([["a", "b"]], {"a": 0.4, "b": 0.4}, method="random")}
    together = summary_sentences(results)
    assert together[-1] == (
        "2 models: the same test loss as one random grouping (one draw and one seed: no interval)."
    )
    assert summary_sentences({"chosen": chosen}) == [
        "2 models: mean test loss 0.4, with nothing to compare it with."
    ]
    with pytest.raises(TaskvizError, match="at least one"):
        summary_sentences({})


def test_results_of_other_tasks_cannot_be_compared():
    one = made([["a", "b"]], {"a": 0.4, "b": 0.4})
    two = made([["a"]], {"a": 0.4, "b": 0.4})
    with pytest.raises(TaskvizError, match="'two' was trained on other tasks than 'one'"):
        comparison_table({"one": one, "two": two})
