"""Figures of the laboratory: lines, points, regions."""

import numpy as np
import pytest

from taskviz.figures.risk_curves import RiskCurve, describe_risk_curves, risk_curves
from taskviz.figures.transfer_map import describe_transfer_map, transfer_map
from taskviz.theory.simulation import Interval

SIZES = np.array([100.0, 200.0, 400.0])
FOUND = Interval.of(np.array([[0.1, 0.2, 0.3], [0.2, 0.3, 0.4], [0.3, 0.4, 0.5]]))


def test_lines_points_and_the_line_alone() -> None:
    curve = RiskCurve("mine", (SIZES, np.array([0.2, 0.3, 0.4])), (SIZES, FOUND), chosen=True)
    figure = risk_curves([curve], alone=0.25, at=200, most=500)
    names = [trace.name for trace in figure.data]
    assert names == ["target alone", "mine", "mine, simulated"]
    assert list(figure.data[0].y) == [0.25, 0.25]
    np.testing.assert_allclose(figure.data[2].y, [0.2, 0.3, 0.4])
    np.testing.assert_allclose(figure.data[2].error_y.array, FOUND.half_width)
    texts = [annotation.text for annotation in figure.layout.annotations]
    assert texts == ["positive transfer", "negative transfer"]
    below, above = figure.layout.shapes[0], figure.layout.shapes[1]
    assert (below.y0, below.y1) == (0.0, 0.25)
    assert above.y0 == 0.25
    told = describe_risk_curves([curve], alone=0.25, at=200)
    assert told == "Excess risk at n_s = 200: target alone 0.250; mine 0.300."


def test_without_learning_alone_there_is_no_region() -> None:
    curve = RiskCurve("r = 1", points=(SIZES, FOUND))
    figure = risk_curves([curve], alone=None, at=100, most=500)
    assert [trace.name for trace in figure.data] == ["r = 1, simulated"]
    assert not figure.layout.annotations
    assert "0.200 by simulation" in describe_risk_curves([curve], alone=None, at=100)


@pytest.mark.parametrize("pole", [10.0, 1e9])
def test_the_pole_does_not_flatten_the_rest(pole: float) -> None:
    curve = RiskCurve("mine", (SIZES, np.array([pole, 0.3, 0.2])))
    figure = risk_curves([curve], alone=0.25, at=100, most=500)
    assert figure.layout.yaxis.range[1] == pytest.approx(1.0)


def test_the_map_has_its_border_where_the_gain_changes_sign() -> None:
    gain = np.array([[0.9, 0.1, -0.1], [0.2, -0.3, -0.8]])
    shifts = np.array([0.0, 1.0])
    figure = transfer_map(SIZES, shifts, gain, shift_name="model shift, μ", at=(200, 0.5))
    kinds = [trace.type for trace in figure.data]
    assert kinds == ["heatmap", "contour", "scatter"]
    assert figure.data[0].zmin == -figure.data[0].zmax
    assert np.max(np.abs(figure.data[0].z)) == 0.5
    assert (figure.data[1].contours.start, figure.data[1].contours.end) == (0, 0)
    assert "50% of the area" in describe_transfer_map(gain, shift_name="model shift, μ")
    one_sided = transfer_map(SIZES, shifts, np.abs(gain), shift_name="μ", at=(200, 0.5))
    assert [trace.type for trace in one_sided.data] == ["heatmap", "scatter"]
