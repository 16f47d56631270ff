"""From a table to a collection: encodings, missing labels, errors."""

import numpy as np
import pandas as pd
import pytest

from taskviz.data.from_table import collection_from_table
from taskviz.data.inputs import encode_inputs
from taskviz.values import Origin, TaskvizError

N = 50


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "id": np.arange(N),
            "x": np.where(np.arange(N) == 3, np.nan, rng.normal(size=N)),
            "flag": rng.random(N) < 0.5,
            "sex": np.array(["f", "m"])[np.arange(N) % 2],
            "colour": [["red", "green", "blue", None][i % 4] for i in range(N)],
            "grade": np.arange(N) % 3 + 1,
            "y": rng.normal(size=N),
            "ill": [["no", "yes", None][i % 3] for i in range(N)],
        }
    )


def build(frame, targets=("grade", "y", "ill"), kinds=None, seed=0, **options):
    return collection_from_table(
        frame, "mine", targets, kinds or {}, seed, Origin("m.csv"), **options
    )


def test_inputs_and_tasks(frame):
    collection = build(frame)
    assert collection.feature_names == (
        "x",
        "flag",
        "sex=m",
        "colour=blue",
        "colour=green",
        "colour=red",
    )
    block = collection.samples[0]
    assert np.isnan(block.inputs[3]).tolist() == [True, False, False, True, True, True]
    assert block.inputs[0, 1:].tolist() == [float(frame.flag[0]), 0, 0, 0, 1]
    assert block.inputs[1, 2:].tolist() == [1, 0, 1, 0]
    assert [(t.name, t.kind, t.classes) for t in collection.tasks] == [
        ("grade", "multiclass", ("1", "2", "3")),
        ("y", "regression", ()),
        ("ill", "binary", ("no", "yes")),
    ]
    assert collection.target_of(0)[:4, 0].tolist() == [0, 1, 2, 0]
    assert np.array_equal(collection.target_of(1)[:, 0], frame["y"])
    assert np.isnan(collection.target_of(2)[:3, 0]).tolist() == [False, False, True]
    assert collection.origin == Origin("m.csv", targets=("grade", "y", "ill"))
    assert np.bincount(block.split).tolist() == [30, 10, 10]


def test_the_kind_is_the_users(frame):
    collection = build(frame, kinds={"grade": "regression"})
    assert collection.tasks[0].kind == "regression"
    assert collection.target_of(0)[:4, 0].tolist() == [1, 2, 3, 1]


def test_leave_out(frame):
    assert build(frame, leave_out=["colour", "sex"]).feature_names == ("id", "x", "flag")
    with pytest.raises(TaskvizError, match="no input column is left"):
        build(frame, leave_out=["id", "x", "flag", "sex", "colour"])


def test_same_seed_same_bits(frame):
    assert build(frame).fingerprint == build(frame.copy()).fingerprint
    assert build(frame).fingerprint != build(frame, seed=1).fingerprint


def test_first_error_is_told_and_others_counted(frame):
    frame["y"] = 1.0
    frame.loc[5, "x"] = np.inf
    with pytest.raises(TaskvizError) as caught:
        build(frame)
    assert str(caught.value) == (
        "mine: Column 'x', row 7: the value is infinite; a finite number or an empty cell is "
        "needed. (1 more error found.)"
    )


def test_encode_two_levels_gives_one_feature_and_numbers_in_text_are_numbers():
    frame = pd.DataFrame({"a": ["u", "v", None], "n": pd.Series(["1", None, "2.5"], dtype="str")})
    encoded = encode_inputs(frame, ["a", "n"])
    assert encoded.features == ("a=v", "n")
    assert encoded.columns == ("a", "n")
    expected = np.array([[0, 1], [1, np.nan], [np.nan, 2.5]])
    assert np.array_equal(encoded.values, expected, equal_nan=True)
    assert encode_inputs(frame, []).values.shape == (3, 0)


def test_categories_and_python_objects(frame):
    frame["colour"] = frame["colour"].astype("category")
    frame["ill"] = frame["ill"].astype(object)
    frame["grade"] = frame["grade"].astype("Int64")
    assert build(frame).feature_names[3:] == ("colour=blue", "colour=green", "colour=red")
    assert build(frame).tasks[0].classes == ("1", "2", "3")
