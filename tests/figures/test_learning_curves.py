"""Curves show the recorded points, keep the zoom, and say when they are thinned."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskviz.figures.curves import (
    MOST_POINTS,
    best_step,
    describe_training_curves,
    spans_decades,
    training_curves,
)
from taskviz.figures.line_points import smoothed, thinned
from taskviz.values import HISTORY_COLUMNS

History = Callable[..., pd.DataFrame]


def lines(figure):  # type: ignore[no-untyped-def]
    return [t for t in figure.data if t.uid]


def test_lines_are_the_recorded_points(history_factory: History) -> None:
    history = history_factory(("t1", "t2"), steps=30)
    other = history_factory(("t9",), steps=30, group=1)
    # the order of rows does not matter: the reporter may be late
    shuffled = pd.concat([history, other]).sample(frac=1, random_state=0)
    figure = training_curves(shuffled, group=0, tasks=["t1", "t2"])
    drawn = {t.uid: t for t in lines(figure)}
    assert set(drawn) == {f"0-loss-{t}-{s}-0" for t in ("t1", "t2") for s in ("train", "valid")}
    for task in ("t1", "t2"):
        for split, dash in (("train", "dot"), ("valid", "solid")):
            line = drawn[f"0-loss-{task}-{split}-0"]
            rows = history[(history["task"] == task) & (history["split"] == split)]
            np.testing.assert_array_equal(line.x, rows["step"])
            np.testing.assert_array_equal(line.y, rows["value"])
            assert line.line.dash == dash
    # a task has one colour and one legend entry
    assert drawn["0-loss-t1-train-0"].line.color == drawn["0-loss-t1-valid-0"].line.color
    assert sum(bool(t.showlegend) for t in lines(figure)) == 2


def test_the_kept_checkpoint_is_marked(history_factory: History) -> None:
    history = history_factory(("t1", "t2"))
    live, final = (training_curves(history, group=0, kept=k) for k in (None, 7))
    found = next(t for t in live.data if t.name == "best so far")
    assert set(found.x) == {10}
    assert list(found.y) == pytest.approx([0.5, 0.6])
    kept = next(t for t in final.data if t.name == "kept checkpoint")
    assert set(kept.x) == {7}
    assert final.layout.shapes[0].x0 == 7
    assert "epoch 7" in final.layout.annotations[0].text


def test_nothing_is_so_far_once_the_training_has_ended(history_factory: History) -> None:
    history = history_factory(("t1", "t2"), seeds=3)
    ended = training_curves(history, group=0, over=True)
    assert [a.text for a in ended.layout.annotations] == ["best: epoch 10"]
    seeds = training_curves(history, group=0, kept=[9, 12, 9])
    said = "kept checkpoints, by seed: epochs 9 to 12"
    assert [a.text for a in seeds.layout.annotations if a.text] == [said]
    assert [shape.x0 for shape in seeds.layout.shapes] == [9, 12]
    alike = training_curves(history, group=0, kept=[9, 9, 9])
    assert [a.text for a in alike.layout.annotations] == ["kept checkpoint: epoch 9"]


def test_twenty_decades_have_few_labels(history_factory: History) -> None:
    history = history_factory(steps=5)
    history.loc[history["step"] == 5, "value"] = 4e18
    axis = training_curves(history, group=0, log=True).layout.yaxis
    assert axis.type == "log"
    assert 19 / axis.dtick <= 5


@pytest.mark.parametrize(
    ("values", "many"),
    [
        ([1.0, 4e18], True),
        ([1.0, float("inf"), float("nan"), 2e3], True),
        ([1.0, 900.0], False),
        # zero and what is below it have no place on a logarithmic axis
        ([0.0, 1.0, 1e9], False),
        ([-1.0, 1.0, 1e9], False),
        ([float("nan")], False),
        ([], False),
    ],
)
def test_values_that_a_linear_axis_cannot_show(values: list[float], many: bool) -> None:
    assert spans_decades(np.array(values)) is many


def test_best_step_knows_the_sense_of_a_metric() -> None:
    rows = [
        (s, 0, "t", "valid", m, v, 0)
        for s, v in ((1, 0.2), (2, 0.9), (3, 0.5))
        for m in ("auroc", "loss")
    ]
    frame = pd.DataFrame(rows, columns=list(HISTORY_COLUMNS))
    assert (best_step(frame, "auroc"), best_step(frame, "loss")) == (2, 1)
    assert best_step(frame.iloc[:0]) is None


def test_zoom_survives_a_refresh(history_factory: History) -> None:
    now, later = history_factory(steps=5), history_factory(steps=9)
    a, b = (training_curves(h, group=0) for h in (now, later))
    assert a.layout.uirevision == b.layout.uirevision
    assert [t.uid for t in lines(a)] == [t.uid for t in lines(b)]
    assert training_curves(now, group=0, log=True).layout.uirevision != a.layout.uirevision
    assert training_curves(now, group=0, log=True).layout.yaxis.type == "log"


def test_seeds_are_lines_of_their_own(history_factory: History) -> None:
    figure = training_curves(history_factory(("t1",), seeds=3), group=0)
    assert len(lines(figure)) == 6
    assert sum(bool(t.showlegend) for t in lines(figure)) == 1


def test_points_without_a_seed_are_drawn(history_factory: History) -> None:
    history = history_factory(("t1",))
    history["seed"] = None
    assert len(lines(training_curves(history, group=0))) == 2


def test_long_lines_are_thinned_and_say_so(history_factory: History) -> None:
    history = history_factory(("t1",), steps=MOST_POINTS + 500)
    peak = (history["split"] == "train") & (history["step"] == 1234)
    history.loc[peak, "value"] = 77.0
    figure = training_curves(history, group=0)
    assert max(len(t.x) for t in lines(figure)) <= MOST_POINTS
    assert max(max(t.y) for t in lines(figure)) == 77.0
    assert any("thinned: 2,000 of 2,500" in a.text for a in figure.layout.annotations)
    short = training_curves(history_factory(("t1",), steps=MOST_POINTS), group=0)
    assert not any("thinned" in a.text for a in short.layout.annotations)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-5, 5) | st.just(float("nan")), min_size=1, max_size=400), st.integers(4, 60)
)
def test_thinning_keeps_ends_and_extremes(values: list[float], most: int) -> None:
    array = np.array(values)
    keep = thinned(array, most)
    assert len(keep) <= max(most, 1) or len(values) <= most
    assert (np.diff(keep) > 0).all()
    assert (keep[0], keep[-1]) == (0, len(array) - 1)
    known = array[~np.isnan(array)]
    if len(known):
        kept = array[keep]
        assert np.nanmin(kept) == known.min()
        assert np.nanmax(kept) == known.max()


def test_nothing_yet_is_said(history_factory: History) -> None:
    figure = training_curves(history_factory(), group=5)
    assert figure.layout.annotations[0].text == "no values yet"
    assert "no values yet" in describe_training_curves(history_factory(), group=5)


def test_description(history_factory: History) -> None:
    text = describe_training_curves(history_factory(("t1", "t2"), steps=30), group=0)
    assert text.startswith("Validation loss of group A over 2 tasks")
    assert "at epoch 1," in text
    assert "best at epoch 10" in text


def test_names_are_no_markup(history_factory: History) -> None:
    evil = '<a href="https://x.example">%{x}</a>'
    figure = training_curves(history_factory((evil,)), group=0)
    for t in figure.data:
        assert "<a" not in t.name
        assert "<a" not in (t.hovertemplate or "")
        assert "%{x}</a" not in (t.hovertemplate or "")


def test_smoothing_is_an_average_of_the_past(history_factory: History) -> None:
    values = np.array([1.0, 3.0, np.nan, 5.0])
    np.testing.assert_array_equal(smoothed(values, 0.0), values)
    expected = [1.0, (0.5 + 3) / 1.5, np.nan, (0.25 + 0.5 * 3 + 5) / 1.75]
    np.testing.assert_allclose(smoothed(values, 0.5), expected)
    np.testing.assert_allclose(smoothed(np.full(9, 2.0), 0.9), 2.0)
    history = history_factory(("t1",), steps=30)
    plain, soft = (training_curves(history, group=0, smoothing=s) for s in (0.0, 0.8))
    assert np.std(np.diff(lines(soft)[0].y)) < np.std(np.diff(lines(plain)[0].y))
    marks = [next(t for t in f.data if t.name == "best so far") for f in (plain, soft)]
    assert marks[0].x == marks[1].x
    assert marks[0].y == marks[1].y


def test_an_earlier_run_is_drawn_beside(history_factory: History) -> None:
    history = history_factory(("t1", "t2"), steps=5)
    before = history_factory(("t1",), steps=9)
    figure = training_curves(history, group=0, earlier=before)
    found = [t for t in figure.data if t.name == "earlier run"]
    assert [len(t.x) for t in found] == [9]
    assert found[0].line.color == lines(figure)[0].line.color
