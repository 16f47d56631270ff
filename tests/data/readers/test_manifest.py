"""Manifests: written by looking, read key by key, every problem told."""

import re
import tomllib

import numpy as np
import pytest
from data.readers import layouts

from taskviz.data import manifest_text, open_path, write_manifest
from taskviz.data.reference import open_collection
from taskviz.values import TaskvizError

MAKERS = {
    "celeba": layouts.celeba,
    "class-folders": layouts.class_folders,
    "cifar10": layouts.cifar10,
    "stl10": layouts.stl10,
    "svhn": layouts.svhn,
    "ts": lambda root: layouts.ts(root, classes=("a", "b", "c")),
    "mimic3": lambda root: layouts.mimic3(root, "phenotyping"),
    "smiles": lambda root: layouts.smiles(root / "m.csv").parent,
    "qm9": layouts.qm9,
    "nodes": layouts.nodes,
}


@pytest.mark.parametrize("layout", MAKERS)
def test_what_init_writes_opens_the_same_collection(tmp_path, cache, layout):
    root = MAKERS[layout](tmp_path / "data")
    before = open_collection(str(root), cache)
    written = write_manifest(root)
    plain = tomllib.loads(written.read_text())
    assert plain["format"] == layout
    assert [task["name"] for task in plain["tasks"]] == list(before.names)
    assert {task["kind"] for task in plain["tasks"]} == {task.kind for task in before.tasks}
    assert open_path(root, cache, thorough=True).findings.errors == []
    after = open_collection(str(root), cache)
    assert after.fingerprint == before.fingerprint
    assert after.names == before.names


def test_init_never_writes_over_a_manifest(tmp_path):
    root = layouts.nodes(tmp_path / "net")
    write_manifest(root).write_text("name = 'mine'\n")
    with pytest.raises(TaskvizError, match="--force"):
        write_manifest(root)
    assert (root / "collection.toml").read_text() == "name = 'mine'\n"
    write_manifest(root, force=True)
    assert 'format = "nodes"' in (root / "collection.toml").read_text()


def test_names_that_need_quoting(tmp_path, cache):
    root = layouts.nodes(tmp_path / 'my "net" \\ 1')
    assert tomllib.loads(manifest_text(root))["name"] == 'my "net" \\ 1'


MANIFEST = 'name = "net"\nmodality = "nodes"\n[[tasks]]\nname = "a"\ntarget = "label_a"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = 'a", "is not valid TOML"),
        ('nmae = "x"\n', "the key 'nmae' is unknown; did you mean 'name'"),
        ("name = 3\n", "name is 3"),
        ('layout = "seperate"\n', "Did you mean 'separate'"),
        ('modality = "pictures"\n', "choose one of table, image, series, graph, nodes"),
        ('format = "cifar"\n', "Did you mean 'cifar10'"),
        ('format = "ts"\n', "there is no files of the format 'ts'"),
        ("tasks = 3\n", r"write one \[\[tasks\]\] a task"),
        ('[[tasks]]\nkind = "binary"\n', "task 1 has no name"),
        ('[[tasks]]\nname = "a"\nkind = "ordinal"\n', "unknown kind 'ordinal'"),
        ('[[tasks]]\nname = "a"\nkind = "binary"\nmetric = "mae"\n', "unknown metric 'mae'"),
        ('[[tasks]]\nname = "a"\ntarget = 5\n', "target is 5"),
        ('[[tasks]]\nname = "a"\ntarget = "lable_a"\n', "did you mean 'label_a'"),
        ('[[tasks]]\nname = "label_a"\n[[tasks]]\nname = "label_a"\n', "there more than once"),
        ('[[tasks]]\nname = "label_a"\nfiles = "x"\n', "belongs to the whole of a joint"),
        ("[splits]\nfractions = [0.5, 0.5]\n", "three positive numbers with sum 1"),
        ('[splits]\ncolumn = "part"\n', "The column 'part' of the split is not there"),
        ('[splits]\npublished = "no"\n', "published is 'no'"),
        ("[options]\nsize = [3]\n", "nodes has no option 'size'"),
        ('[options]\nid = "key"\n', "has no column 'key' of IDs"),
        ('[options]\nwidth = "5"\n[[tasks]]\nname = "label_b"\n', ""),
        ('files = "../net"\n', "leads out of the collection's folder"),
        ('files = "/etc"\n', "is the absolute path '/etc'"),
        ('files = "C:/x"\n', "is the absolute path"),
        ('files = "nowhere"\n', "there is no such file or folder"),
        ('files = { edges = "edges.csv" }\n', "format is needed"),
        ('format = "nodes"\nfiles = { edge = "edges.csv" }\n', "nodes has no file 'edge'"),
        ('format = "nodes"\nfiles = { nodes = "nodes.csv" }\n', "needs the file 'edges'"),
        ('format = "nodes"\nfiles = { edges = "link.csv", nodes = "nodes.csv" }\n', "leads out"),
        ('layout = "separate"\n', r"at least 2 \[\[tasks\]\]"),
        ('modality = "image"\n', "the files hold nodes but the collection is of the modality"),
    ],
)
def test_every_mistake_is_one_sentence(tmp_path, cache, text, words):
    root = layouts.nodes(tmp_path / "net")
    (tmp_path / "outside.csv").write_text("a,b\n")
    (root / "link.csv").symlink_to(tmp_path / "outside.csv")
    (root / "collection.toml").write_text(text)
    found = [p.message for p in open_path(root, cache).findings.errors]
    if words:
        assert any(re.search(words, message) for message in found), found
        with pytest.raises(TaskvizError):
            open_collection(str(root), cache)
    else:
        assert len(found) == 1


@pytest.mark.parametrize("text", [None, 'name = "net"\n', 'files = "."\n'])
def test_a_link_out_of_the_folder_is_refused_however_it_is_found(tmp_path, cache, text):
    root = layouts.nodes(tmp_path / "net")
    (root / "edges.csv").rename(tmp_path / "edges.csv")
    (root / "edges.csv").symlink_to(tmp_path / "edges.csv")
    if text:
        (root / "collection.toml").write_text(text)
    found = [p.message for p in open_path(root, cache).findings.errors]
    assert len(found) == 1
    assert "a link that leads out of the collection's folder" in found[0]


def test_all_mistakes_are_told_at_once(tmp_path, cache):
    root = layouts.nodes(tmp_path / "net")
    (root / "collection.toml").write_text(
        'nmae = "x"\nlayout = "join"\n[[tasks]]\nname = "label_a"\nkind = "b"\n[splits]\nseed = 1\n'
    )
    found = [p.message for p in open_path(root, cache).findings.errors]
    assert len(found) == 4


def test_a_split_column(tmp_path, cache):
    root = layouts.nodes(tmp_path / "net")
    rows = (root / "nodes.csv").read_text().splitlines()
    parts = ["part"] + ["train"] * 25 + ["valid"] * 8 + ["test"] * 7
    (root / "nodes.csv").write_text("\n".join(f"{a},{b}" for a, b in zip(rows, parts, strict=True)))
    (root / "collection.toml").write_text('[splits]\ncolumn = "part"\n')
    collection = open_collection(str(root), cache)
    assert collection.names == ("label_a", "label_b")
    assert collection.samples[0].inputs.features.shape == (40, 2)
    sizes = [len(collection.samples[0].indices(s)) for s in ("train", "valid", "test")]
    assert sizes == [25, 8, 7]
    text = (root / "nodes.csv").read_text().replace("test", "tset", 1)
    (root / "nodes.csv").write_text(text)
    with pytest.raises(TaskvizError, match="sample 34: 'tset' is no part of a split"):
        open_collection(str(root), cache)


def test_a_published_split_can_be_left_aside(tmp_path, cache):
    root = layouts.ts(tmp_path / "walk", classes=("a", "b", "c"))
    (root / "collection.toml").write_text(
        "[splits]\npublished = false\nfractions = [0.5, 0.25, 0.25]\n"
    )
    block = open_collection(str(root), cache).samples[0]
    assert [len(block.indices(s)) for s in ("train", "valid", "test")] == [12, 6, 6]


def test_a_table_by_manifest_is_that_table(tmp_path, cache):
    rng = np.random.default_rng(0)
    rows = ["a,b,y1,y2"] + [f"{rng.normal():.3f},{i % 5},{i % 2},{i * 0.5}" for i in range(60)]
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "t.csv").write_text("\n".join(rows))
    plain = open_collection(str(tmp_path / "t" / "t.csv"), cache)
    folder = open_collection(str(tmp_path / "t"), cache)
    assert folder.fingerprint == plain.fingerprint
    assert folder.feature_names == plain.feature_names
    assert folder.input_columns == plain.input_columns
    (tmp_path / "t" / "collection.toml").write_text(
        '[[tasks]]\nname = "second"\ntarget = "y2"\nkind = "regression"\nmetric = "r2"\n'
        '[[tasks]]\nname = "y1"\n[options]\nleave_out = ["b"]\n'
    )
    chosen = open_collection(str(tmp_path / "t"), cache)
    assert chosen.names == ("second", "y1")
    assert chosen.feature_names == ("a",)
    assert chosen.tasks[0].metric == "r2"


def test_tables_apart(tmp_path, cache):
    for name, columns in (("north", 3), ("south", 5)):
        (tmp_path / "tables" / name).mkdir(parents=True)
        rng = np.random.default_rng(columns)
        head = ",".join([*(f"x{i}" for i in range(columns)), "target"])
        rows = [",".join(f"{v:.3f}" for v in rng.normal(size=columns + 1)) for _ in range(30)]
        (tmp_path / "tables" / name / "data.csv").write_text("\n".join([head, *rows]))
    collection = open_collection(str(tmp_path / "tables"), cache)
    assert (collection.layout, collection.names) == ("separate", ("north", "south"))
    assert [s.inputs.shape for s in collection.samples] == [(30, 3), (30, 5)]
