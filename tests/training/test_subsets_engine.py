"""What the subset engine promises besides its numbers: cache, notes, cancel, errors."""

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from taskviz.cache import Cache
from taskviz.engines import RunContext
from taskviz.progress import SILENT, Progress
from taskviz.training.subsets import Subset, SubsetOptions, all_subsets, train_subsets
from taskviz.training.subsets.run import run_unit
from taskviz.training.subsets.seed_data import SeedData
from taskviz.training.subsets.unit import Unit
from taskviz.values import Cancelled, TaskCollection, TaskvizError

QUICK = SubsetOptions(width=4, epochs=2, batch_size=32)


def ask(collection: TaskCollection, seeds: Sequence[int] = (0,)) -> list[Subset]:
    return [Subset(tasks, seed) for seed in seeds for tasks in all_subsets(collection.names)]


class Listener(Progress):
    """Counts; asks for a cancel at the given call of check."""

    def __init__(self, cancel_at: int | None = None) -> None:
        self.units, self.done, self.checks, self.cancel_at = 0.0, 0.0, 0, cancel_at

    def begin(self, title: str, units: float) -> None:
        self.title, self.units = title, units

    def advance(self, units: float = 1.0, message: str = "") -> None:
        self.done += units

    def check(self) -> None:
        self.checks += 1
        if self.checks == self.cancel_at:
            raise Cancelled


def test_rows_follow_the_request_and_repeats_are_trained_once(toy: TaskCollection) -> None:
    wanted = [Subset(("t2", "t0"), 1), Subset(("t3",), 0), Subset(frozenset({"t0", "t2"}), 1)]
    run = train_subsets(toy, wanted, QUICK, RunContext())
    assert run.trained == 2
    assert [run.valid.subset(row) for row in range(3)] == [("t0", "t2"), ("t3",), ("t0", "t2")]
    assert run.valid.seeds is not None
    assert run.valid.seeds.tolist() == [1, 0, 1]
    assert (run.valid.split, run.test.split) == ("valid", "test")
    np.testing.assert_array_equal(run.valid.losses[0], run.valid.losses[2])
    assert (np.isfinite(run.test.losses) == run.test.membership).all()


def test_same_seed_same_bits_other_seed_other_losses(toy: TaskCollection) -> None:
    first, second = (train_subsets(toy, ask(toy), QUICK, RunContext()) for _ in range(2))
    np.testing.assert_array_equal(first.valid.losses, second.valid.losses)
    other = train_subsets(toy, ask(toy, [1]), QUICK, RunContext())
    inside = first.valid.membership
    assert (first.valid.losses[inside] != other.valid.losses[inside]).all()


def test_global_random_state_is_left_alone(toy: TaskCollection) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    train_subsets(toy, ask(toy), QUICK, RunContext())
    assert torch.equal(before, torch.get_rng_state())


def test_larger_request_trains_only_what_is_new(toy: TaskCollection, tmp_path: Path) -> None:
    context = RunContext(cache=Cache(tmp_path))
    small = train_subsets(toy, ask(toy)[:6], QUICK, context)
    large = train_subsets(toy, ask(toy, [0, 1]), QUICK, context)
    again = train_subsets(toy, ask(toy, [1, 0]), QUICK, context)
    assert (small.trained, large.trained, again.trained) == (6, 24, 0)
    fresh = train_subsets(toy, ask(toy, [0, 1]), QUICK, RunContext())
    for part in ("valid", "test"):
        losses = getattr(large, part).losses
        np.testing.assert_array_equal(losses, getattr(fresh, part).losses)
        np.testing.assert_array_equal(losses[:6], getattr(small, part).losses)
        np.testing.assert_array_equal(np.roll(losses, 15, axis=0), getattr(again, part).losses)


def test_cache_key_holds_what_decides_losses_and_nothing_else(
    toy: TaskCollection, tmp_path: Path
) -> None:
    @dataclass(frozen=True)
    class Wider(SubsetOptions):
        samples: int = 7

    context = RunContext(cache=Cache(tmp_path))
    train_subsets(toy, ask(toy), QUICK, context)

    def trained(options: SubsetOptions, collection: TaskCollection = toy) -> int:
        return train_subsets(collection, ask(collection), options, context).trained

    means = Wider(width=4, epochs=2, batch_size=32, mode="sequential", memory_mb=5)
    assert trained(means) == 0
    assert trained(replace(QUICK, epochs=1)) == 15
    assert trained(replace(QUICK, checkpoint="task")) == 15
    assert trained(replace(QUICK, width=5)) == 15
    assert trained(QUICK, toy.select(["t1", "t0", "t2", "t3"])) == 15


def test_damaged_unit_is_trained_again(toy: TaskCollection, tmp_path: Path) -> None:
    context = RunContext(cache=Cache(tmp_path))
    whole = train_subsets(toy, ask(toy), QUICK, context)
    (file,) = tmp_path.glob("subset/**/losses.json")
    file.write_text(file.read_text(encoding="utf-8")[:-40], encoding="utf-8")
    again = train_subsets(toy, ask(toy), QUICK, context)
    assert again.trained == 15
    np.testing.assert_array_equal(whole.test.losses, again.test.losses)
    assert list((tmp_path / "damaged").iterdir())


def test_progress_fills_and_cancel_keeps_finished_units(
    toy: TaskCollection, tmp_path: Path
) -> None:
    options = replace(QUICK, mode="sequential")  # units of 16 networks
    wanted = ask(toy, [0, 1, 2])
    context = RunContext(cache=Cache(tmp_path), progress=Listener(cancel_at=60))
    with pytest.raises(Cancelled):
        train_subsets(toy, wanted, options, context)
    listener = Listener()
    run = train_subsets(toy, wanted, options, replace(context, progress=listener))
    assert run.trained == 30
    assert "30 subset networks" in listener.title
    assert listener.done == pytest.approx(listener.units)
    listener = Listener()
    train_subsets(toy, wanted, options, replace(context, progress=listener))
    assert listener.done == listener.units == 1


def ruin(toy: TaskCollection) -> tuple[TaskCollection, int]:
    """One training label of t0 is infinite under seed 0, in row ``bad``."""
    block = toy.samples[0]
    for bad in range(len(block)):
        labels = block.targets[0].copy()
        labels[bad] = np.inf
        broken = replace(toy, samples=(replace(block, targets=(labels, *block.targets[1:])),))
        if bad in SeedData.of(broken, 0, "cpu").rows("train"):
            return broken, bad
    raise AssertionError("no such row")


@pytest.mark.parametrize("mode", ["stacked", "sequential"])
def test_network_whose_loss_is_lost_is_named_and_the_rest_goes_on(
    toy: TaskCollection, tmp_path: Path, mode: str
) -> None:
    broken, bad = ruin(toy)
    data = SeedData.of(broken, 0, "cpu")
    (place,) = (next(data.orders(1)) == bad).nonzero()[0].tolist()
    options = replace(QUICK, mode=mode)
    context = RunContext(cache=Cache(tmp_path))
    run = train_subsets(broken, ask(broken), options, context)
    with_t0 = run.valid.membership[:, 0]
    assert np.isnan(run.valid.losses[with_t0]).all()
    assert np.isnan(run.test.losses[with_t0]).all()
    assert len(run.notes) == with_t0.sum() == 8
    note = next(note for note in run.notes if "t0+t2 " in note)
    assert f"at step {place // 32 + 1}:" in note
    assert "seed 0" in note
    # the others: as if t0 had only finite labels, under the same split
    others = [subset for subset in ask(broken) if "t0" not in subset.tasks]
    alone = train_subsets(broken, others, options, RunContext())
    np.testing.assert_array_equal(run.valid.losses[~with_t0], alone.valid.losses)
    assert np.isfinite(alone.valid.losses[alone.valid.membership]).all()
    assert train_subsets(broken, ask(broken), options, context).notes == run.notes


def test_everything_lost_is_told_too(toy: TaskCollection) -> None:
    options = replace(QUICK, learning_rate=1e30, weight_decay=0.0)
    run = train_subsets(toy, ask(toy)[:5], options, RunContext())
    lost = np.isnan(run.valid.losses).all(axis=1)
    assert lost.any()
    assert len(run.notes) == lost.sum()
    assert all("no longer finite at step" in note for note in run.notes)


def test_task_without_validation_labels_has_no_say(
    toy_factory: Callable[..., TaskCollection],
) -> None:
    toy = toy_factory(n=60)
    block = toy.samples[0]
    blank = block.targets[0].copy()
    blank[1:] = np.nan  # the only label cannot be in every split
    sparse = replace(toy, samples=(replace(block, targets=(blank, *block.targets[1:])),))
    seeds = [s for s in range(20) if not SeedData.of(sparse, s, "cpu").labelled[0]]
    assert seeds
    run = train_subsets(
        sparse, [Subset(("t0", "t1"), seeds[0]), Subset(("t0",), seeds[0])], QUICK, RunContext()
    )
    assert np.isnan(run.valid.losses[:, 0]).all()
    assert np.isfinite(run.valid.losses[0, 1])
    assert any("'t0' has no label in the validation split" in note for note in run.notes)


@pytest.mark.parametrize(
    ("subset", "words"),
    [
        (Subset(()), "no task"),
        (Subset(("t0", "t9")), "t9"),
        (Subset(("t0", "t0")), "more than once"),
        (Subset("t0", -1), "seed"),
    ],
)
def test_bad_subsets_are_told(toy: TaskCollection, subset: Subset, words: str) -> None:
    with pytest.raises(TaskvizError, match=words):
        train_subsets(toy, [subset], QUICK, RunContext())


def test_nothing_asked_nothing_trained(toy: TaskCollection) -> None:
    run = train_subsets(toy, [], QUICK, RunContext())
    assert run.trained == len(run.valid) == 0


def test_units_can_travel(toy: TaskCollection) -> None:
    """A unit is a picklable spec of a pure function, so that any engine can run it."""
    unit = Unit(toy, 0, ((0, 1), (2,)), QUICK, stack=2)
    function, spec = pickle.loads(pickle.dumps((run_unit, unit)))
    here, there = run_unit(unit, SILENT), function(spec, SILENT)
    np.testing.assert_array_equal(here.valid, there.valid)
    np.testing.assert_array_equal(here.test, there.test)
