"""Options: text from a terminal and values from a page are checked alike."""

from dataclasses import dataclass
from typing import Any, Literal

import pytest

from taskviz.values import TaskvizError, option, option_values, parse_options


@dataclass(frozen=True)
class Sample:
    n: int = option(100, "Units.", minimum=1, maximum=1000)
    rate: float = option(0.5, "Rate.", minimum=0.0)
    heads: Literal["own", "tied"] = option("own", "Heads.")
    fast: bool = option(False, "Fast.")
    cap: int | None = option(None, "Cap.")


def test_text_becomes_typed() -> None:
    given = {"n": "7", "rate": "1e-2", "heads": "tied", "fast": "yes", "cap": "none"}
    parsed = parse_options(Sample, given, "test")
    assert parsed == Sample(7, 0.01, "tied", True, None)
    assert option_values(parsed)["n"] == 7


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"m": 1}, "Unknown option 'm' of test: choose one of cap, fast, heads, n, rate"),
        ({"n": "many"}, "a whole number is needed"),
        ({"n": 1.5}, "a whole number is needed"),
        ({"n": True}, "a whole number is needed"),
        ({"n": 0}, "from 1 to 1000"),
        ({"rate": -1}, "at least 0"),
        ({"rate": "nan"}, "a number is needed"),
        ({"heads": "shared"}, "choose one of own, tied"),
        ({"fast": "perhaps"}, "true or false is needed"),
    ],
)
def test_what_is_wrong_is_said(given: dict[str, Any], says: str) -> None:
    with pytest.raises(TaskvizError, match=says):
        parse_options(Sample, given, "test")
