"""User text in Markdown: nothing of it acts."""

import re

from hypothesis import given
from hypothesis import strategies as st

from taskviz.ui.text import listed, plural, safe

ACTIVE = set("\\`*_{}[]<>()#+-.!|~$:&")


@given(st.text(max_size=60))
def test_every_active_sign_is_escaped_and_no_line_breaks(text: str) -> None:
    shown = safe(text)
    assert "\n" not in shown
    assert "\r" not in shown
    bare = re.sub(r"\\(?:[^\w\s]|_)", "", shown)
    assert not ACTIVE & set(bare)
    assert re.sub(r"\\([^\w\s]|_)", r"\1", shown).split() == text.split()


def test_sentences() -> None:
    assert plural(1, "task") == "1 task"
    assert plural(2417, "row") == "2,417 rows"
    assert listed(["a", "b", "c"]) == "**a**, **b** and **c**"
    assert listed(["a"]) == "**a**"
    assert listed([]) == ""
    assert listed(list("abcd"), most=2) == "**a**, **b** and 2 more"
