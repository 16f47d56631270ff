"""Built-in collections against the files they come from."""

import csv
import gzip
import subprocess
import sys

import numpy as np
import pytest

from taskviz.data.builtin import BUILT_INS, DIGITS, built_in_names, load_built_in
from taskviz.values import TaskvizError


@pytest.mark.parametrize("name", built_in_names())
def test_metadata_tells_the_truth(name):
    entry, collection = BUILT_INS[name], BUILT_INS[name].load(0)
    assert (collection.name, collection.n) == (name, entry.n)
    assert len(collection.tasks) == entry.task_count
    assert (collection.layout, collection.modality) == (entry.layout, entry.modality)
    assert collection.origin.reference == name
    assert collection.origin.licence
    block = collection.samples[0]
    assert np.isfinite(block.inputs).all()
    assert len(collection.feature_names) == block.inputs.shape[1]
    assert len(block.indices("train")) == round(0.6 * entry.n)
    assert entry.to_json()["tasks"] == entry.task_count


def test_sizes_of_the_issue():
    shapes = {name: load_built_in(name).samples[0].inputs.shape for name in built_in_names()}
    assert shapes == {"digits": (1797, 64), "yeast": (2417, 103), "linnerud": (20, 3)}
    kinds = {name: {t.kind for t in load_built_in(name).tasks} for name in built_in_names()}
    assert kinds == {"digits": {"binary"}, "yeast": {"binary"}, "linnerud": {"regression"}}


def test_digits_are_one_against_rest():
    from sklearn.datasets import load_digits

    collection = load_built_in("digits")
    assert collection.names == DIGITS
    stacked = np.concatenate([collection.target_of(i) for i in range(10)], axis=1)
    assert (stacked.sum(axis=1) == 1).all()
    assert np.array_equal(stacked.argmax(axis=1), load_digits().target)
    assert collection.tasks[3].classes == ("rest", "three")


def test_yeast_is_the_file_cell_by_cell():
    from river.datasets import Yeast

    with gzip.open(Yeast().path, "rt") as file:
        rows = list(csv.DictReader(file))
    collection = load_built_in("yeast")
    assert collection.feature_names == tuple(f"Att{i}" for i in range(1, 104))
    assert collection.names == tuple(f"Class{i}" for i in range(1, 15))
    for i in (0, 1, 1200, 2416):
        expected = [float(rows[i][f]) for f in collection.feature_names]
        assert collection.samples[0].inputs[i].tolist() == expected
        labels = [collection.target_of(t)[i, 0] for t in range(14)]
        assert labels == [float(rows[i][name]) for name in collection.names]


def test_yeast_agrees_with_rivers_own_reader():
    from river.datasets import Yeast

    collection = load_built_in("yeast")
    x, y = next(iter(Yeast()))
    assert collection.samples[0].inputs[0].tolist() == [x[f] for f in collection.feature_names]
    assert [bool(collection.target_of(i)[0, 0]) for i in range(14)] == [
        y[name] for name in collection.names
    ]


def test_loading_twice_gives_the_same_bits():
    assert load_built_in("yeast").fingerprint == load_built_in("yeast").fingerprint
    assert load_built_in("yeast").fingerprint != load_built_in("yeast", 1).fingerprint


def test_unknown_name_says_the_nearest():
    with pytest.raises(TaskvizError, match="Did you mean 'yeast'"):
        load_built_in("yeats")


def test_the_list_is_cheap():
    code = (
        "import sys, taskviz.data.builtin as b; b.built_in_names();"
        "sys.exit(any(m in sys.modules for m in ('sklearn', 'river', 'pandas', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_yeast_without_river_is_told(monkeypatch):
    monkeypatch.setattr("taskviz.data.builtin.find_spec", lambda name: None)
    with pytest.raises(TaskvizError, match="river, which is not installed"):
        load_built_in("yeast")


def test_yeast_file_is_found_and_river_asked_where_it_moved(monkeypatch, tmp_path):
    from importlib.machinery import ModuleSpec

    from river.datasets import Yeast

    from taskviz.data.builtin import _yeast_file

    assert _yeast_file().samefile(Yeast().path)
    moved = ModuleSpec("river", None, is_package=True)
    moved.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr("taskviz.data.builtin.find_spec", lambda name: moved)
    assert _yeast_file().samefile(Yeast().path)


def test_a_damaged_yeast_file_is_told(monkeypatch, tmp_path):
    (tmp_path / "yeast.csv.gz").write_bytes(b"no gzip")
    monkeypatch.setattr("taskviz.data.builtin._yeast_file", lambda: tmp_path / "yeast.csv.gz")
    with pytest.raises(TaskvizError, match="install the package again"):
        load_built_in("yeast")
    with gzip.open(tmp_path / "yeast.csv.gz", "wt") as file:
        file.write("a,b\n1,2\n")
    with pytest.raises(TaskvizError, match="other columns than expected"):
        load_built_in("yeast")
