"""Inputs that are no plain array."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from taskviz.values import GraphNodes, Graphs, LazyInputs, Task, TaskCollection, TaskvizError


def some_graphs(seed: int = 0, n: int = 6) -> Graphs:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 5, n)
    nodes = [rng.normal(size=(size, 3)) for size in sizes]
    edges = [rng.integers(0, size, (2, rng.integers(0, 6))) for size in sizes]
    return Graphs.from_lists(nodes, edges, [rng.normal(size=(e.shape[1], 2)) for e in edges])


def one(graphs: Graphs, i: int) -> tuple[NDArray[np.floating], ...]:
    """Nodes, edges counted within the graph and edge features of one graph, the obvious way."""
    first, last = graphs.node_pointer[i], graphs.node_pointer[i + 1]
    inside = (graphs.edge_index[0] >= first) & (graphs.edge_index[0] < last)
    edges = graphs.edge_index[:, inside] - first
    return graphs.node_features[first:last], edges, graphs.edge_features[inside]


@given(st.lists(st.integers(0, 5), max_size=9))
def test_rows_of_graphs_are_those_graphs(rows: list[int]) -> None:
    graphs = some_graphs()
    picked = graphs[np.array(rows, dtype=np.int64)]
    assert picked.shape == (len(rows), 3, 2)
    for place, row in enumerate(rows):
        for found, expected in zip(one(picked, place), one(graphs, row), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_slices_and_masks_pick_rows() -> None:
    graphs = some_graphs()
    mask = np.array([True, False, True, False, False, True])
    assert graphs[mask].fingerprint == graphs[[0, 2, 5]].fingerprint
    assert graphs[1:3].fingerprint == graphs[[1, 2]].fingerprint
    assert graphs[1:3].fingerprint != graphs[[2, 1]].fingerprint
    assert len(Graphs.empty(3, 2)) == 0


def test_bad_graphs_are_told() -> None:
    with pytest.raises(TaskvizError, match="graph 2 leads to a node of another graph"):
        Graphs.from_lists([np.zeros((2, 1))] * 2, [np.array([[0], [1]]), np.array([[0], [-1]])])
    with pytest.raises(TaskvizError, match="Graph 2 has no node"):
        Graphs.from_lists([np.zeros((1, 1)), np.zeros((0, 1))], [np.zeros((2, 0), int)] * 2)
    with pytest.raises(TaskvizError, match="no graph"):
        Graphs.from_lists([], [])
    with pytest.raises(TaskvizError, match="do not fit together"):
        Graphs(
            np.zeros((2, 1)), np.zeros((2, 1), int), np.zeros((3, 1)), np.array([0]), np.array([0])
        )


def test_nodes_of_a_graph() -> None:
    nodes = GraphNodes(np.arange(8.0).reshape(4, 2), np.array([[0, 1], [1, 0]]))
    assert nodes.shape == (4, 2)
    assert nodes[[3, 1]].nodes.tolist() == [3, 1]
    assert nodes[[3, 1]][[0]].nodes.tolist() == [3]
    assert nodes[1:].fingerprint != nodes.fingerprint
    with pytest.raises(TaskvizError, match="names node 4, but the graph has nodes 0 to 3"):
        GraphNodes(np.zeros((4, 2)), np.array([[0, 4], [1, 0]]))


class Squares(LazyInputs):
    """Row i is filled with i²."""

    shape = (5, 1, 2, 2)
    dtype = np.dtype(np.float32)
    fingerprint = "squares"

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.broadcast_to((rows**2)[:, None, None, None], (len(rows), 1, 2, 2)).astype("f4")


def test_lazy_rows_and_the_fingerprint_of_a_collection() -> None:
    task = Task("t", "regression")
    split = np.zeros(5, dtype=np.int8)

    def collection(inputs: object) -> TaskCollection:
        target = np.arange(5.0)
        return TaskCollection.from_arrays(
            "c", inputs, {"t": target}, [task], split, modality="image"
        )

    lazy = collection(Squares())
    assert lazy.samples[0].inputs[[2, 3]][:, 0, 0, 0].tolist() == [4.0, 9.0]
    assert lazy.samples[0].inputs[3:].shape == (2, 1, 2, 2)
    again = pickle.loads(pickle.dumps(lazy))
    assert again.fingerprint == lazy.fingerprint
    assert collection(Squares()[:]).fingerprint != lazy.fingerprint


def test_data_sets_of_different_shape_make_a_separate_collection() -> None:
    split = np.zeros(4, dtype=np.int8)
    sets = [
        (Task(f"t{length}", "regression"), np.ones((4, 1, length)), np.arange(4.0), split)
        for length in (3, 7)
    ]
    collection = TaskCollection.from_data_sets("two", sets, modality="series")
    assert collection.layout == "separate"
    assert [block.inputs.shape for block in collection.samples] == [(4, 1, 3), (4, 1, 7)]
    assert collection.target_of(1).shape == (4, 1)
