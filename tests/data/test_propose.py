"""Proposals: sensible on tables as people have them, never an exception."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskviz.data.columns import describe_column
from taskviz.data.propose import guess_kind, looks_named, propose_targets, split_columns

RNG = np.random.default_rng(0)
N = 60


def numbers(*names):
    return {name: RNG.normal(size=N) for name in names}


def binary(*names):
    return {name: (np.arange(N) * (i + 3) // 7 % 2) for i, name in enumerate(names)}


def roles(columns):
    return {p.name: p.role for p in propose_targets(pd.DataFrame(columns))}


def targets(columns):
    return [name for name, role in roles(columns).items() if role == "target"]


@pytest.mark.parametrize(
    ("inputs", "wanted"),
    [
        (numbers("a", "b"), numbers("target_1", "target_2")),
        (numbers("a", "b"), numbers("y1", "y2", "y3")),
        (numbers("a", "b"), binary("label")),
        (numbers("Att1", "Att2", "Att3"), binary("Class1", "Class2")),
        (numbers("a", "b"), binary("Task A", "Task B")),
        (numbers("a", "b"), numbers("weight_target", "height_target")),
        (numbers("a", "b"), numbers("TargetWeight", "TargetHeight")),
        (numbers("a", "b", "c"), binary("toxic", "soluble")),
        (numbers("x1", "x2", "x3"), numbers("t1", "t2")),
        ({**numbers("age"), **binary("sex", "smoker")}, binary("tox_liver", "tox_heart")),
    ],
)
def test_targets_are_found(inputs, wanted):
    assert targets({**inputs, **wanted}) == list(wanted)


@pytest.mark.parametrize(
    "columns",
    [
        numbers("x1", "x2", "x3"),
        binary("a", "b", "c"),
        numbers("age", "income", "pixel1", "pixel2"),
        numbers("x_pos", "y_pos", "a"),
        numbers("y1", "y2"),
        numbers("youth", "yield_", "subclassing"),
    ],
)
def test_no_target_is_made_up(columns):
    assert targets(columns) == []
    assert set(roles(columns).values()) == {"input"}


def test_kinds_and_classes():
    frame = pd.DataFrame(
        {
            "a": RNG.normal(size=N),
            "y_yes": ["no", "yes"] * (N // 2),
            "y_number": RNG.normal(size=N),
            "y_grade": np.arange(N) % 4 + 1,
            "y_text": ["low", "mid", "high"] * (N // 3),
            "y_bool": [True, False] * (N // 2),
            "y_gap": np.where(np.arange(N) < 6, np.nan, np.arange(N) % 2),
        }
    )
    found = {p.name: (p.role, p.kind, p.classes) for p in propose_targets(frame)}
    assert found["a"] == ("input", "regression", ())
    assert found["y_yes"] == ("target", "binary", ("no", "yes"))
    assert found["y_number"] == ("target", "regression", ())
    assert found["y_grade"] == ("target", "multiclass", ("1", "2", "3", "4"))
    assert found["y_text"] == ("target", "multiclass", ("high", "low", "mid"))
    assert found["y_bool"] == ("target", "binary", ("false", "true"))
    assert found["y_gap"] == ("target", "binary", ("0", "1"))
    assert {p.name: p.missing_share for p in propose_targets(frame)}["y_gap"] == pytest.approx(0.1)


def test_a_count_with_many_values_is_regression():
    column = pd.Series(np.arange(N) % 30)
    assert guess_kind(column, describe_column(column, "visits"))[0] == "regression"
    assert guess_kind(column[:20], describe_column(column[:20], "visits"))[0] == "regression"


@pytest.mark.parametrize(
    ("name", "column", "words"),
    [
        ("PassengerId", np.arange(N) * 7 % 1000, "Named like an ID"),
        ("patient_id", np.arange(N) // 2, "Named like an ID"),
        ("id", [f"k{i}" for i in range(N)], "Free text|Named like an ID"),
        ("", np.arange(N), "Counts the rows"),
        ("index", RNG.permutation(N), "row number"),
        ("when", ["2024-01-31"] * N, "Dates"),
        ("remark", [f"some words {i}" for i in range(N)], "Free text: 60 different"),
        ("empty", [np.nan] * N, "Empty"),
        ("same", [3.0] * N, "one value only"),
    ],
)
def test_useless_columns_are_left_out_with_the_reason(name, column, words):
    frame = pd.DataFrame({"x": RNG.normal(size=N), name: column})
    proposal = propose_targets(frame)[1]
    assert proposal.role == "leave out"
    assert any(word in proposal.reason for word in words.split("|"))


@pytest.mark.parametrize("name", ["humid", "acid", "valid", "grid", "width", "key"])
def test_no_id_by_accident(name):
    assert roles({**numbers("a"), name: np.arange(N) * 3 % 17})[name] == "input"


def test_text_inputs_with_few_levels_are_inputs():
    proposal = propose_targets(pd.DataFrame({"c": list("abc") * 20, **numbers("x")}))[0]
    assert (proposal.role, proposal.reason) == ("input", "Text with 3 levels: one input a level.")


def test_a_constant_target_is_not_proposed():
    assert targets({**numbers("a"), "y1": np.ones(N), **numbers("y2", "y3")}) == ["y2", "y3"]


def test_split_columns_obeys_the_user():
    frame = pd.DataFrame(
        {
            "id": np.arange(N),
            "text": [f"t {i}" for i in range(N)],
            **numbers("a", "y1", "y2"),
        }
    )
    assert split_columns(frame, ["y1", "y2"])[0] == ["a"]
    assert split_columns(frame, ["y1", "y2"], ())[0] == ["id", "a"]
    inputs, out = split_columns(frame, ["y1", "y2"], ["id", "a"])
    assert inputs == []
    assert list(out) == ["id", "text", "a"]


@pytest.mark.parametrize(
    ("name", "others", "expected"),
    [
        ("y", [], True),
        ("y_pos", ["x_pos"], False),
        ("y_1", ["x_1"], True),
        ("Classes", [], True),
        ("classic", [], False),
        ("task:left", [], True),
        ("age", [], False),
    ],
)
def test_names(name, others, expected):
    assert looks_named(name, [name, *others]) is expected


CELLS = st.one_of(
    st.none(),
    st.floats(),
    st.integers(-(10**30), 10**30),
    st.booleans(),
    st.text(max_size=4),
    st.dates(),
    st.complex_numbers(),
    st.binary(max_size=3),
    st.lists(st.integers(), max_size=2),
)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_any_table_gets_a_proposal_for_each_column(data):
    n = data.draw(st.integers(0, 8))
    names = data.draw(st.lists(st.one_of(st.text(max_size=5), st.integers()), max_size=5))
    columns = []
    for _ in names:
        cells = data.draw(st.sampled_from([CELLS, st.floats(), st.sampled_from(["a", "b", None])]))
        columns.append(pd.Series(data.draw(st.lists(cells, min_size=n, max_size=n)), dtype=object))
        if data.draw(st.booleans()):
            columns[-1] = columns[-1].infer_objects()
    frame = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=range(n))
    frame.columns = pd.Index(names, dtype=object)
    proposals = propose_targets(frame)
    assert [p.name for p in proposals] == [str(name) for name in names]
    for p in proposals:
        assert p.role in ("target", "input", "leave out")
        assert 0 <= p.missing_share <= 1
        assert p.reason.endswith(".")
        assert p.role != "target" or p.kind is not None
