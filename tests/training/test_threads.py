"""A small network takes one thread and gives the same whatever the machine has."""

import numpy as np
import pytest
import torch

from taskviz.data.builtin import load_built_in
from taskviz.data.tensors import to_tensors
from taskviz.networks import build_network
from taskviz.progress import Progress
from taskviz.training.group import train_group
from taskviz.training.options import TrainingOptions
from taskviz.training.threads import SMALL, threads_for
from taskviz.training.trainer import GroupTrainer

CPU = torch.device("cpu")


@pytest.fixture
def two_threads():
    """The process has two threads, as on a machine of two cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def yeast():
    return load_built_in("yeast")


def within(network, batch, device=CPU):
    with threads_for(network, batch, device):
        return torch.get_num_threads()


def test_only_a_dense_network_with_little_work_a_batch_takes_one(yeast, two_threads):
    network = build_network(yeast, TrainingOptions(), seed=0)
    size = sum(p.numel() for p in network.parameters())
    assert within(network, 32) == 1
    assert within(network, SMALL // size) == 1
    assert within(network, SMALL // size + 1) == 2
    # Work of a convolution is not told by its weights.
    images = build_network(load_built_in("mnist"), TrainingOptions(), seed=0)
    assert within(images, 2) == 2
    assert within(network, 32, torch.device("meta")) == 2


def test_threads_come_back_whatever_happens(yeast, two_threads):
    network = build_network(yeast, TrainingOptions(), seed=0)
    with pytest.raises(KeyError), threads_for(network, 32, CPU):
        raise KeyError
    assert torch.get_num_threads() == 2


def test_training_runs_on_one_thread_and_leaves_two(yeast, two_threads, monkeypatch):
    seen = set()
    epoch = GroupTrainer.run_epoch

    def watched(self, *given):
        seen.add(torch.get_num_threads())
        return epoch(self, *given)

    monkeypatch.setattr(GroupTrainer, "run_epoch", watched)
    data, options = to_tensors(yeast), TrainingOptions(epochs=2, patience=0)
    train_group(data, [0, 1, 2], options)
    assert seen == {1}
    assert torch.get_num_threads() == 2
    seen.clear()
    train_group(data, [0, 1, 2], TrainingOptions(epochs=1, patience=0, batch_size=1000))
    assert seen == {2}


def test_the_number_of_threads_changes_no_bit_of_a_small_network(yeast):
    data, options = to_tensors(yeast), TrainingOptions(epochs=3, patience=0)
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(train_group(data, [0, 3, 5], options, progress=Progress()))
    finally:
        torch.set_num_threads(before)
    for name, weight in found[0].network.weights.items():
        np.testing.assert_array_equal(weight, found[1].network.weights[name])
    assert found[0].history == found[1].history
