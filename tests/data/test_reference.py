"""Names of collections: plain data there and back, and what they open."""

import json

import numpy as np
import pandas as pd
import pytest

from taskviz.cache import Cache
from taskviz.data import CollectionRef, load_built_in, open_collection, store_upload
from taskviz.values import TaskvizError


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


@pytest.fixture
def csv_path(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(60, 4)), columns=["a", "b", "y1", "y2"])
    frame["kind_of"] = list("pq") * 30
    frame.insert(0, "id", np.arange(60))
    frame.to_csv(tmp_path / "my table.csv", index=False)
    return tmp_path / "my table.csv"


def test_json_there_and_back():
    ref = CollectionRef("t.csv", ("a", "b"), {"a": "binary"}, ("b",), 3, ("id",))
    assert CollectionRef.from_json(json.loads(json.dumps(ref.to_json()))) == ref
    assert CollectionRef.from_json({"reference": "yeast"}) == CollectionRef("yeast")
    assert hash(CollectionRef.from_json(ref.to_json())) == hash(ref)
    assert CollectionRef("t.csv").to_json()["leave_out"] is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "no collection reference"),
        ([], "no collection reference"),
        ({"reference": ""}, "is empty"),
        ({"reference": 5}, "is empty"),
        ({"reference": "a", "targets": "y"}, "Targets are 'y'"),
        ({"reference": "a", "tasks": [1]}, "list of names"),
        ({"reference": "a", "leave_out": {}}, "Columns to leave out"),
        ({"reference": "a", "kinds": ["binary"]}, "Kinds are"),
        ({"reference": "a", "kinds": {"a": "binry"}}, "Did you mean 'binary'"),
        ({"reference": "a", "kinds": {"a": ["binary"]}}, "of column 'a': choose"),
        ({"reference": "a", "split_seed": -1}, "split seed is -1"),
        ({"reference": "a", "split_seed": True}, "split seed is True"),
        ({"reference": "a", "split_seed": 1.5}, "split seed is 1.5"),
        ({"reference": "a", "splitseed": 1}, "Did you mean 'split_seed'"),
    ],
)
def test_bad_references_are_told(data, words):
    with pytest.raises(TaskvizError, match=words):
        CollectionRef.from_json(data)


def test_the_origin_says_how_to_open_it_again(cache):
    ref = CollectionRef("yeast", split_seed=3)
    origin = open_collection(ref, cache).origin
    assert (origin.reference, origin.split_seed, origin.kinds) == ("yeast", 3, ())


def test_built_in(cache):
    collection = open_collection(CollectionRef("yeast", tasks=("Class3", "Class1"), split_seed=2))
    assert collection.names == ("Class3", "Class1")
    whole = load_built_in("yeast", 2)
    assert np.array_equal(whole.samples[0].split, collection.samples[0].split)
    with pytest.raises(TaskvizError, match="targets of its own"):
        open_collection(CollectionRef("yeast", targets=("Class1", "Class2")))
    with pytest.raises(TaskvizError, match="Unknown task 'Class99' of collection 'yeast'"):
        open_collection(CollectionRef("yeast", tasks=("Class99",)))


def test_path_with_proposed_targets(csv_path):
    collection = open_collection(str(csv_path))
    assert collection.name == "my table"
    assert collection.names == ("y1", "y2")
    assert collection.feature_names == ("a", "b", "kind_of=q")
    assert collection.origin.reference == str(csv_path)
    assert collection.origin.targets == ("y1", "y2")


def test_path_with_everything_chosen(csv_path):
    ref = CollectionRef(
        str(csv_path), ("kind_of", "y2", "b"), {"b": "regression"}, ("b", "kind_of"), 7, ("a",)
    )
    collection = open_collection(ref)
    assert collection.names == ("b", "kind_of")
    assert collection.feature_names == ("id", "y1")
    assert open_collection(CollectionRef.from_json(ref.to_json())).fingerprint == (
        collection.fingerprint
    )


def test_upload(csv_path, cache):
    upload = store_upload(csv_path.read_bytes(), csv_path.name, cache)
    collection = open_collection(upload.reference, cache)
    assert collection.name == "my table"
    assert collection.origin.reference == upload.reference
    assert collection.fingerprint == open_collection(str(csv_path)).fingerprint
    upload.path.write_bytes(b"a,b\n1,2\n")
    with pytest.raises(TaskvizError, match="damaged"):
        open_collection(upload.reference, cache)
    with pytest.raises(TaskvizError, match="no upload 'abc'"):
        open_collection("upload:abc", cache)
    with pytest.raises(TaskvizError, match="no upload"):
        open_collection("upload:../../etc/passwd", cache)


def test_errors_in_an_upload_bear_the_users_name(cache):
    upload = store_upload(b"a,b\n1,2\n3\n", "../my <b>data</b>.csv", cache)
    with pytest.raises(TaskvizError, match=r"Row 3 of b>\.csv has 1 cell") as caught:
        open_collection(upload.reference, cache)
    assert upload.key not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("yest", "Did you mean 'yeast'"),
        ("nothing", "digits, .*linnerud, .*yeast"),
        ("nothing.csv", "There is no file nothing.csv"),
        ("some/where", "There is no file some/where"),
        ("~nobody-of-that-name/t.csv", "There is no file"),
        ("zero\0byte.csv", "There is no file"),
        ("x" * 5000, "Unknown collection"),
    ],
)
def test_what_is_not_there(name, words):
    with pytest.raises(TaskvizError, match=words):
        open_collection(name)


def test_too_few_targets_to_propose(tmp_path):
    rng = np.random.default_rng(0)
    for columns, words in (
        (["a", "b", "c"], "no target column could be told"),
        (["a", "b", "y"], "one target column, 'y', could be told"),
    ):
        path = tmp_path / "t.csv"
        pd.DataFrame(rng.normal(size=(30, 3)), columns=columns).to_csv(path, index=False)
        with pytest.raises(TaskvizError, match=words) as caught:
            open_collection(str(path))
        assert "name at least 2 targets" in str(caught.value)
        assert str(caught.value).startswith("t.csv: ")


def test_a_folder_is_told(tmp_path):
    with pytest.raises(TaskvizError, match="is empty: put data there"):
        open_collection(str(tmp_path))
