"""User text in labels: no markup, no surprises."""

from hypothesis import given
from hypothesis import strategies as st

from taskviz.figures.text import label, listed, plain, short_names, shorten, text_width


def test_markup_is_drawn_letter_by_letter() -> None:
    assert plain('<a href="https://x">a & b</a>') == '&lt;a href="https://x"&gt;a &amp; b&lt;/a&gt;'
    assert plain("two\nlines\tand  spaces") == "two lines and spaces"


@given(st.text(max_size=60), st.integers(3, 30))
def test_shorten_keeps_within(text: str, most: int) -> None:
    assert len(shorten(text, most)) <= most


def test_both_ends_survive() -> None:
    assert shorten("prediction of rainfall 17", 12) == "predic…ll 17"
    assert label("<" * 20, 3) == "&lt;…&lt;"


def test_a_shared_beginning_goes_first() -> None:
    names = ["number of rooms", "number of storeys", "number of baths"]
    assert short_names(names, 12) == ["…rooms", "…storeys", "…baths"]
    # nothing is too long: nothing is left out
    assert short_names(names, 30) == names
    # the beginning is part of the word, so cutting it there would be worse
    assert short_names(["Classification1", "Classification2"], 9) == ["Clas…ion1", "Clas…ion2"]
    assert short_names([], 9) == []


@given(st.lists(st.text("ab _-", min_size=1, max_size=30), max_size=8), st.integers(3, 20))
def test_short_names_keep_count_and_length(names: list[str], most: int) -> None:
    short = short_names(names, most)
    assert len(short) == len(names)
    assert all(len(name) <= most for name in short)


def test_listed_counts_the_rest() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(list("abcdefgh"), 3) == "a, b, c and 5 more"
    assert listed([]) == ""


def test_wide_letters_take_more_room() -> None:
    assert text_width("日本", 10) > 1.5 * text_width("ab", 10)
