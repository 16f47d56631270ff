"""Collections as tensors: scaling and rows of every modality."""

import numpy as np
import torch
from numpy.typing import NDArray

from taskviz.data import tensors
from taskviz.data.batch_inputs import StoredRows, disjoint_union
from taskviz.data.tensors import to_tensors
from taskviz.values import GraphNodes, Graphs, Inputs, LazyInputs, Modality, Task, TaskCollection

TASK = Task("t", "regression")


def collection(inputs: Inputs, modality: Modality, train: int | None = None) -> TaskCollection:
    n = len(inputs)
    split = np.array([0 if i < (train or n) else 2 for i in range(n)], dtype=np.int8)
    target = {"t": np.arange(float(n))}
    return TaskCollection.from_arrays("c", inputs, target, [TASK], split, modality=modality)


def test_series_are_scaled_by_channel_and_padding_stays() -> None:
    rng = np.random.default_rng(0)
    series = rng.normal(size=(9, 2, 6)) * [[[3.0], [50.0]]] + [[[1.0], [-7.0]]]
    series[3, :, 4:] = np.nan  # padding
    series[4, 0, 2] = np.nan  # missing in one channel
    series[5, :, 2] = np.nan  # missing in all, with steps after it
    series[6] = np.nan  # nothing known
    data = to_tensors(collection(series, "series", train=8), dtype=torch.float64)
    rows = data.inputs[0][torch.arange(9)].numpy()
    for channel in range(2):
        known = series[:8, channel]
        expected = (series[:, channel] - np.nanmean(known)) / np.nanstd(known)
        seen = ~np.isnan(expected)
        np.testing.assert_allclose(rows[:, channel][seen], expected[seen], rtol=1e-12)
    assert np.isnan(rows[3, :, 4:]).all()
    assert (rows[4, 0, 2], *rows[5, :, 2]) == (0, 0, 0)
    assert (rows[6, :, 0] == 0).all()
    assert np.isnan(rows[6, :, 1:]).all()
    assert np.isnan(rows).sum() == 4 + 10


def test_graph_rows_become_the_disjoint_union() -> None:
    rng = np.random.default_rng(1)
    nodes = [rng.normal(size=(size, 3)) for size in (2, 1, 4)]
    nodes[2][1, 2] = np.nan
    edges = [np.array([[0, 1], [1, 0]]), np.zeros((2, 0), int), np.array([[3, 2, 0], [0, 1, 1]])]
    features = [rng.normal(size=(own.shape[1], 2)) for own in edges]
    graphs = Graphs.from_lists(nodes, edges, features)
    data = to_tensors(collection(graphs, "graph"), dtype=torch.float64)
    union = disjoint_union(data.inputs[0][torch.tensor([2, 0, 1])], 3, 2)
    stacked = np.concatenate([nodes[2], nodes[0], nodes[1]])
    everything = np.concatenate(nodes)
    centre, scale = np.nanmean(everything, axis=0), np.nanstd(everything, axis=0)
    np.testing.assert_allclose(union.nodes, np.nan_to_num((stacked - centre) / scale), atol=1e-12)
    assert union.edge_index.tolist() == [[3, 2, 0, 4, 5], [0, 1, 1, 5, 4]]
    assert union.graph.tolist() == [0, 0, 0, 0, 1, 1, 2]
    assert (union.count, union.edges.shape) == (3, (5, 2))
    wide = np.concatenate([features[2], features[0]])
    both = np.concatenate(features)
    np.testing.assert_allclose(union.edges, (wide - both.mean(0)) / both.std(0), atol=1e-12)


def test_rows_of_nodes_are_their_numbers() -> None:
    graph = GraphNodes(np.eye(4), np.zeros((2, 0), int), np.array([3, 1, 2]))
    data = to_tensors(collection(graph, "nodes"))
    assert data.inputs[0][torch.tensor([0, 2])].tolist() == [[3.0], [2.0]]


class Folder(LazyInputs):
    """Images that count how many of them were read."""

    dtype = np.dtype(np.uint8)
    fingerprint = "folder"

    def __init__(self, images: NDArray[np.uint8]) -> None:
        self.images, self.read_rows = images, 0

    @property
    def shape(self) -> tuple[int, ...]:
        return self.images.shape

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        self.read_rows += len(rows)
        return self.images[rows]


def test_lazy_rows_are_read_when_they_are_taken() -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 1, 3, 3)).astype(np.uint8)
    folder = Folder(images)
    lazy = to_tensors(collection(folder, "image", train=30), dtype=torch.float64)
    assert folder.read_rows == 30
    whole = to_tensors(collection(images, "image", train=30), dtype=torch.float64)
    rows = torch.tensor([5, 39, 5])
    taken = lazy.inputs[0].index_select(0, rows)
    assert folder.read_rows == 33
    assert torch.equal(taken, whole.inputs[0].index_select(0, rows))
    assert lazy.inputs[0].shape == whole.inputs[0].shape
    assert (lazy.device, lazy.dtype) == (whole.device, whole.dtype)


def test_large_arrays_of_whole_numbers_are_scaled_when_taken(monkeypatch) -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 1, 3, 3)).astype(np.uint8)
    whole = to_tensors(collection(images, "image"))
    monkeypatch.setattr(tensors, "HELD", 100)
    stored = to_tensors(collection(images, "image"))
    assert isinstance(stored.inputs[0], StoredRows)
    assert torch.equal(stored.inputs[0][3:9], whole.inputs[0][3:9])
