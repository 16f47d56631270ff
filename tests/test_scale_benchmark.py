"""The figures that the scale benchmark fits and draws; what it measures takes minutes."""

from xml.etree import ElementTree

import pytest

from benchmarks import scale


def test_the_exponent_is_the_slope_of_the_logarithms() -> None:
    sizes = [10.0, 50.0, 500.0]
    assert scale.exponent(sizes, [3 * t**1.2 for t in sizes]) == pytest.approx(1.2)


def test_the_chart_is_a_picture_with_every_point() -> None:
    points = [{"tasks": t, "processor_seconds": 2.0 * t} for t in (10, 50, 500)]
    drawn = scale.chart({"points": points, "exponents": {"processor_seconds": 1.0}})
    root = ElementTree.fromstring(drawn)
    marks = root.findall("{http://www.w3.org/2000/svg}circle")
    assert len(marks) == 3
    heights = [float(mark.attrib["cy"]) for mark in marks]
    assert heights == sorted(heights, reverse=True)
    assert "1e+03 s" in drawn
