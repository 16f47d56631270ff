"""Percentages keep the digits that their uncertainty supports, and a sign that can be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskviz.values.decimals import fixed, places_of_error, places_of_interval, signed


@pytest.mark.parametrize(
    ("error", "places"), [(3.0, 1), (0.1, 1), (0.04, 2), (0.0096, 2), (0.002, 3), (0.0, 3)]
)
def test_an_error_is_seen(error: float, places: int) -> None:
    assert places_of_error(error) == places


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (1.0, 3.0, "+1.0 to +3.0"),
        (-12.0, 40.0, "−12 to +40"),
        (-0.0039, 0.64, "−0.004 to +0.640"),
        (0.0, 0.64, "+0.00 to +0.64"),
        (0.5, 0.5, "+0.50 to +0.50"),
    ],
)
def test_both_ends_of_an_interval_can_be_told_from_nothing(
    low: float, high: float, words: str
) -> None:
    places = places_of_interval(low, high)
    assert f"{signed(low, places)} to {signed(high, places)}" == words


@given(st.floats(-1e4, 1e4), st.integers(0, 4))
def test_what_is_written_is_the_rounded_number(value: float, places: int) -> None:
    text = fixed(value, places)
    assert "-" not in text
    assert float(text.replace("−", "-")) == round(value, places)
    assert not (text.startswith("−") and float(text.replace("−", "-")) == 0)
