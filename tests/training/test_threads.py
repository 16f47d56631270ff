"""A small network takes one thread, repeated work what is faster; threads come back afterwards."""

import numpy as np
import pytest
import torch

from taskviz.data.builtin import load_built_in
from taskviz.data.tensors import to_tensors
from taskviz.engines import RunContext
from taskviz.networks import build_network
from taskviz.progress import Progress
from taskviz.training.group import train_group
from taskviz.training.options import TrainingOptions
from taskviz.training.subsets import Subset, SubsetOptions, stacked, train_subsets
from taskviz.training.threads import LAST, SMALL, TRIALS, QuickestThreads, threads_for
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


class Machine:
    """A clock on which a turn takes what it takes on so many threads."""

    def __init__(self, **seconds: float) -> None:
        self.now, self.seconds, self.spent = 0.0, seconds, {1: 0.0, 2: 0.0}

    def __call__(self) -> float:
        return self.now

    def turn(self, threads: QuickestThreads) -> int:
        """One turn; on how many threads it was."""
        with threads.turn():
            count = torch.get_num_threads()
            taken = self.seconds["one" if count == 1 else "both"]
            self.now += taken
            self.spent[count] += taken
        assert torch.get_num_threads() == 2
        return count


@pytest.mark.parametrize(("one", "both", "better"), [(1.0, 3.0, 1), (1.0, 0.6, 2), (1.0, 40.0, 1)])
def test_the_faster_number_of_threads_takes_nearly_all_turns(two_threads, one, both, better):
    machine = Machine(one=one, both=both)
    threads = QuickestThreads(machine)
    taken = [machine.turn(threads) for _ in range(5000)]
    assert set(taken[:2]) == {1, 2}
    assert taken[2:60].count(better) >= 55
    slower = 3 - better
    assert taken[2:].count(slower) > 1, "the slower way is tried now and then"
    assert machine.spent[slower] <= TRIALS * machine.spent[better] + 2 * max(one, both)


def test_a_machine_that_turns_busy_is_noticed(two_threads):
    machine = Machine(one=1.0, both=0.6)
    threads = QuickestThreads(machine)
    assert [machine.turn(threads) for _ in range(100)][-1] == 2
    machine.seconds["both"] = 20.0
    busy = [machine.turn(threads) for _ in range(200)]
    assert set(busy[LAST + 2 :]) == {1}
    machine.seconds["both"] = 0.6
    assert [machine.turn(threads) for _ in range(800)][-1] == 2


def test_one_slow_turn_decides_nothing(two_threads):
    machine = Machine(one=1.0, both=0.6)
    threads = QuickestThreads(machine)
    for _ in range(10):
        machine.turn(threads)
    machine.seconds["both"] = 20.0
    while machine.turn(threads) != 2:
        pass
    machine.seconds["both"] = 0.6
    assert [machine.turn(threads) for _ in range(10)].count(2) >= 9


def test_a_stack_takes_turns_on_the_clock(yeast, two_threads, monkeypatch):
    seen = []
    steps = stacked.StackTrainer.steps

    def watched(self, order):
        seen.append(torch.get_num_threads())
        return steps(self, order)

    monkeypatch.setattr(stacked.StackTrainer, "steps", watched)
    names = yeast.names[:4]
    subsets = [Subset((one, other), 0) for one in names for other in names if one < other]
    options = SubsetOptions(epochs=9, width=5, mode="stacked")
    found = train_subsets(yeast, subsets, options, RunContext(device=CPU))
    assert set(seen) == {1, 2}
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)
    alone = train_subsets(yeast, subsets, options, RunContext(device=CPU))
    np.testing.assert_allclose(found.valid.losses, alone.valid.losses, atol=1e-5)
