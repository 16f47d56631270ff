"""The Groups page as a script: what the budget is counted in, and what a redraw would be."""

import pytest
from app_pages_under_test import open_app, words
from streamlit.testing.v1 import AppTest

from taskviz.ui import store
from taskviz.ui.imports import import_scores
from taskviz.verbs import affinity_key, compute_affinity, load_collection, price_groups

OPTIONS = {"inits": 3, "width": 8}


def groups_of_linnerud(**query: str) -> AppTest:
    """The page on linnerud's gradient cosines."""
    linnerud = load_collection("linnerud")
    compute_affinity(linnerud, "gradient-cosine", cache=store.cache(), **OPTIONS)
    key = affinity_key(linnerud, "gradient-cosine", **OPTIONS)
    return open_app("groups", collection="linnerud", matrix=key, grouper="lloyd", **query)


def picker(app: AppTest) -> object:
    """The box that says what a budget is counted in."""
    return next(box for box in app.selectbox if box.label == "Budget counted in")


def test_every_unit_has_its_prices() -> None:
    app = groups_of_linnerud()
    assert picker(app).value == "networks"
    linnerud = load_collection("linnerud")
    for unit, word in (("parameters", "parameters"), ("macs", "MACs")):
        app = groups_of_linnerud(unit=unit, budget=f"{price_groups(linnerud, unit).partition(2)}")
        assert not app.exception
        assert not app.error
        assert picker(app).value == unit
        assert word in words(app)
        assert app.query_params["unit"] in (unit, [unit])


@pytest.mark.parametrize("unit", ["furlongs", "parameters;width=no", ";;=", "<b>macs</b>"])
def test_an_odd_unit_in_a_link_is_passed_over(unit: str) -> None:
    app = groups_of_linnerud(unit=unit)
    assert not app.exception
    assert picker(app).value in ("networks", "parameters")
    assert "Traceback" not in words(app)


def test_imported_scores_can_be_counted_in_models_only() -> None:
    data = b"s,a,b,c\na,0,1,0\nb,1,0,0\nc,0,0,0\n"
    key = import_scores(data, "mine.csv", store.cache())
    app = open_app("groups", matrix=key, unit="parameters", grouper="lloyd")
    assert not app.exception
    assert picker(app).disabled
    assert "only models can be counted" in words(app)
    assert "how noisy they are was not measured" in words(app)


def test_the_method_and_its_redraws_are_told_in_full() -> None:
    said = words(groups_of_linnerud())
    assert "Lloyd's algorithm (k-means on rows)." in said
    assert "The 3 initial states are drawn again, with replacement" in said
