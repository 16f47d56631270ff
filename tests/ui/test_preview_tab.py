"""What the Collection page shows of samples, by modality."""

import base64

import numpy as np
import pytest

from taskviz.data.builtin import load_built_in
from taskviz.ui.preview_tab import preview_table, shape_words


def test_images_from_beginning_to_end():
    collection = load_built_in("mnist").select(["zero", "nine"])
    table = preview_table(collection, rows=5)
    assert table.index.tolist() == [1, 1250, 2500, 3750, 5000]
    assert table["zero"].tolist()[0] == "zero"
    assert table["nine"].tolist()[-1] == "nine"
    assert all(base64.b64decode(p.split(",")[1])[:4] == b"\x89PNG" for p in table["picture"])
    assert shape_words(collection) == "28 × 28 pixels, 1 channel"


def test_molecules_are_drawn_without_scripts():
    collection = load_built_in("molecules")
    table = preview_table(collection, rows=3)
    drawings = [base64.b64decode(p.split(",")[1]).decode() for p in table["picture"]]
    assert all("<svg" in d and "<script" not in d and "href" not in d.lower() for d in drawings)
    assert table["Tb"].tolist()[0] == pytest.approx(collection.target_of(0)[0, 0])
    assert "a graph of 2 to" in shape_words(collection)


def test_each_data_set_of_a_separate_collection():
    collection = load_built_in("ucr-six")
    table = preview_table(collection, 5, rows=4)
    assert list(table.columns) == ["series", "BasicMotions"]
    assert shape_words(collection, 5) == "6 channels, up to 100 steps"
    assert set(table["BasicMotions"]) <= set(collection.tasks[5].classes)


def test_nodes_and_tables():
    nodes = load_built_in("communities")
    table = preview_table(nodes)
    degree = np.bincount(nodes.samples[0].inputs.edge_index[0])
    assert table["neighbours"].tolist()[0] == degree[0]
    assert list(preview_table(load_built_in("linnerud"), rows=2).index) == [1, 2]
