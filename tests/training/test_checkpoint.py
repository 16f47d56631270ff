"""Checkpoints: a run that was cut short goes on bit for bit; a damaged file is passed over."""

import errno
import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from taskviz.cache import Cache
from taskviz.data.tensors import to_tensors
from taskviz.engines import RunContext
from taskviz.progress import Progress
from taskviz.training import checkpoint, trainer
from taskviz.training.checkpoint import Checkpoints
from taskviz.training.group import train_group
from taskviz.training.groups import train_grouping
from taskviz.training.options import TrainingOptions
from taskviz.training.trainer import GroupTrainer
from taskviz.values import Cancelled, Grouping, TaskvizError
from taskviz.verbs import check_training

OPTIONS = TrainingOptions(epochs=8, patience=0, width=8, batch_size=16, learning_rate=0.01)


@pytest.fixture(autouse=True)
def asked_between_epochs_only(monkeypatch):
    """Whatever an epoch takes on a busy machine, so that questions can be counted."""
    monkeypatch.setattr(trainer, "CHECK_EVERY", float("inf"))


class StopAt(Progress):
    """Says stop at the n-th question."""

    def __init__(self, questions):
        self.left = questions
        self.points = []

    def check(self):
        self.left -= 1
        if self.left < 0:
            raise Cancelled

    def record(self, point):
        self.points.append(point)


def same(one, two):
    assert one.history == two.history
    assert one.metrics == two.metrics
    assert one.notes == two.notes
    assert (one.reached, one.network.best_step) == (two.reached, two.network.best_step)
    assert one.network.weights.keys() == two.network.weights.keys()
    for name, array in one.network.weights.items():
        np.testing.assert_array_equal(array, two.network.weights[name])


@pytest.mark.parametrize("weighting", ["equal", "uw", "gradnorm", "pcgrad", "dwa", "famo"])
@pytest.mark.parametrize("stop", [1, 5])
def test_a_stopped_run_goes_on_to_the_same_bits(mixed, tmp_path, weighting, stop):
    data = to_tensors(mixed)
    options = replace(OPTIONS, schedule="cosine", warmup=2, clip=0.5)
    whole = train_group(data, range(5), options, weighting=weighting, seed=3)
    listener = StopAt(stop)
    with pytest.raises(Cancelled):
        train_group(
            data,
            range(5),
            options,
            weighting=weighting,
            seed=3,
            progress=listener,
            checkpoints=Checkpoints(tmp_path),
        )
    assert max(point["step"] for point in listener.points) == stop
    again = StopAt(1000)
    torch.rand(5)  # whatever else the process draws
    resumed = train_group(
        data,
        range(5),
        options,
        weighting=weighting,
        seed=3,
        progress=again,
        checkpoints=Checkpoints(tmp_path),
    )
    same(resumed, whole)
    # What was trained before is told again, and was not trained again.
    assert [point["step"] for point in again.points] == [row["step"] for row in whole.history]
    assert 1000 - again.left == OPTIONS.epochs - stop


@pytest.mark.parametrize(("optimizer", "rate"), [("adam", 0.05), ("sgd", 0.5)])
def test_early_stopping_and_the_kept_state_survive(mixed, tmp_path, optimizer, rate):
    data = to_tensors(mixed)
    options = replace(
        OPTIONS, epochs=60, patience=3, learning_rate=rate, optimizer=optimizer, weight_decay=0.01
    )
    whole = train_group(data, range(5), options)
    assert whole.reached < 60
    with pytest.raises(Cancelled):
        train_group(
            data,
            range(5),
            options,
            progress=StopAt(whole.reached - 1),
            checkpoints=Checkpoints(tmp_path),
        )
    same(train_group(data, range(5), options, checkpoints=Checkpoints(tmp_path)), whole)


def test_epochs_are_added_from_the_last_state(mixed, tmp_path):
    data = to_tensors(mixed)
    options = replace(OPTIONS, epochs=30, patience=2, learning_rate=0.05)
    first = train_group(data, range(5), options, checkpoints=Checkpoints(tmp_path))
    more = replace(options, more_epochs=4)
    asked = StopAt(1000)
    gone_on = train_group(data, range(5), more, progress=asked, checkpoints=Checkpoints(tmp_path))
    assert 1000 - asked.left == 4
    assert gone_on.reached == first.reached + 4
    assert gone_on.history[: len(first.history)] == first.history
    # As if the epochs had been asked for at first; and the last state is not the best one.
    same(gone_on, train_group(data, range(5), more))
    assert first.network.best_step < first.reached
    twice = replace(options, more_epochs=6)
    same(
        train_group(data, range(5), twice, checkpoints=Checkpoints(tmp_path)),
        train_group(data, range(5), twice),
    )
    # Fewer than were added before: the way there was passed, so it is trained anew.
    same(
        train_group(
            data, range(5), replace(options, more_epochs=1), checkpoints=Checkpoints(tmp_path)
        ),
        train_group(data, range(5), replace(options, more_epochs=1)),
    )


def damage_cut(path):
    path.write_bytes(path.read_bytes()[:-7])


def damage_bit(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def damage_empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [damage_cut, damage_bit, damage_empty])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(toy, tmp_path, monkeypatch, damage):
    monkeypatch.setattr(Checkpoints, "due", lambda self: True)
    data = to_tensors(toy)
    whole = train_group(data, range(4), OPTIONS)
    with pytest.raises(Cancelled):
        train_group(data, range(4), OPTIONS, progress=StopAt(5), checkpoints=Checkpoints(tmp_path))
    files = sorted(tmp_path.glob("*.safetensors"))
    assert [file.name[:7] for file in files] == ["0000004", "0000005"]
    damage(files[-1])
    (tmp_path / "0000006.0123456789abcdef.part").write_bytes(b"half a file")
    asked = StopAt(1000)
    same(
        train_group(data, range(4), OPTIONS, progress=asked, checkpoints=Checkpoints(tmp_path)),
        whole,
    )
    assert 1000 - asked.left == 4


def test_all_damaged_means_from_the_start(toy, tmp_path):
    data = to_tensors(toy)
    whole = train_group(data, range(4), OPTIONS, checkpoints=Checkpoints(tmp_path))
    for file in tmp_path.glob("*.safetensors"):
        damage_bit(file)
    same(train_group(data, range(4), OPTIONS, checkpoints=Checkpoints(tmp_path)), whole)


def test_a_full_disk_ends_the_run_in_one_sentence(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(Checkpoints, "due", lambda self: True)
    data = to_tensors(toy)
    written, opened = [], Path.open

    def full(self, *args, **kwargs):
        if self.suffix == ".part":
            written.append(self)
            if len(written) == 3:
                # Half a file, then no space is left.
                with opened(self, "wb") as file:
                    file.write(b"half")
                raise OSError(errno.ENOSPC, "No space left on device")
        return opened(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(
        TaskvizError, match=r"after epoch 3 cannot be written .*No space left.*epoch 2 is kept"
    ):
        train_group(data, range(4), OPTIONS, checkpoints=Checkpoints(tmp_path))
    monkeypatch.undo()
    assert not list(tmp_path.glob("*.part"))
    asked = StopAt(1000)
    same(
        train_group(data, range(4), OPTIONS, progress=asked, checkpoints=Checkpoints(tmp_path)),
        train_group(data, range(4), OPTIONS),
    )
    assert 1000 - asked.left == OPTIONS.epochs - 2


def test_an_exploding_loss_keeps_the_last_good_checkpoint(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(Checkpoints, "due", lambda self: True)
    run_epoch = GroupTrainer.run_epoch

    def explode(self, check):
        if self.passed == 5:
            with torch.no_grad():
                self.network.heads[2].bias.fill_(float("inf"))
        return run_epoch(self, check)

    monkeypatch.setattr(GroupTrainer, "run_epoch", explode)
    outcome = train_group(to_tensors(toy), range(4), OPTIONS, checkpoints=Checkpoints(tmp_path))
    assert outcome.reached == 6
    assert any(
        "the loss of task" in n and "in epoch 6; training stopped" in n for n in outcome.notes
    )
    assert max(row["step"] for row in outcome.history) == 5
    assert all(np.isfinite(array).all() for array in outcome.network.weights.values())
    assert max(file.name[:7] for file in tmp_path.iterdir()) == "0000005"
    state = Checkpoints(tmp_path).newest(lambda state: True)
    assert all(torch.isfinite(t).all() for t in state["trainer"]["network"].values())


def test_what_cannot_be_trained_is_said_before_a_job_is_made(toy):
    block = toy.samples[0]
    targets = [target.copy() for target in block.targets]
    targets[1][block.indices("train")] = np.nan
    blind = replace(toy, samples=(replace(block, targets=tuple(targets)),))
    with pytest.raises(TaskvizError, match="Task 't1' has no label in the training split"):
        check_training(blind, Grouping.of([toy.names]))
    with pytest.raises(TaskvizError, match="Unknown weighting"):
        check_training(toy, Grouping.of([toy.names]), "best")
    check_training(toy, Grouping.of([toy.names]), "nash-mtl")


def test_of_a_finished_network_only_the_last_state_is_kept(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(Checkpoints, "due", lambda self: True)
    grouping, context = Grouping.of([toy.names]), RunContext(cache=Cache(tmp_path))
    options = replace(OPTIONS, epochs=4)
    train_grouping(toy, grouping, options, context=context)
    (file,) = (tmp_path / "checkpoints").glob("*/*/*")
    assert file.name.startswith("0000004.")
    # Which is all that more epochs need; theirs then takes its place.
    trained = []
    run_epoch = GroupTrainer.run_epoch
    monkeypatch.setattr(
        GroupTrainer, "run_epoch", lambda self, check: trained.append(1) or run_epoch(self, check)
    )
    more = replace(options, more_epochs=2)
    gone_on = train_grouping(toy, grouping, more, context=context)
    assert len(trained) == 2
    (file,) = (tmp_path / "checkpoints").glob("*/*/*")
    assert file.name.startswith("0000006.")
    assert gone_on.metrics.equals(train_grouping(toy, grouping, more).metrics)


def test_nothing_of_a_checkpoint_is_pickled(toy, tmp_path):
    train_group(to_tensors(toy), range(4), OPTIONS, checkpoints=Checkpoints(tmp_path))
    (file,) = tmp_path.iterdir()
    data = file.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert all(name == "__metadata__" or "data_offsets" in entry for name, entry in header.items())
    json.loads(header["__metadata__"]["state"])


def test_writing_takes_a_small_share_of_the_time(monkeypatch, tmp_path):
    now = [0.0]
    monkeypatch.setattr(checkpoint.time, "perf_counter", lambda: now[0])
    kept = Checkpoints(tmp_path, share=0.025)
    pack = checkpoint.pack

    def slow(state):
        now[0] += 0.1  # what this write takes
        return pack(state)

    monkeypatch.setattr(checkpoint, "pack", slow)
    kept.save(1, {}, "a group")
    now[0] += 3.9
    assert not kept.due()
    now[0] += 0.2
    assert kept.due()


def test_a_full_disk_under_the_cache_leaves_what_was_there(toy, tmp_path, monkeypatch):
    """The finished network cannot be stored: one sentence, no half artefact, nothing lost."""
    grouping, cache = Grouping.of([["t0", "t1"], ["t2", "t3"]]), Cache(tmp_path)
    written, write = [], Path.write_bytes

    def full(self, data):
        written.append(self)
        if len(written) == 2:
            write(self, data[:10])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    context = RunContext(cache=cache)
    with pytest.raises(TaskvizError, match=r"Cannot write to the cache .*No space left.*free some"):
        train_grouping(toy, grouping, OPTIONS, context=context)
    monkeypatch.undo()
    monkeypatch.setattr(trainer, "CHECK_EVERY", float("inf"))
    assert len(list(cache.entries("network"))) == 1
    assert not list((tmp_path / "tmp").iterdir())
    # The second group goes on from its last checkpoint: no epoch is left to train.
    monkeypatch.setattr(GroupTrainer, "run_epoch", lambda self, check: pytest.fail("trained"))
    again = train_grouping(toy, grouping, OPTIONS, context=context)
    monkeypatch.undo()
    whole = train_grouping(toy, grouping, OPTIONS)
    assert again.metrics.equals(whole.metrics)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounts a small disk")
def test_a_disk_that_is_really_full(toy, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        options = replace(OPTIONS, width=64)
        with pytest.raises(TaskvizError, match="No space left on device"):
            train_grouping(
                toy, Grouping.of([toy.names]), options, context=RunContext(cache=Cache(disk))
            )
        assert not list(disk.glob("**/*.part"))
    finally:
        subprocess.run(["umount", str(disk)], check=True)
