"""Readers of molecules and graphs on files of the real layouts, and on broken ones."""

import numpy as np
import pytest
from data.readers import layouts

from taskviz.data.readers.molecule_graphs import ATOM_FEATURES, molecule_graphs, parse_smiles
from taskviz.data.readers.node_features import structural_features
from taskviz.data.reference import open_collection
from taskviz.values import TaskvizError


def test_a_molecule_as_a_graph():
    graphs = molecule_graphs([parse_smiles("CC(=O)O"), parse_smiles("[Na+]")])
    assert graphs.node_pointer.tolist() == [0, 4, 5]
    assert graphs.edge_pointer.tolist() == [0, 6, 6]
    feature = {name: i for i, name in enumerate(ATOM_FEATURES)}
    nodes = graphs.node_features
    assert nodes[:4, feature["C"]].tolist() == [1, 1, 0, 0]
    assert nodes[:4, feature["O"]].tolist() == [0, 0, 1, 1]
    assert nodes[:4, feature["hydrogens"]].tolist() == [3, 0, 0, 1]
    assert nodes[4, feature["other element"]] == 1
    assert nodes[4, feature["charge"]] == 1
    ends = graphs.edge_index[:, :6].T.tolist()
    doubles = [e for e, f in zip(ends, graphs.edge_features, strict=True) if f[1]]
    assert sorted(doubles) == [[1, 2], [2, 1]]


@pytest.mark.parametrize("text", ["", "not a molecule", "C(", "C" * 6000, "C1CC", "X"])
def test_no_molecule(text):
    assert parse_smiles(text) is None


def test_smiles(tmp_path, cache):
    path = layouts.smiles(tmp_path / "drugs" / "drugs.csv")
    collection = open_collection(str(tmp_path / "drugs"), cache)
    assert (collection.modality, collection.n) == ("graph", 24)
    assert collection.names == ("logS", "toxic", "band")
    assert [t.kind for t in collection.tasks] == ["regression", "binary", "regression"] or [
        t.kind for t in collection.tasks
    ] == ["regression", "binary", "multiclass"]
    assert np.isnan(collection.target_of(0)[3, 0])
    assert collection.target_of(0)[4, 0] == -2.0
    # Alone, the same file is a table.
    assert path.is_file()


def test_broken_smiles(tmp_path, errors):
    path = layouts.smiles(tmp_path / "drugs" / "drugs.csv")
    text = path.read_text()
    path.write_text(text.replace("CCNC(=O)C", "CCN(", 1).replace("CO", "CO(", 1))
    found = errors(tmp_path / "drugs")
    assert any("is no SMILES of a molecule" in e and "row " in e for e in found)
    path.write_text(text.replace("smiles", "formula", 1))
    (tmp_path / "drugs" / "collection.toml").write_text('format = "smiles"\nfiles = "drugs.csv"\n')
    assert any("has no column 'smiles'" in e for e in errors(tmp_path / "drugs"))


def test_qm9_agrees_with_its_files(tmp_path, cache, monkeypatch):
    from taskviz.data.readers.qm9 import PROPERTIES, TARGETS

    root = layouts.qm9(tmp_path / "qm9")
    collection = open_collection(str(root), cache)
    assert collection.names == TARGETS
    assert len(TARGETS) == 11
    assert collection.n == 28
    graphs = collection.samples[0].inputs
    assert graphs.shape == (28, 11, 4)
    assert graphs.node_pointer[:3].tolist() == [0, 3, 6]
    rows = (root / "raw" / "gdb9.sdf.csv").read_text().splitlines()[1:]
    kept = [row.split(",") for i, row in enumerate(rows) if i not in (4, 9)]
    # torch-geometric keeps mu as it is and brings energies from hartree to eV.
    assert collection.target_of(0)[5, 0] == pytest.approx(float(kept[5][4]), rel=1e-5)
    homo = PROPERTIES.index("homo")
    assert collection.target_of(homo)[5, 0] == pytest.approx(float(kept[5][6]) * 27.2114, rel=1e-4)
    from taskviz.data.readers import qm9

    monkeypatch.setattr(qm9, "_process", lambda folder: pytest.fail("read a second time"))
    again = open_collection(str(root), cache)
    assert again.fingerprint == collection.fingerprint
    assert not (root / "processed").exists()
    assert not (root / "raw" / "processed").exists()


def test_broken_qm9(tmp_path, errors):
    root = layouts.qm9(tmp_path / "qm9")
    (root / "raw" / "uncharacterized.txt").rename(root / "u.txt")
    assert any("lacks uncharacterized.txt" in e and "downloads nothing" in e for e in errors(root))
    (root / "u.txt").rename(root / "raw" / "uncharacterized.txt")
    sdf = root / "raw" / "gdb9.sdf"
    sdf.write_text(sdf.read_text().replace(" O  ", " Xx ", 1))
    assert any("do not fit one another" in e for e in errors(root))


def test_npz_of_graphs_and_of_nodes(tmp_path, cache):
    path = tmp_path / "g.npz"
    n = 24
    edges = np.concatenate(
        [np.array([[2 * i, 2 * i + 1], [2 * i + 1, 2 * i]]).T for i in range(n)], 1
    )
    both = {
        "node_features": np.random.default_rng(0).normal(size=(2 * n, 3)),
        "edge_index": edges,
        "node_pointer": np.arange(0, 2 * n + 1, 2),
        "edge_pointer": np.arange(0, 2 * n + 1, 2),
        "y": np.arange(n) % 2,
        "z": np.linspace(0, 1, n),
    }
    np.savez(path, **both)
    collection = open_collection(str(path), cache)
    assert collection.modality == "graph"
    assert collection.samples[0].inputs.shape == (n, 3, 0)
    np.savez(path, **(both | {"edge_index": edges + 1}))
    with pytest.raises(TaskvizError, match="edge"):
        open_collection(str(path), cache)
    np.savez(path, **(both | {"node_pointer": both["node_pointer"].astype(float)}))
    with pytest.raises(TaskvizError, match="whole numbers are needed"):
        open_collection(str(path), cache)
    features = np.random.default_rng(0).normal(size=(n, 2))
    ring = np.array([np.arange(n), (np.arange(n) + 1) % n])
    np.savez(path, features=features, edge_index=ring, y=np.arange(n) % 2, z=np.arange(n) % 3)
    collection = open_collection(str(path), cache)
    assert collection.modality == "nodes"
    np.savez(path, features=features * np.nan, edge_index=ring, y=np.arange(n) % 2)
    with pytest.raises(TaskvizError, match="not finite"):
        open_collection(str(path), cache)


def test_nodes(tmp_path, cache):
    root = layouts.nodes(tmp_path / "net")
    collection = open_collection(str(root), cache)
    assert (collection.modality, collection.names) == ("nodes", ("label_a", "label_b"))
    nodes = collection.samples[0].inputs
    assert nodes.features.shape == (40, 2)
    pairs = set(map(tuple, nodes.edge_index.T.tolist()))
    assert pairs == {(i, (i + d) % 40) for i in range(40) for d in (1, -1)}


def test_communities_of_snap(tmp_path, cache):
    root = layouts.communities(tmp_path / "snap")
    collection = open_collection(str(root), cache)
    assert collection.names == ("community 1", "community 2", "community 3", "community 4")
    member = np.concatenate([collection.target_of(t) for t in range(4)], axis=1)
    assert member.sum(axis=0).tolist() == [20, 20, 20, 2]
    features = collection.samples[0].inputs.features
    assert features.shape == (60, 33)


def test_broken_nodes(tmp_path, errors):
    root = layouts.nodes(tmp_path / "net")
    edges, table = root / "edges.csv", root / "nodes.csv"
    whole, rows = edges.read_text(), table.read_text()
    edges.write_text(whole + "n1,n99\n")
    assert any("'n99', which is not in nodes.csv" in e for e in errors(root))
    edges.write_text(whole + "n1\n")
    assert any("line 42: 'n1' does not name two nodes" in e for e in errors(root))
    edges.write_text("source,target\n")
    assert any("has no edge" in e for e in errors(root))
    edges.write_text(whole)
    table.write_text(rows + rows.splitlines()[1] + "\n")
    assert any("row 42: the node 'n0' occurs a second time" in e for e in errors(root))
    root = layouts.communities(tmp_path / "snap")
    groups = root / "com-net.all.cmty.txt"
    groups.write_text(groups.read_text() + "1\tx\n")
    assert any("line 5: the node 'x' is not in the graph" in e for e in errors(root))


def test_structural_features_are_eigenvectors_of_the_graph():
    ring = np.array([np.arange(30), (np.arange(30) + 1) % 30])
    both = np.concatenate([ring, ring[::-1]], axis=1)
    features = structural_features(both, 30, 5)
    adjacency = np.zeros((30, 30))
    adjacency[both[0], both[1]] = 0.5
    for column in features[:, 1:].T:
        value = column @ adjacency @ column / (column @ column)
        assert np.allclose(adjacency @ column, value * column, atol=1e-6)
    assert np.allclose(features[:, 0], np.log(3))
