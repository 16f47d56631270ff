"""Choices in the URL: written short, read with care."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from taskviz.ui import caught, linked, state

KEYS = ["a" * 64, "b" * 64, "c" * 11 + "d" * 53]


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> dict[str, str | None]:
    """The URL as a plain mapping."""
    held: dict[str, str | None] = {}
    monkeypatch.setattr(state, "get", held.get)
    monkeypatch.setattr(state, "put", held.__setitem__)
    return held


def test_a_choice_comes_back_in_its_order(url: dict[str, str | None]) -> None:
    for keys in ([], KEYS[:1], KEYS[::-1]):
        linked.choose("compared", keys)
        assert linked.chosen("compared", KEYS) == keys
    assert len(url["compared"] or "") < 45
    linked.choose("compared", [], nothing=None)
    assert linked.chosen("compared", KEYS) is None


@pytest.mark.parametrize("text", ["x", "..", "a" * 64, "<b>", ""])
def test_what_is_not_offered_is_as_if_nothing_was_said(
    url: dict[str, str | None], text: str
) -> None:
    url["compared"] = text
    assert linked.chosen("compared", KEYS) is None


def test_only_what_is_there_is_taken(url: dict[str, str | None]) -> None:
    url["compared"] = f"{'b' * 12}.gone.{'b' * 12}"
    assert linked.chosen("compared", KEYS) == ["b" * 64]


@given(st.sets(st.integers(0, 8_999), min_size=1))
def test_a_selection_comes_back(numbers: set[int]) -> None:
    text = caught.written(sorted(numbers))
    assert text is not None
    assert len(text) <= caught.MOST_LETTERS
    assert caught.read(text, 9_000) == sorted(numbers)
    assert caught.read(text, 10) == sorted(number for number in numbers if number < 10)


@given(st.text())
def test_any_text_is_read_without_a_failure(text: str) -> None:
    assert all(0 <= number < 50 for number in caught.read(text, 50))


def test_a_selection_that_is_too_large_stays_out_of_the_address() -> None:
    assert caught.written([20_000]) is None
    assert caught.written([]) is None
    assert caught.read("A" * 5_000, 100) == []
