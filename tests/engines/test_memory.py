"""Pieces that do not fit are halved; nothing is counted twice."""

import numpy as np
import pytest
import torch

from taskviz.engines import RunContext, device_use, memory, use_engine
from taskviz.engines.memory import free_memory, halving, memory_budget, out_of_memory
from taskviz.training.subsets import SubsetOptions, all_subsets, run, train_subsets
from taskviz.training.subsets.request import Subset
from taskviz.values import TaskCollection

FULL = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def test_pieces_are_halved_until_they_fit() -> None:
    tried = []

    def work(first: int, last: int) -> list[int]:
        tried.append(last - first)
        if last - first > 3:
            raise FULL
        return list(range(first, last))

    assert [n for piece in halving(20, 16, work) for n in piece] == list(range(20))
    assert tried[:3] == [16, 8, 4]
    assert max(tried[3:]) <= 3, "what follows starts small"


def test_one_that_never_fits_and_other_errors_stand() -> None:
    def full(first: int, last: int) -> None:
        raise FULL

    def wrong(first: int, last: int) -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(torch.OutOfMemoryError):
        list(halving(4, 4, full))
    with pytest.raises(RuntimeError, match="shapes"):
        list(halving(4, 4, wrong))
    assert list(halving(0, 4, full)) == []
    assert out_of_memory(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"))
    assert not out_of_memory(ValueError("out of memory"))


def test_what_is_free_bounds_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    assert free_memory("cpu") > 0
    monkeypatch.setattr(memory, "free_memory", lambda device: 100 * 2**20)
    assert memory_budget(50, "cpu") == 50 * 2**20
    assert memory_budget(1000, "cpu") == int(0.8 * 100 * 2**20)


def test_cuda_is_asked_for_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (3, 10))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 5)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "A card")
    monkeypatch.setattr(torch.cuda, "utilization", lambda device: 40)
    assert free_memory("cuda:0") == 3 + 4
    use = device_use(torch.device("cuda:0"))
    assert (use.name, use.used, use.whole, use.busy) == ("A card (cuda:0)", 7, 10, 0.4)


def test_stacks_of_networks_are_halved(
    toy: TaskCollection, monkeypatch: pytest.MonkeyPatch, device: torch.device
) -> None:
    """Networks of a stack that does not fit are trained in smaller ones, to the same losses."""
    subsets = [Subset(tasks) for tasks in all_subsets(toy.names)]
    options = SubsetOptions(width=8, epochs=2, mode="stacked")
    context = RunContext(device=device)
    expected = train_subsets(toy, subsets, options, context, dtype=torch.float64)
    sizes, real = [], run.make_trainer

    def small(unit, members, data):  # type: ignore[no-untyped-def]
        sizes.append(len(members))
        if len(members) > 2:
            raise FULL
        return real(unit, members, data)

    monkeypatch.setattr(run, "make_trainer", small)
    found = train_subsets(toy, subsets, options, context, dtype=torch.float64)
    assert max(sizes) > 2 >= sizes[-1]
    np.testing.assert_allclose(found.valid.losses, expected.valid.losses, atol=1e-12)


def test_chunks_of_a_comparison_are_halved(
    toy: TaskCollection, monkeypatch: pytest.MonkeyPatch, device: torch.device
) -> None:
    """A chunk that ran out of memory after some layers had been added is taken back whole."""
    from taskviz.data.tensors import to_tensors
    from taskviz.networks import NetworkOptions, build_network
    from taskviz.optima import comparison, draw_units, pairwise_distances

    dtype = torch.float64 if device.type == "cpu" else torch.float32
    data = to_tensors(toy, device, dtype)
    network = build_network(toy, NetworkOptions(width=8), seed=0, device=device, dtype=dtype)
    units = draw_units(data, 24, 0)
    expected = pairwise_distances(network.eval(), units)
    real, seen = comparison.layer_distances, []

    def full(layer, signals, inputs, sampling):  # type: ignore[no-untyped-def]
        seen.append(len(inputs))
        if len(inputs) > 6 and len(seen) % 2 == 0:
            raise FULL
        return real(layer, signals, inputs, sampling)

    monkeypatch.setattr(comparison, "layer_distances", full)
    found = pairwise_distances(network, units)
    assert max(seen) > 6 >= seen[-1]
    np.testing.assert_allclose(found.sums, expected.sums, rtol=1e-9)


def test_an_engine_in_use_is_taken_by_contexts() -> None:
    class Mine:
        parallel, shares_disk = 3, True

    mine = Mine()
    with use_engine(mine):  # type: ignore[arg-type]
        assert RunContext().engine is mine
    assert RunContext().engine is not mine
