"""A number that cannot be is said where it stands, and nothing starts with the one before."""

from typing import Any

import pytest
from app_pages_under_test import open_app, words
from streamlit.testing.v1 import AppTest

from taskviz.jobs import JobStore


def field(app: AppTest, label: str) -> Any:
    return next(found for found in app.number_input if found.label == label)


def button(app: AppTest, label: str) -> Any:
    return next(found for found in app.button if found.label == label)


@pytest.mark.parametrize(
    ("page", "label", "value", "said", "start"),
    [
        ("affinity", "Width", 0, "Width is 0: it must be from 1 to 16384.", "Compute"),
        ("affinity", "Seed", -1, "Seed is -1: it must be at least 0.", "Compute"),
        (
            "evidence",
            "Epochs",
            10**9,
            "Epochs is 1000000000: it must be from 1 to ",
            "Find out whether grouping matters",
        ),
        ("landscape", "n", 1, "n is 1: it must be from ", "Measure the landscape"),
        ("optima", "Perplexity", -3.5, "Perplexity is -3.5: it must be from ", "Draw the map"),
    ],
)
def test_nothing_starts_until_it_is_mended(
    jobs: JobStore, page: str, label: str, value: float, said: str, start: str
) -> None:
    app = open_app(page, collection="linnerud")
    usual = field(app, label).value
    assert not button(app, start).disabled
    field(app, label).set_value(value).run()
    assert not app.exception
    assert said in words(app)
    assert button(app, start).disabled
    assert button(app, start).help in words(app)
    field(app, label).set_value(usual).run()
    assert said not in words(app)
    assert not button(app, start).disabled
    assert not jobs.list()
