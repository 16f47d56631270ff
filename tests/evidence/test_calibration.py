"""Predicted against measured: by hand, by SciPy, and over the cache."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import taskviz as tv
from taskviz.affinity import make_estimator
from taskviz.cache import Cache
from taskviz.evidence.calibration import (
    calibration_rows,
    clear_of_chance,
    group_key,
    measured_groups,
    split_key,
    summarise_calibration,
)
from taskviz.figures.calibration import calibration_dots, describe_calibration, within_tasks
from taskviz.values import METRIC_COLUMNS, AffinityMatrix, Grouping, TrainingResult
from taskviz.verbs import fit_estimator, read_calibration, record_calibration

TASKS = ("a", "b", "c")


def result(groups, losses, weighting="equal"):
    """A result whose test losses are given: ``(group, task, seed) → loss``."""
    rows = [(g, t, "test", "loss", v, s) for (g, t, s), v in losses.items()]
    rows += [(g, t, "valid", "loss", 99.0, s) for (g, t, s) in losses]
    serving = {t: g for g, t, _ in losses}
    return TrainingResult(
        Grouping.of(groups),
        pd.DataFrame(rows, columns=list(METRIC_COLUMNS)),
        pd.DataFrame(),
        serving,
        settings={"weighting": weighting},
    )


@pytest.fixture
def results():
    """Two seeds; a alone 1 and 2, with b 0.9 and 1.6, all together 1.1 and 2."""
    alone = {(i, t, s): v for i, t in enumerate(TASKS) for s, v in ((0, 1.0), (1, 2.0))}
    pair = {(0, "a", 0): 0.9, (0, "a", 1): 1.6, (0, "b", 0): 1.0, (0, "b", 1): 2.2}
    pair |= {(1, "c", 0): 1.0, (1, "c", 1): 2.0}
    whole = {(0, t, s): v for t in TASKS for s, v in ((0, 1.1), (1, 2.0))}
    return {
        "chosen": result([["b", "a"], ["c"]], pair),
        "all-together": result([TASKS], whole),
        "all-separate": result([[t] for t in TASKS], alone),
    }


def test_gains_are_paired_over_seeds(results):
    found = measured_groups(results).set_index(["group", "task"])
    assert len(found) == 5
    one = found.loc[group_key("ab"), "a"]
    assert one["gain"] == pytest.approx((0.1 + 0.2) / 2)
    assert one["gain_error"] == pytest.approx(0.05)
    assert one["loss"] == pytest.approx(1.25)
    assert one["alone"] == pytest.approx(1.5)
    assert one["seeds"] == 2
    assert found.loc[group_key("abc"), "c"]["gain"] == pytest.approx(-0.05)
    del results["all-separate"], results["chosen"]
    assert measured_groups(results)["gain"].isna().all()


def test_a_group_key_knows_no_order_and_no_sign():
    names = ["x + y", 'q"', "a"]
    assert group_key(names) == group_key(names[::-1])
    assert set(split_key(group_key(names))) == set(names)


def test_affinities_rank_and_losses_give_gains(results):
    values = np.array([[0.0, 2.0, 3.0], [1.0, 0.0, 5.0], [0.5, 0.25, 0.0]])
    by_rank = make_estimator("sca").restore(AffinityMatrix(values, TASKS, "sca"))
    rows = calibration_rows(by_rank, results).set_index(["group", "task"])
    assert rows.loc[group_key("ab"), "a"]["score"] == 1.0
    assert rows.loc[group_key("abc"), "b"]["score"] == pytest.approx((2 + 0.25) / 2)
    assert rows["predicted_gain"].isna().all()
    state = {"alone": np.array([2.0, 4.0, 1.0]), "paired": np.full((3, 3), 1.0)}
    by_loss = make_estimator("hoa").restore(AffinityMatrix(values, TASKS, "hoa"), state=state)
    rows = calibration_rows(by_loss, results).set_index(["group", "task"])
    assert rows.loc[group_key("ab"), "a"]["predicted_gain"] == pytest.approx(0.5)
    assert rows.loc[group_key("ab"), "b"]["predicted_gain"] == pytest.approx(0.75)
    assert rows.loc[group_key("ab"), "b"]["score"] == -1.0
    fewer = make_estimator("sca").restore(AffinityMatrix(values[:2, :2], TASKS[:2], "sca"))
    assert set(calibration_rows(fewer, results)["group"]) == {group_key("ab")}


def made_rows(seed=0, difficulty=100.0):
    """Six groups of four tasks: noise within a task, and tasks that differ a lot."""
    rng = np.random.default_rng(seed)
    rows = []
    for number, task in enumerate("wxyz"):
        for group in range(6):
            score, gain = rng.normal(size=2)
            rows.append((task, group_key([task, f"g{group}"]), score + difficulty * number,
                         gain + difficulty * number))  # fmt: skip
    frame = pd.DataFrame(rows, columns=["task", "group", "score", "gain"])
    return frame.assign(
        predicted_gain=np.nan, gain_error=np.nan, size=2, matrix="m", method="sca", run="r"
    )


def test_the_rank_is_within_tasks_and_never_pooled():
    rows = made_rows()
    found = summarise_calibration(rows).iloc[0]
    by_hand = [stats.spearmanr(p["score"], p["gain"]).statistic for _, p in rows.groupby("task")]
    assert found["rank"] == pytest.approx(np.mean(by_hand))
    assert found["rank_error"] == pytest.approx(stats.sem(by_hand))
    assert np.isnan(found["gap"])
    # The worst order within every task; pooled it looks like a very good one.
    difficulty = rows["task"].map({task: 100.0 * i for i, task in enumerate("wxyz")})
    worst = rows.assign(gain=2 * difficulty - rows["score"])
    assert stats.spearmanr(worst["score"], worst["gain"]).statistic > 0.8
    assert summarise_calibration(worst).iloc[0]["rank"] == pytest.approx(-1)


def test_the_best_of_many_has_to_be_better_to_be_clear():
    table = pd.DataFrame(
        {"rank": [0.5, 0.1], "rank_error": [0.2, 0.2], "tasks": [14, 14], "matrix": list("ab")}
    )
    assert clear_of_chance(table.iloc[:1])
    many = pd.concat([table.iloc[:1], *[table.iloc[1:]] * 11], ignore_index=True)
    assert not clear_of_chance(many)
    assert not clear_of_chance(table.assign(rank=[-0.5, -0.6]))
    assert not clear_of_chance(table.iloc[:0])


def test_repeats_of_a_group_are_averaged_and_few_groups_give_no_rank():
    rows = made_rows()
    twice = pd.concat([rows.assign(gain=rows["gain"] - 1), rows.assign(gain=rows["gain"] + 1)])
    one, two = summarise_calibration(rows).iloc[0], summarise_calibration(twice).iloc[0]
    assert two["rank"] == pytest.approx(one["rank"])
    assert two["pairs"] == one["pairs"] == 24
    few = rows[rows.groupby("task").cumcount() < 2]
    assert np.isnan(summarise_calibration(few).iloc[0]["rank"])
    exact = rows.assign(predicted_gain=rows["gain"] + 0.25)
    found = summarise_calibration(exact).iloc[0]
    assert found["gap"] == pytest.approx(0.25)
    assert found["right_sign"] > 0.7


def test_the_figure_shows_each_task_less_its_mean():
    rows = made_rows().assign(gain_error=0.01)
    table = within_tasks(rows)
    np.testing.assert_allclose(table.groupby("task")["measured"].mean(), 0, atol=1e-9)
    np.testing.assert_allclose(table.groupby("task")["predicted"].std(ddof=0), 1)
    figure = calibration_dots(rows)
    dots = [trace for trace in figure.data if trace.mode == "markers"]
    assert [len(trace.x) for trace in dots] == [6] * 4
    assert not any(trace.mode == "lines" for trace in figure.data), "a rank has no identity line"
    gains = calibration_dots(rows.assign(predicted_gain=rows["gain"]))
    line = next(trace for trace in gains.data if trace.mode == "lines")
    assert list(line.x) == list(line.y)
    assert "4 tasks" in describe_calibration(rows)
    assert "nothing to compare" in describe_calibration(rows.iloc[:1])
    assert calibration_dots(rows.iloc[:0]).layout.annotations
    odd = calibration_dots(rows.assign(task="<b>x</b>"))
    assert "<b>x</b>" not in str([trace.name for trace in odd.data])


def test_it_is_kept_and_grows_over_runs(toy, tmp_path):
    cache = Cache(tmp_path)
    fit_estimator(toy, "label-correlation", cache=cache)
    groups = {
        "chosen": Grouping.of([["t0", "t3"], ["t1", "t2"]]),
        "all-together": Grouping.of([toy.names]),
        "all-separate": Grouping.of([[name] for name in toy.names]),
    }
    first = tv.compare_groupings(toy, groups, epochs=2, width=4, cache=cache)
    assert read_calibration(toy, cache).empty
    assert record_calibration(toy, first, cache) == 1
    assert record_calibration(toy, first, cache) == 0
    kept = read_calibration(toy, cache)
    assert len(kept) == 4 + 4
    assert not kept["later"].any()
    fit_estimator(toy, "random", cache=cache)
    assert record_calibration(toy, first, cache) == 1
    kept = read_calibration(toy, cache)
    assert kept.groupby("method")["later"].all().to_dict() == {
        "label-correlation": False,
        "random": True,
    }
    second = tv.compare_groupings(toy, groups, epochs=2, width=4, seed=1, cache=cache)
    assert record_calibration(toy, second, cache) == 2
    assert read_calibration(toy, cache)["run"].nunique() == 2
    assert read_calibration(toy.select(3), cache).empty
    renamed = replace(toy, name="other")
    assert len(read_calibration(renamed, cache)) == 32, "the same data under another name"
