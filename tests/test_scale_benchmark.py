"""The figures that the scale benchmark fits and draws; what it measures takes minutes."""

from xml.etree import ElementTree

import pytest
import torch

from benchmarks.scale.chart import chart
from benchmarks.scale.rounded_products import RoundedProducts, to_tf32
from benchmarks.scale.tasks import exponent


def test_the_exponent_is_the_slope_of_the_logarithms() -> None:
    sizes = [10.0, 50.0, 500.0]
    assert exponent(sizes, [3 * t**1.2 for t in sizes]) == pytest.approx(1.2)


def test_the_chart_is_a_picture_with_every_point() -> None:
    points = [{"tasks": t, "processor_seconds": 2.0 * t} for t in (10, 50, 500)]
    drawn = chart({"points": points, "exponents": {"processor_seconds": 1.0}})
    root = ElementTree.fromstring(drawn)
    marks = root.findall("{http://www.w3.org/2000/svg}circle")
    assert len(marks) == 3
    heights = [float(mark.attrib["cy"]) for mark in marks]
    assert heights == sorted(heights, reverse=True)
    assert "1e+03 s" in drawn


def test_tf32_keeps_ten_bits_of_mantissa() -> None:
    one, step = 1.0, 2.0**-10
    given = [one + step, one + step / 2, one + 3 * step / 2, one + 0.6 * step, -3.0, 0.0]
    wanted = [one + step, one, one + 2 * step, one + step, -3.0, 0.0]
    assert to_tf32(torch.tensor(given)).tolist() == wanted
    ends = torch.tensor([float("inf"), float("-inf"), float("nan"), 1e38])
    assert to_tf32(ends)[:2].tolist() == ends[:2].tolist()
    assert to_tf32(ends)[2].isnan()
    values = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    off = (to_tf32(values) - values).abs() / values.abs()
    assert 2.0**-13 < float(off.max()) <= 2.0**-11


def test_products_are_rounded_forwards_and_backwards() -> None:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(5, 7, generator=generator)
    layer = torch.nn.Linear(7, 3)
    with RoundedProducts() as rounded:
        found = layer(inputs)
        found.square().sum().backward()
    expected = to_tf32(inputs) @ to_tf32(layer.weight).mT + layer.bias
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)
    signal = to_tf32(2 * found.detach())
    torch.testing.assert_close(layer.weight.grad, signal.mT @ to_tf32(inputs), rtol=1e-6, atol=1e-6)
    assert rounded.count == 2
    assert not torch.equal(found, layer(inputs))
