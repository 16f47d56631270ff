"""What the page says of the columns of a table of one's own."""

import pytest

from taskviz.ui.own_data import _proposed


@pytest.mark.parametrize(
    ("roles", "said"),
    [
        (["target", "input", "target"], "This is a proposal; change what is wrong."),
        (["input", "leave out"], "No column looks like one: give at least 2 columns the role"),
        (["target", "input"], "Only one column looks like one: give at least 2 columns the role"),
    ],
)
def test_nothing_is_proposed_where_no_target_was_found(roles: list[str], said: str) -> None:
    assert _proposed(roles).startswith(said)
