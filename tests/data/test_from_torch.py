"""Collections from torch datasets and from data of torch-geometric."""

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset, TensorDataset
from torch_geometric.data import Data

from taskviz.values import Task, TaskCollection, TaskvizError

TASKS = (Task("a", "binary", ("no", "yes")), Task("b", "regression"))


class Pairs(Dataset):
    """Items as they come."""

    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def test_a_tensor_dataset_of_images():
    images = torch.arange(30 * 3 * 4 * 5, dtype=torch.float32).reshape(30, 3, 4, 5)
    labels = torch.stack([torch.arange(30) % 2, torch.arange(30) / 10], dim=1)
    collection = TaskCollection.from_torch_dataset("p", TensorDataset(images, labels), TASKS)
    assert (collection.modality, collection.layout) == ("image", "joint")
    assert np.array_equal(collection.samples[0].inputs, images.numpy())
    assert np.allclose(collection.target_of(1)[:, 0], np.arange(30) / 10)
    assert len(collection.samples[0].indices("train")) == 18


def test_series_are_padded_and_missing_labels_stay_missing():
    items = [
        (np.ones((2, 3 + i % 4)), {"b": float("nan") if i == 5 else 1.0, "a": i % 2})
        for i in range(20)
    ]
    collection = TaskCollection.from_torch_dataset("s", Pairs(items), TASKS)
    assert collection.modality == "series"
    inputs = collection.samples[0].inputs
    assert inputs.shape == (20, 2, 6)
    assert (~np.isnan(inputs[:, 0])).sum(axis=1).tolist() == [3 + i % 4 for i in range(20)]
    assert np.isnan(collection.target_of(1)[5, 0])


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([], "is empty"),
        ([np.ones(3)], "is no pair"),
        ([(np.ones(3), [1.0])], "have 1 entries but the tasks need 2"),
        ([(np.ones(3), {"a": 1})], "lack the task 'b'"),
        ([(np.ones(3), [2.0, 1.0])] * 5, "'a' of 'x' holds 2"),
        ([(np.ones(3), [0.0, np.inf])] * 5, "'b' of 'x' holds inf"),
        ([(np.ones(3), [0, 1]), (np.ones(4), [0, 1])], r"differ in shape \(\(3,\), \(4,\)\)"),
        ([("text", [0, 1])], "A str is no array"),
        ([(np.ones((2, 2, 2, 2)), [0, 1])] * 5, "4 axes: name the modality"),
    ],
)
def test_what_does_not_fit(items, words):
    with pytest.raises(TaskvizError, match=words):
        TaskCollection.from_torch_dataset("x", Pairs(items), TASKS)


def ring(i, edge=True):
    n = 3 + i % 3
    index = torch.tensor([list(range(n)), [(k + 1) % n for k in range(n)]])
    return Data(
        x=torch.full((n, 2), float(i)),
        edge_index=index,
        edge_attr=torch.ones(n, 1) if edge else None,
        y=torch.tensor([[float(i % 2), float(i)]]),
    )


@pytest.mark.parametrize("edge", [True, False])
def test_graphs_of_pyg(edge):
    collection = TaskCollection.from_pyg("g", [ring(i, edge) for i in range(24)], TASKS)
    graphs = collection.samples[0].inputs
    assert collection.modality == "graph"
    assert graphs.shape == (24, 2, int(edge))
    assert graphs[[4]].node_features.tolist() == [[4.0, 4.0]] * 4
    assert collection.target_of(1)[:, 0].tolist() == list(range(24))


def test_nodes_of_pyg_with_masks():
    n = 30
    index = torch.tensor([list(range(n)), [(k + 1) % n for k in range(n)]])
    part = torch.arange(n)
    graph = Data(
        x=torch.randn(n, 4),
        edge_index=index,
        y=part % 3,
        train_mask=part < 15,
        val_mask=(part >= 15) & (part < 20),
        test_mask=part >= 25,
    )
    tasks = [Task(name, "binary", ("rest", name)) for name in "xyz"]
    collection = TaskCollection.from_pyg("n", graph, tasks)
    assert (collection.modality, collection.n) == ("nodes", 25)
    block = collection.samples[0]
    assert [len(block.indices(s)) for s in ("train", "valid", "test")] == [15, 5, 5]
    assert block.inputs.nodes.tolist() == [*range(20), *range(25, 30)]
    assert collection.target_of(1)[:, 0].tolist() == [float(i % 3 == 1) for i in block.inputs.nodes]


def test_a_graph_without_labels_is_told():
    bare = ring(0)
    bare.y = None
    with pytest.raises(TaskvizError, match="Graph 1 of 'g' has no 'y'"):
        TaskCollection.from_pyg("g", [bare], TASKS)
