"""Which way is taken, and how large stacks may be."""

from dataclasses import replace

import pytest
import torch

from taskviz.engines import RunContext
from taskviz.training.subsets import Subset, SubsetOptions, all_subsets, plan, speed, train_subsets
from taskviz.training.subsets.memory import MB, network_bytes, networks_that_fit
from taskviz.training.subsets.unit import Unit
from taskviz.values import TaskCollection, TaskvizError

LONG = SubsetOptions(width=4, epochs=5000)


def units(
    collection: TaskCollection, options: SubsetOptions, seeds: tuple[int, ...] = (0,)
) -> list[Unit]:
    rows = [tuple(collection.index(t) for t in s) for s in all_subsets(collection.names)]
    missing = dict.fromkeys(seeds, rows)
    return plan.plan_units(collection, missing, options, torch.device("cpu"), torch.float32)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> dict[int, float]:
    """Seconds a step by stack size, in place of a measurement."""
    figures = {1: 9e-6, 4: 5e-6, 15: 6e-6}
    monkeypatch.setattr(
        plan, "seconds_a_step", lambda unit, sizes: {size: figures[size] for size in sizes}
    )
    return figures


def test_the_fastest_of_the_trial_is_taken(toy: TaskCollection, measured: dict[int, float]) -> None:
    assert {unit.stack for unit in units(toy, LONG)} == {4}
    measured[1] = 1e-6
    assert {unit.stack for unit in units(toy, LONG)} == {1}
    assert {unit.stack for unit in units(toy, replace(LONG, mode="stacked"))} == {4}
    measured[4] = 8e-6
    assert {unit.stack for unit in units(toy, replace(LONG, mode="stacked"))} == {15}
    assert {unit.stack for unit in units(toy, replace(LONG, mode="sequential"))} == {1}


def test_every_network_is_in_one_unit(toy: TaskCollection, measured: dict[int, float]) -> None:
    for options in (LONG, replace(LONG, epochs=1)):
        made = units(toy, options, (0, 3))
        for seed in (0, 3):
            rows = [row for unit in made if unit.seed == seed for row in unit.members]
            assert len(rows) == len(set(rows)) == 15


def test_units_are_small_where_networks_are_slow(
    toy: TaskCollection, measured: dict[int, float]
) -> None:
    measured[4] = measured[15] = measured[1] = 1e-3
    # 5000 epochs of 2 steps at 1 ms: 10 s a network
    assert [len(unit.members) for unit in units(toy, LONG)] == [1] * 15


def test_a_trial_that_costs_too_much_is_left_out(
    toy: TaskCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a trial for so little work")

    monkeypatch.setattr(plan, "seconds_a_step", refuse)
    (unit,) = units(toy, replace(LONG, epochs=3))
    assert unit.stack == 15


def test_the_trial_measures_each_way_once(toy: TaskCollection) -> None:
    speed.forget()
    rows = tuple(tuple(toy.index(t) for t in s) for s in all_subsets(toy.names))
    unit = Unit(toy, 0, rows, LONG)
    first = speed.seconds_a_step(unit, (1, 4, 15))
    assert speed.seconds_a_step(unit, (1, 4, 15)) == first
    assert all(0 < seconds < 1 for seconds in first.values())
    # 15 narrow networks in one stack cost far less than one by one
    assert first[15] < first[1]


def test_memory_bounds_the_stack(toy: TaskCollection, measured: dict[int, float]) -> None:
    wide = replace(LONG, width=180, depth=1, mode="stacked", memory_mb=6)
    fit = networks_that_fit(toy, wide, 4)
    assert 4 < fit < 15
    measured[fit] = 1e-6
    assert {unit.stack for unit in units(toy, wide)} <= set(range(fit + 1))


def test_memory_estimate_covers_what_the_stack_allocates(toy: TaskCollection) -> None:
    from taskviz.training.subsets.run import make_trainer
    from taskviz.training.subsets.seed_data import SeedData

    options = SubsetOptions(width=64, depth=3, activation="gelu")
    trainer = make_trainer(
        Unit(toy, 0, ((0, 1),) * 10, options, stack=10),
        ((0, 1),) * 10,
        SeedData.of(toy, 0, "cpu"),
    )
    held = 0
    seen: set[int] = set()
    next(iter(trainer.steps(torch.arange(64))))
    for part in vars(trainer._stack).values():
        for tensor in part if isinstance(part, list) else [part]:
            if isinstance(tensor, torch.Tensor) and tensor.untyped_storage().data_ptr() not in seen:
                seen.add(tensor.untyped_storage().data_ptr())
                held += tensor.untyped_storage().nbytes()
    estimate = 10 * network_bytes(toy, options, 4)
    assert 0.6 * estimate < held <= estimate


@pytest.mark.parametrize("mode", ["auto", "stacked", "sequential"])
def test_too_little_memory_is_told_before_the_start(toy: TaskCollection, mode: str) -> None:
    options = SubsetOptions(width=600, memory_mb=2, mode=mode)
    with pytest.raises(TaskvizError) as caught:
        train_subsets(toy, [Subset(("t0",))], options, RunContext())
    text = str(caught.value)
    needed = int(text.split("memory_mb to at least ")[1].split(",")[0])
    narrower = int(text.split("width to at most ")[1].rstrip("."))
    assert networks_that_fit(toy, replace(options, memory_mb=needed), 4) >= 1
    assert networks_that_fit(toy, replace(options, width=narrower), 4) >= 1
    with pytest.raises(TaskvizError):
        networks_that_fit(toy, replace(options, width=narrower + 1), 4)
    assert (needed - 1) * MB < network_bytes(toy, options, 4)


def test_a_huge_network_is_refused_without_being_built(toy: TaskCollection) -> None:
    with pytest.raises(TaskvizError, match="memory_mb is 1024"):
        train_subsets(toy, [Subset(("t0",))], SubsetOptions(width=16384, depth=64), RunContext())
