"""Figures of the evidence: the numbers of the tables, intervals, labels apart, nothing else."""

import math

import numpy as np
import pandas as pd
import pytest

from taskviz.figures.captured_shares import captured_shares, describe_captured_shares
from taskviz.figures.contrasts import contrast_dots, describe_contrasts
from taskviz.figures.labels import label_box
from taskviz.figures.quality_cost import (
    PLOT,
    describe_quality_cost,
    frontier_rows,
    quality_cost,
    share_range,
)
from taskviz.figures.reliability_rounds import describe_reliability_rounds, reliability_rounds
from taskviz.figures.style import LIGHT

METHODS = ("random", "gradient-cosine", "sca", "surrogate", "hoa", "tag", "covariance-cosine")
SECONDS = (0.0, 2.0, 1.0, 40.0, 90.0, 6.0, 0.02)
SHARES = (0.0, 0.45, 0.02, 0.7, 0.6, 0.3, 0.4)


@pytest.fixture
def table() -> pd.DataFrame:
    rows = []
    for method, seconds, share in zip(METHODS, SECONDS, SHARES, strict=True):
        for overlap in (False, True):
            for budget in ("all", 2, 3):
                own = share + (0.1 if budget == 2 else 0.0) + (0.05 if overlap else 0.0)
                low, high = (np.nan, np.nan) if method == "tag" else (own - 0.1, own + 0.2)
                rows.append(
                    {
                        "method": method,
                        "overlap": overlap,
                        "budget": budget,
                        "captured": own,
                        "low": low,
                        "high": high,
                        "networks": 0 if seconds < 3 else 80,
                        "seconds": seconds,
                    }
                )
    return pd.DataFrame(rows)


def test_points_are_the_pooled_shares(table: pd.DataFrame) -> None:
    figure = quality_cost(table)
    points = next(trace for trace in figure.data if trace.name == "estimators")
    assert figure.layout.xaxis.type == "log"
    by_cost = np.argsort(SECONDS, kind="stable")
    np.testing.assert_allclose(points.y, np.array(SHARES)[by_cost])
    assert min(points.x) > 0, "no time is below what a logarithm can show"
    at = list(points.text).index("Linear surrogate")
    assert points.error_y.array[at] == pytest.approx(0.2)
    assert points.error_y.arrayminus[at] == pytest.approx(0.1)
    assert "0.70 (0.60 to 0.90)" in points.hovertext[at]
    assert "80 networks" in points.hovertext[at]
    overlapping = next(t for t in quality_cost(table, overlap=True).data if t.name == "estimators")
    np.testing.assert_allclose(overlapping.y, np.array(SHARES)[by_cost] + 0.05)


def test_the_frontier_is_what_nothing_cheaper_beats(table: pd.DataFrame) -> None:
    line = next(t for t in quality_cost(table).data if t.name == "best at its cost")
    np.testing.assert_allclose(line.y, [0.0, 0.4, 0.45, 0.7])
    rows = table[(table["budget"] == "all") & ~table["overlap"]].sort_values("seconds")
    for row in rows.to_dict("records"):
        cheaper = rows[rows["seconds"] < row["seconds"]]["captured"]
        on = row["method"] in set(frontier_rows(rows)["method"])
        assert on == (not (cheaper >= row["captured"]).any())
    assert "Linear surrogate 0.700 in 40 s" in describe_quality_cost(table)


def test_labels_do_not_cover_each_other(table: pd.DataFrame) -> None:
    figure = quality_cost(table)
    points = next(trace for trace in figure.data if trace.name == "estimators")
    low, high = figure.layout.xaxis.range
    bottom, top = figure.layout.yaxis.range
    boxes = [
        label_box(
            PLOT[0] * (math.log10(x) - low) / (high - low),
            PLOT[1] * (top - y) / (top - bottom),
            8,
            text,
            12,
            position,
        )
        for x, y, text, position in zip(
            points.x, points.y, points.text, points.textposition, strict=True
        )
    ]
    for i, box in enumerate(boxes):
        for other in boxes[:i]:
            assert box.overlap(other) == 0


def test_an_interval_beyond_measure_does_not_flatten_the_rest(table: pd.DataFrame) -> None:
    table.loc[table["method"] == "sca", ["low", "high"]] = [-40.0, 60.0]
    low, high = share_range(table)
    assert low >= -1.1
    assert high <= 1.6
    assert quality_cost(table).layout.yaxis.range[1] <= 1.6


def test_nothing_to_capture_is_said(table: pd.DataFrame) -> None:
    table["captured"] = np.nan
    assert "nothing to capture" in quality_cost(table).layout.annotations[0].text
    assert "no estimator" in captured_shares(table).layout.annotations[0].text
    assert "no estimator has a value" in describe_quality_cost(table)
    assert "no estimator has a value" in describe_captured_shares(table)


def test_shares_budget_by_budget(table: pd.DataFrame) -> None:
    figure = captured_shares(table)
    assert [trace.name for trace in figure.data] == ["2 models", "3 models"]
    assert figure.layout.yaxis.ticktext[0] == "Linear surrogate"
    assert figure.layout.yaxis.ticktext[-1] == "Random"
    first = figure.data[0]
    np.testing.assert_allclose(sorted(first.x), sorted(np.array(SHARES) + 0.1))
    assert len(set(np.round(first.y, 6)) & set(np.round(figure.data[1].y, 6))) == 0
    assert describe_captured_shares(table).index("surrogate") < describe_captured_shares(
        table
    ).index("SCA")


def test_contrasts_tell_a_gain_from_nothing() -> None:
    contrasts = [
        {"reference": "random groups", "gain": 0.02, "low": 0.01, "high": 0.03},
        {"reference": "all together", "gain": -0.01, "low": -0.02, "high": -0.005},
        {"reference": "<b>alone</b>", "gain": 0.001, "low": -0.02, "high": 0.03},
        {"reference": "none", "gain": math.nan, "low": math.nan, "high": math.nan},
    ]
    figure = contrast_dots(contrasts)
    assert [trace.x[0] for trace in figure.data] == pytest.approx([2, -1, 0.1])
    colours = [trace.marker.color for trace in figure.data]
    assert colours == [LIGHT.better, LIGHT.worse, LIGHT.muted]
    assert figure.data[0].error_x.array[0] == pytest.approx(1.0)
    assert figure.data[2].marker.symbol == "circle-open"
    assert "<b>alone" not in figure.data[2].hovertext[0]
    text = describe_contrasts(contrasts)
    assert "over random groups +2 % (+1 to +3 %)" in text
    assert "none" not in text
    assert "nothing measured" in describe_contrasts([contrasts[3]])
    assert "nothing measured" in contrast_dots([]).layout.annotations[0].text


def test_reliability_over_rounds() -> None:
    figure = reliability_rounds([(16, math.nan), (32, -0.2), (64, 0.5)])
    assert (list(figure.data[0].x), list(figure.data[0].y)) == ([32, 64], [-0.2, 0.5])
    assert [shape.y0 for shape in figure.layout.shapes] == [0.8, 0.4]
    assert figure.layout.yaxis.range[0] < -0.2
    text = describe_reliability_rounds([(16, math.nan), (32, -0.2), (64, 0.5)])
    assert text.endswith("−0.20 at 32, 0.50 at 64.")
    assert "two seeds" in reliability_rounds([(16, math.nan)]).layout.annotations[0].text
