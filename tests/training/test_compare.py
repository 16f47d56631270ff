"""Several contenders, the table beside them, and what the sentences claim."""

import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from taskviz.cache import Cache
from taskviz.cli.results import put_results
from taskviz.engines import RunContext
from taskviz.progress import Progress
from taskviz.training.compare import compare
from taskviz.training.comparison import comparison_table, gain_table, quality_table, seed_table
from taskviz.training.groups import train_grouping
from taskviz.training.intervals import crossed, paired
from taskviz.training.options import TrainingOptions
from taskviz.training.sentences import summary_sentences
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
    assert any(
        "1 of 2 tasks has no test loss and is left out" in sentence for sentence in sentences
    )


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
    assert summary_sentences(results) == [
        "3 models: 4 % lower test loss than all-together (one seed: no interval, so no claim).",
        "3 models: 20 % higher test loss than training each task alone, at 3 models instead of "
        "2 models (one seed: no interval, so no claim).",
        "1 task has a higher test loss than alone; most of all 'a', by 60 % (one seed: no "
        "interval, so no claim).",
        "3 models: 10 % lower test loss than the mean of 2 random groupings, at 3 models instead "
        "of 1 model (one seed: no interval, so no claim); lower than 1 of the 2.",
    ]


def test_no_figure_of_a_training_that_diverged():
    results = {
        "chosen": made([["a", "b"]], {"a": 7e14, "b": 0.5}),
        "alone": made([["a"], ["b"]], {"a": 0.4, "b": 0.5}),
        "r": made([["b"], ["a"]], {"a": 0.5, "b": 0.4}, method="random"),
    }
    told = summary_sentences(results)
    assert told[0] == (
        "1 model: more than 10 times the test loss of training each task alone, at 1 model instead "
        "of 2 models; if the training diverged, a smaller learning rate may help."
    )
    assert told[1].startswith("1 task has a higher test loss than alone; most of all 'a', by more")
    assert "more than 10 times the test loss of one random grouping" in told[2]
    assert not any(sign in sentence for sentence in told for sign in ("e+", "0000"))


def test_nearly_equal_is_not_called_equal():
    results = {
        "chosen": made([["a", "b"]], {"a": 0.4, "b": 0.4001}),
        "alone": made([["a"], ["b"]], {"a": 0.4, "b": 0.4}),
    }
    assert "nearly the same test loss as training each task alone" in summary_sentences(results)[0]


def test_equal_losses_and_single_draws_and_nothing_to_compare():
    chosen = made([["a"], ["b"]], {"a": 0.4, "b": 0.4})
    results = {"chosen": chosen, "r": made([["a", "b"]], {"a": 0.4, "b": 0.4}, method="random")}
    together = summary_sentences(results)
    assert together[-1] == (
        "2 models: the same test loss as one random grouping (one draw), at 2 models instead of 1 "
        "model (one seed: no interval, so no claim)."
    )
    results["r"] = made([["b"], ["a"]], {"a": 0.4, "b": 0.4}, method="random")
    assert summary_sentences(results)[-1] == (
        "2 models: the same test loss as one random grouping (one draw) (one seed: no interval, so "
        "no claim)."
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


def seeded(groups, losses, method="manual"):
    """A result of several seeds, one dict of losses a seed."""
    runs = [made(groups, each, method, seed=seed) for seed, each in enumerate(losses)]
    return TrainingResult.over_seeds(runs)


def test_a_difference_is_claimed_with_its_interval_only():
    chosen = [{"a": x, "b": x} for x in (0.40, 0.50, 0.60)]
    clear = [{"a": x * 1.10, "b": x * 1.10} for x in (0.40, 0.50, 0.61)]
    noisy = [{"a": x, "b": x} for x in (0.50, 0.45, 0.62)]
    results = {
        "chosen": seeded([["a"], ["b"]], chosen),
        "together": seeded([["a", "b"]], clear),
        "other": seeded([["b"], ["a"]], noisy),
    }
    # By hand: per cent saved seed by seed, their mean, and Student's t with 2 degrees of freedom.
    saved = [100 * (0.44 - 0.40) / 0.44, 100 * 0.05 / 0.55, 100 * (0.671 - 0.6) / 0.671]
    error = np.std(saved, ddof=1) / math.sqrt(3)
    found = paired(results, "chosen", "together")
    assert found.mean == pytest.approx(np.mean(saved))
    assert found.error == pytest.approx(error)
    assert found.high - found.mean == pytest.approx(4.302653 * error)
    first, second = summary_sentences(results)
    assert first == (
        f"2 models: {np.mean(saved):.1f} ± {error:.1f} % lower test loss than all-together (95 % "
        f"interval {found.low:.1f} to {found.high:.1f} %, 3 seeds)."
    )
    assert second.startswith("2 models: no measurable difference in test loss from other (+")
    assert "95 % interval −" in second


def test_a_small_difference_has_the_digits_of_its_error():
    chosen = [{"a": x, "b": x} for x in (0.4, 0.5, 0.6)]
    near = [
        {"a": x * more, "b": x * more} for x, more in ((0.4, 1.001), (0.5, 1.0011), (0.6, 1.0012))
    ]
    results = {
        "chosen": seeded([["a"], ["b"]], chosen),
        "together": seeded([["a", "b"]], near),
        "same": seeded([["b"], ["a"]], chosen),
    }
    found = paired(results, "chosen", "together")
    assert 0.005 < found.error < 0.0095
    first, second = summary_sentences(results)
    assert first == (
        f"2 models: {found.mean:.3f} ± {found.error:.3f} % lower test loss than all-together (95 % "
        f"interval {found.low:.3f} to {found.high:.3f} %, 3 seeds)."
    )
    assert second == "2 models: the same test loss as same in each of 3 seeds."


def test_a_terminal_gets_one_cell_a_value_with_its_error(capsys):
    chosen = [{"a": x, "b": 2 * x} for x in (0.4, 0.5, 0.6)]
    alone = [{"a": 1.25 * x, "b": 2 * x} for x in (0.4, 0.5, 0.6)]
    results = {
        "chosen": seeded([["a", "b"]], chosen),
        "alone": seeded([["a"], ["b"]], alone, method="all-separate"),
    }
    put_results(results, {"chosen": 2.5})
    lines = [line.strip("│ ") for line in capsys.readouterr().out.splitlines()]
    cells = [[cell.strip() for cell in line.split("│")] for line in lines]
    # The metrics of `seeded` are ten times the losses; standard errors: 0.1 / √3 times a factor.
    assert ["a", "1", "mae", "5.00 ± 0.58", "6.25 ± 0.72"] in cells
    assert ["a", "+20.0"] in cells
    assert ["b", "0"] in cells
    of_alone = next(row for row in cells if row[:3] == ["alone", "2", "equal"])
    assert of_alone[3:7] == ["0.812 ± 0.094", "–", "–", "–"]
    of_chosen = next(row for row in cells if row[:3] == ["chosen", "1", "equal"])
    assert of_chosen[3:7] == ["0.750 ± 0.087", "+10.0", "+10.0 to +10.0", "2.5 s"]
    assert any("lower test loss than training each task alone" in line for line in lines)


def test_draws_and_seeds_both_count():
    rng = np.random.default_rng(0)
    results = {"chosen": seeded([["a"], ["b"]], [{"a": 0.5, "b": 0.5}] * 4)}
    losses = 0.6 + 0.05 * rng.normal(size=(3, 4))
    for draw, row in enumerate(losses):
        results[f"random {draw}"] = seeded(
            [["a", "b"]], [{"a": x, "b": x} for x in row], method="random"
        )
    r = 100 * (losses - 0.5) / losses
    found = paired(results, "chosen", [f"random {draw}" for draw in range(3)])
    variance = r.mean(1).var(ddof=1) / 3 + r.mean(0).var(ddof=1) / 4
    assert found.mean == pytest.approx(r.mean())
    assert found.error == pytest.approx(math.sqrt(variance))
    assert found.high - found.mean == pytest.approx(4.302653 * found.error)
    assert "3 random groupings" in summary_sentences(results)[-1]


@pytest.mark.parametrize(("seed_spread", "draw_spread"), [(1, 1), (1, 0), (0, 1), (0, 0)])
def test_the_interval_covers_the_truth(seed_spread, draw_spread):
    """Simulated seeds and draws: the 95 % interval holds the true difference at least so often."""
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(2000):
        seeds, draws = seed_spread * rng.normal(size=4), draw_spread * rng.normal(size=5)
        mean, error, freedom = crossed(seeds + draws[:, None] + 0.5 * rng.normal(size=(5, 4)))
        held += abs(mean) <= scipy.stats.t.ppf(0.975, freedom) * error
    assert held / 2000 >= 0.94


def test_tables_over_seeds():
    results = {
        "chosen": seeded([["a", "b"]], [{"a": 0.4, "b": 0.2}, {"a": 0.6, "b": 0.2}]),
        "alone": seeded([["a"], ["b"]], [{"a": 0.8, "b": 0.2}, {"a": 0.8, "b": 0.4}]),
    }
    table = comparison_table(results)
    assert list(table.columns) == [
        "task", "group", "metric", "chosen", "alone", "gain: chosen", "± chosen", "± alone",
        "± gain: chosen",
    ]  # fmt: skip
    assert table["chosen"].tolist() == pytest.approx([5.0, 2.0])
    assert table["± chosen"].tolist() == pytest.approx([1.0, 0.0])
    assert table["gain: chosen"].tolist() == pytest.approx([0.375, 0.25])
    long = seed_table(results)
    assert len(long) == 8
    assert long[long["contender"] == "chosen"]["gain"].tolist() == pytest.approx(
        [0.5, 0.0, 0.25, 0.5]
    )
    quality = quality_table(results, affinity_seconds={"chosen": 3.0}).set_index("contender")
    assert quality.loc["chosen", "gain"] == pytest.approx(100 * (0.25 + 0.375) / 2)
    assert quality.loc["chosen", "gain_error"] == pytest.approx(6.25)
    assert quality.loc["chosen", "seconds"] == pytest.approx(3.0)
    assert quality.loc["alone", "gain"] == 0


def test_several_seeds_are_trained_on_splits_of_their_own(toy, tmp_path):
    context = RunContext(cache=Cache(tmp_path))
    groupings = {k: v for k, v in contenders().items() if k != "random 2"}
    results = compare(toy, groupings, QUICK, seeds=[0, 1, 2], context=context)
    chosen = results["chosen"]
    assert chosen.seeds == (0, 1, 2)
    assert set(chosen.metrics["seed"]) == set(chosen.history["seed"]) == {0, 1, 2}
    assert len(chosen.served("test")["seed"].unique()) == 3
    one = compare(toy, {"x": groupings["chosen"]}, QUICK, seeds=[1])["x"]
    other = chosen.of_seed(1)
    assert other.settings["resplit"]
    assert not one.settings["resplit"]
    # Its own training rows: other weights than on the collection's split.
    name = "heads.0.bias"
    assert not np.array_equal(one.networks[0].weights[name], other.networks[0].weights[name])
    # Trained once: a second call finds every network.
    seen = Listener()
    again = compare(
        toy,
        groupings,
        QUICK,
        seeds=[0, 1, 2],
        context=RunContext(progress=seen, cache=Cache(tmp_path)),
    )
    assert again["chosen"].metrics.equals(chosen.metrics)
    assert len(list(Cache(tmp_path).entries("network"))) == 7 * 3
    with pytest.raises(TaskvizError, match="no seed 7: it was trained from 0, 1, 2"):
        chosen.of_seed(7)


def test_a_result_of_several_seeds_is_kept_whole(toy, tmp_path):
    from taskviz.training.predict import load_result

    result = compare(toy, {"x": contenders()["chosen"]}, QUICK, seeds=[4, 2])["x"]
    read = load_result(result.save(tmp_path / "out"))
    assert read.seeds == (4, 2)
    assert read.metrics.equals(result.metrics)
    assert read.history.equals(result.history)
    assert read.serving == result.serving
    inputs = toy.samples[0].inputs[:5]
    for seed in (4, 2):
        one, two = result.of_seed(seed).predict(inputs), read.of_seed(seed).predict(inputs)
        assert all(np.array_equal(one[task], two[task]) for task in one)
    # The whole predicts by its first seed.
    first = result.of_seed(4).predict(inputs)
    assert all(np.array_equal(result.predict(inputs)[task], first[task]) for task in first)


def test_contenders_may_have_weightings_of_their_own(toy, tmp_path):
    together = Grouping.of([["t0", "t1", "t2", "t3"]])
    results = compare(
        toy,
        {"plain": together, "uw": together, "alone": contenders()["all-separate"]},
        QUICK,
        weighting={"uw": "uw", "alone": "pcgrad"},
        context=RunContext(cache=Cache(tmp_path)),
    )
    assert [r.settings["weighting"] for r in results.values()] == ["equal", "uw", "pcgrad"]
    assert not np.array_equal(
        results["plain"].networks[0].weights["heads.0.bias"],
        results["uw"].networks[0].weights["heads.0.bias"],
    )
    # Alone there is nothing to weigh: no training of its own under another weighting.
    compare(
        toy,
        {"alone": contenders()["all-separate"]},
        QUICK,
        context=RunContext(cache=Cache(tmp_path)),
    )
    assert len(list(Cache(tmp_path).entries("network"))) == 2 + 4
