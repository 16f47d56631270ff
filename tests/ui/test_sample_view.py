"""A sample in words and pictures, of every modality that has them."""

import base64

import numpy as np

from taskviz.data.readers.molecule_graphs import draw_molecule, molecule_graphs, parse_smiles
from taskviz.ui.explain import TEXTS
from taskviz.ui.pages import PAGES
from taskviz.ui.sample_view import hover_texts, label_words, sample_table
from taskviz.values import Task, TaskCollection

TASKS = (Task("<b>size</b>", "regression"), Task("ill", "binary", ("no", "yes")))


def collection(inputs, modality, **more):
    n = len(inputs)
    targets = {"<b>size</b>": np.linspace(0, 1, n), "ill": np.arange(n) % 2.0}
    split = np.zeros(n, dtype=np.int8)
    return TaskCollection.from_arrays(
        "mine", inputs, targets, TASKS, split, modality=modality, **more
    )


def test_a_row_of_a_table():
    made = collection(np.arange(18.0).reshape(3, 6) / 7, "table", feature_names=list("abcde<"))
    (text,) = hover_texts(made, np.array([0]), np.array([2]))
    assert "&lt;b&gt;size" in text
    assert "sample 3" in text
    assert "label 1" in text
    assert "a = 1.71" in text
    assert "and 2 more" in text
    table = sample_table(made, [1, 0], [1, 2])
    assert table["label"].tolist() == ["yes", "1.00"]
    assert list(table.columns) == ["task", "sample", "label", "a", "b", "c", "d"]
    assert table["a"].tolist() == [0.8571, 1.714]


def test_an_image_has_its_thumbnail():
    images = np.random.default_rng(0).integers(0, 255, size=(3, 1, 80, 40)).astype(np.uint8)
    made = collection(images, "image")
    table = sample_table(made, [0], [1])
    kind, content = table["picture"][0].split(",")
    assert kind == "data:image/png;base64"
    png = base64.b64decode(content)
    assert png.startswith(b"\x89PNG")
    assert int.from_bytes(png[20:24], "big") == 64
    assert "1 × 80 × 40 image" in hover_texts(made, np.array([0]), np.array([1]))[0]


def test_a_series_has_its_line():
    series = np.random.default_rng(0).normal(size=(3, 2, 300))
    series[1, :, 200:] = np.nan
    made = collection(series, "series")
    table = sample_table(made, [0, 1], [1, 2])
    assert len(table["series"][0]) == 100
    assert len(table["series"][1]) == 100
    np.testing.assert_allclose(table["series"][0][0], series[1, 0, 0], rtol=1e-3)
    assert "series of 200 steps" in hover_texts(made, np.array([0]), np.array([1]))[0]


def test_a_molecule_is_drawn_from_its_graph():
    graphs = molecule_graphs([parse_smiles(s) for s in ("CCO", "c1ccccc1[N+](=O)[O-]", "BrI")])
    made = collection(graphs, "graph")
    table = sample_table(made, [0, 0, 0], [0, 1, 2])
    for url in table["picture"]:
        svg = base64.b64decode(url.split(",")[1]).decode()
        assert "<svg" in svg
        assert "<path" in svg
    assert "graph of 9 nodes and 9 edges" in hover_texts(made, np.array([0]), np.array([1]))[0]
    other = graphs.__class__.from_lists([np.zeros((2, 3))], [np.array([[0], [1]])])
    assert draw_molecule(other) is None


def test_a_missing_label_is_said_to_be_missing():
    made = collection(np.zeros((2, 1)), "table")
    made.samples[0].targets[0].flags.writeable = True
    made.samples[0].targets[0][0] = np.nan
    assert label_words(made, 0, 0) == "missing"


def test_every_page_says_what_one_looks_at():
    assert {page.name for page in PAGES} <= set(TEXTS)
    for name, text in TEXTS.items():
        assert len(text.words) < 900, name
        assert bool(text.formulas) <= bool(text.source), name
