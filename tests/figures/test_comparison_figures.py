"""Gains and contenders: the numbers of the comparison, nothing else."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from taskviz.figures.comparison import (
    contender_means,
    contenders_dots,
    describe_contenders,
    describe_gains,
    gains_bars,
)
from taskviz.figures.style import LIGHT
from taskviz.training.compare import comparison_table
from taskviz.values import HISTORY_COLUMNS, METRIC_COLUMNS, Grouping, Task, TrainingResult

TASKS = ("t1", "t2", "t3")


def result(grouping: Grouping, losses: tuple[float, float, float]) -> TrainingResult:
    rows = [
        (grouping.serving[task], task, "test", metric, value, 0)
        for task, loss in zip(TASKS, losses, strict=True)
        for metric, value in (("loss", loss), ("mae", 10 * loss))
    ]
    return TrainingResult(
        grouping=grouping,
        metrics=pd.DataFrame(rows, columns=list(METRIC_COLUMNS)),
        history=pd.DataFrame(columns=list(HISTORY_COLUMNS)),
        serving=grouping.serving,
        settings={"tasks": [Task(task, "regression").to_json() for task in TASKS]},
    )


@pytest.fixture
def results() -> dict[str, TrainingResult]:
    pair = Grouping.of([["t1", "t2"], ["t3"]], method="gat-gmm")
    draws = [Grouping.of([["t1", "t3"], ["t2"]], method="random") for _ in range(2)]
    return {
        "chosen": result(pair, (0.8, 1.1, 1.0)),
        "all-together": result(Grouping.of([TASKS]), (0.9, 1.2, 0.9)),
        "all-separate": result(Grouping.of([[task] for task in TASKS]), (1.0, 1.0, 1.0)),
        "random 1": result(draws[0], (1.0, 1.0, 1.3)),
        "random 2": result(draws[1], (1.2, 1.0, 1.1)),
    }


def test_bars_are_the_gains_of_the_chosen(results: dict[str, TrainingResult]) -> None:
    figure = gains_bars(comparison_table(results))
    bars = [trace for trace in figure.data if trace.type == "bar"]
    drawn = [(b.name, list(b.y), list(b.x), b.marker.color, b.showlegend) for b in bars]
    assert drawn == [
        ("chosen, better", [0], pytest.approx([20]), LIGHT.better, True),
        ("chosen, worse", [1], pytest.approx([-10]), LIGHT.worse, True),
        ("chosen, the same", [2], [0], LIGHT.better, False),
    ]
    # Each task keeps its own row, whatever else is drawn.
    assert figure.layout.barmode == "overlay"
    assert list(figure.layout.yaxis.ticktext) == list(TASKS)
    zero = figure.layout.shapes[0]
    assert zero.x0 == zero.x1 == 0
    marks = {t.name: t for t in figure.data if t.type != "bar"}
    np.testing.assert_allclose(marks["all-together"].x, [10, -20, 10], atol=1e-9)
    random = marks["random × 2"]
    np.testing.assert_allclose(random.x, [-10, 0, -20], atol=1e-9)
    np.testing.assert_allclose(random.error_x.array, [10, 0, 10], atol=1e-9)
    np.testing.assert_allclose(random.error_x.arrayminus, [10, 0, 10], atol=1e-9)
    assert set(marks) == {"all-together", "random × 2"}


def test_the_legend_names_no_colour_that_is_not_there(results: dict[str, TrainingResult]) -> None:
    results["chosen"] = result(results["chosen"].grouping, (0.8, 0.9, np.nan))
    bars = [t for t in gains_bars(comparison_table(results)).data if t.type == "bar"]
    assert [(b.name, list(b.y)) for b in bars] == [("chosen, better", [0, 1])]


def test_without_training_alone_there_is_no_gain(results: dict[str, TrainingResult]) -> None:
    del results["all-separate"]
    table = comparison_table(results)
    assert "no contender trains each task alone" in gains_bars(table).layout.annotations[0].text
    assert "no contender" in describe_gains(table)


def test_dots_are_mean_losses(results: dict[str, TrainingResult]) -> None:
    figure = contenders_dots(results)
    dots = {t.name: list(t.x) for t in figure.data if t.mode == "markers"}
    assert dots["chosen"] == pytest.approx([2.9 / 3])
    assert dots["all-together"] == pytest.approx([1.0])
    assert dots["random"] == pytest.approx([1.1, 1.1])
    mean = next(t for t in figure.data if t.name == "mean of random")
    assert list(mean.x) == pytest.approx([1.1, 1.1])
    ticks = list(figure.layout.yaxis.ticktext)
    assert [("1 model" in ticks[1]), ("3 models" in ticks[2])] == [True, True]
    assert "random × 2" in ticks[3]
    table = contender_means(results)
    assert list(table["models"]) == [2, 1, 3, 2, 2]


def test_a_chance_difference_stays_small_on_the_axis() -> None:
    one, other = (result(Grouping.of([TASKS]), (1.0, 1.0, loss)) for loss in (1.0, 1.0003))
    low, high = contenders_dots({"a": one, "b": other}).layout.xaxis.range
    assert (high - low) / 1.0 >= 0.0199
    assert low < 1 < high


def test_tasks_without_a_loss_are_left_out_of_every_mean(
    results: dict[str, TrainingResult],
) -> None:
    metrics = results["all-together"].metrics
    metrics.loc[(metrics["task"] == "t3") & (metrics["metric"] == "loss"), "value"] = np.nan
    table = contender_means(results)
    assert set(table["tasks"]) == {2}
    assert table["loss"][0] == pytest.approx(0.95)


def test_descriptions(results: dict[str, TrainingResult]) -> None:
    text = describe_gains(comparison_table(results))
    assert "1 of 3 tasks gain" in text
    assert "most t1 (+20.0 %)" in text
    assert "least t2 (−10.0 %)" in text
    text = describe_contenders(results)
    assert text.startswith("Mean test loss, best first: chosen 0.967 with 2 models; ")
    assert "all-together 1.00 with 1 model;" in text
    assert describe_contenders({}) == "Mean test loss: nothing to compare."


def test_no_result_is_said() -> None:
    assert "no task has a test loss" in contenders_dots({}).layout.annotations[0].text


def test_labels_are_no_markup(results: dict[str, TrainingResult]) -> None:
    evil = '<a href="https://x.example">x</a>'
    named = {evil if label == "chosen" else label: r for label, r in results.items()}
    for figure in (gains_bars(comparison_table(named)), contenders_dots(named)):
        shown = [t.name for t in figure.data]
        shown += [text for t in figure.data for text in t.hovertext or ()]
        shown += list(figure.layout.yaxis.ticktext)
        assert not any("<a" in text for text in shown)


def test_errors_over_seeds_are_drawn(results: dict[str, TrainingResult]) -> None:
    several = {
        label: TrainingResult.over_seeds(
            [one, replace(one, seed=1, metrics=one.metrics.assign(
                seed=1, value=one.metrics["value"] * factor))]
        )
        for (label, one), factor in zip(results.items(), (1.1, 1.2, 1.0, 1.1, 1.1), strict=True)
    }  # fmt: skip
    dots = {t.name: t for t in contenders_dots(several).data if t.mode == "markers"}
    loss = np.array([2.9 / 3, 1.1 * 2.9 / 3])
    expected = loss.std(ddof=1) / np.sqrt(2)
    assert dots["chosen"].error_x.array[0] == pytest.approx(expected)
    assert dots["random"].error_x.array is None
    assert all(t.error_x.array is None for t in contenders_dots(results).data)
    bar = gains_bars(comparison_table(several)).data[0]
    gains = np.array([0.2, 1 - 0.8 * 1.1])
    assert bar.error_x.array[0] == pytest.approx(100 * gains.std(ddof=1) / np.sqrt(2))
    assert gains_bars(comparison_table(results)).data[0].error_x.array is None
