"""What training of one group promises: checkpoint, seeds, masks, notes, errors."""

import math
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
import torch

from taskviz.data.tensors import to_tensors
from taskviz.progress import Progress
from taskviz.training.group import train_group
from taskviz.training.options import TrainingOptions
from taskviz.training.trainer import GroupTrainer
from taskviz.values import Cancelled, SettingsError, TaskvizError


def test_one_checkpoint_the_least_mean_validation_loss(toy):
    options = TrainingOptions(epochs=60, patience=4, learning_rate=0.02)
    outcome = train_group(to_tensors(toy), range(4), options)
    losses = defaultdict(list)
    for row in outcome.history:
        if row["split"] == "valid" and row["metric"] == "loss":
            losses[row["step"]].append(row["value"])
    means = [np.mean(losses[step]) for step in range(1, outcome.reached + 1)]
    best = outcome.network.best_step
    assert best == int(np.argmin(means)) + 1
    assert outcome.reached == best + 4 < 60
    final = [r["value"] for r in outcome.metrics if (r["split"], r["metric"]) == ("valid", "loss")]
    assert np.mean(final) == pytest.approx(means[best - 1], rel=1e-6)


def test_no_patience_trains_to_the_end_and_still_keeps_the_best(toy):
    options = TrainingOptions(epochs=40, patience=0, learning_rate=0.05)
    outcome = train_group(to_tensors(toy), [0, 1], options)
    assert outcome.reached == 40
    assert outcome.network.best_step < 40
    assert {row["step"] for row in outcome.history} == set(range(1, 41))


def test_history_has_loss_and_primary_metric_of_each_task_split_and_epoch(mixed):
    outcome = train_group(to_tensors(mixed), range(5), TrainingOptions(epochs=3, patience=0))
    rows = {(r["step"], r["task"], r["split"], r["metric"]) for r in outcome.history}
    primary = {"class": "balanced_accuracy", "yes": "auroc", "tags": "auroc"}
    assert rows == {
        (step, task, split, metric)
        for step in (1, 2, 3)
        for task in mixed.names
        for split in ("train", "valid")
        for metric in ("loss", primary.get(task, "mae"))
    }
    assert all(math.isfinite(r["value"]) and r["seed"] == 0 for r in outcome.history)


def test_the_same_seed_gives_the_same_bits_and_leaves_the_global_streams_alone(mixed, device):
    options = TrainingOptions(epochs=3, batch_size=16)
    before = torch.get_rng_state()
    runs = [train_group(to_tensors(mixed, device), range(5), options, seed=s) for s in (7, 7, 8)]
    assert torch.equal(torch.get_rng_state(), before)
    one, two, other = (run.network.weights for run in runs)
    assert all(np.array_equal(one[name], two[name]) for name in one)
    assert runs[0].history == runs[1].history
    assert runs[0].metrics == runs[1].metrics
    assert not np.array_equal(one["heads.0.weight"], other["heads.0.weight"])


def test_the_order_in_which_tasks_are_named_does_not_matter(toy):
    data, options = to_tensors(toy), TrainingOptions(epochs=2)
    one, two = train_group(data, [2, 0], options), train_group(data, [0, 2], options)
    assert one.network.tasks == ("t0", "t2")
    assert all(np.array_equal(a, two.network.weights[n]) for n, a in one.network.weights.items())


def test_groups_of_one_seed_start_alike_and_see_the_same_batches(toy):
    data, options = to_tensors(toy), TrainingOptions(epochs=2)
    whole = GroupTrainer(data, range(4), options, seed=3)
    part = GroupTrainer(data, [1, 3], options, seed=3)
    for ours, theirs in ((0, 1), (1, 3)):
        assert torch.equal(part.network.heads[ours].weight, whole.network.heads[theirs].weight)
    assert all(
        torch.equal(a, b)
        for a, b in zip(
            part.network.shared_parameters(), whole.network.shared_parameters(), strict=True
        )
    )
    whole.run_epoch()
    part.run_epoch()
    assert torch.equal(whole.batches.get_state(), part.batches.get_state())


@pytest.mark.parametrize("value", [1e30, 3.0])
def test_what_stands_in_place_of_a_missing_label_is_never_seen(toy_factory, value):
    data = to_tensors(toy_factory(missing=0.3))
    other = replace(
        data,
        targets=tuple(
            torch.where(mask, target, torch.full_like(target, value if i != 2 else 1.0))
            for i, (target, mask) in enumerate(zip(data.targets, data.masks, strict=True))
        ),
    )
    options = TrainingOptions(epochs=2, batch_size=10)
    one, two = train_group(data, range(4), options), train_group(other, range(4), options)
    assert all(np.array_equal(a, two.network.weights[n]) for n, a in one.network.weights.items())
    assert one.history == two.history


def test_a_task_without_labels_leaves_the_others_as_if_it_were_not_there(toy):
    # Its head starts from a stream of its own, so the others must get the very same weights.
    data = to_tensors(toy, dtype=torch.float64)
    masks = list(data.masks)
    masks[1] = torch.zeros_like(masks[1])
    options = TrainingOptions(epochs=2)
    both = GroupTrainer(replace(data, masks=tuple(masks)), [0, 1], options)
    alone = GroupTrainer(data, [0], options)
    start = both.network.heads[1].weight.detach().clone()
    for trainer in (both, alone):
        trainer.run_epoch()
    torch.testing.assert_close(
        both.network.trunk.state_dict(), alone.network.trunk.state_dict(), rtol=1e-12, atol=1e-13
    )
    assert torch.equal(both.network.heads[1].weight, start)


class Listener(Progress):
    def __init__(self, stop_at=None):
        self.units, self.done, self.points, self.checks, self.stop_at = 0.0, 0.0, [], 0, stop_at

    def begin(self, title, units):
        self.units = units

    def advance(self, units=1.0, message=""):
        self.done += units

    def record(self, point):
        self.points.append(dict(point))

    def check(self):
        self.checks += 1
        if self.checks == self.stop_at:
            raise Cancelled


def test_progress_hears_of_every_epoch_and_fills_up_when_training_stops_early(toy):
    listener = Listener()
    options = TrainingOptions(epochs=80, patience=2, learning_rate=0.05)
    outcome = train_group(
        to_tensors(toy), [0, 3], options, progress=listener, label={"contender": "c", "group": 2}
    )
    assert outcome.reached < 80
    assert listener.checks >= outcome.reached
    assert (listener.units, listener.done) == (80, 80)
    labels = {"contender": "c", "group": 2, "tasks": "t0, t3"}
    assert listener.points == [{**labels, **row} for row in outcome.history]


def test_a_cancel_is_heard_between_epochs(toy):
    with pytest.raises(Cancelled):
        train_group(to_tensors(toy), [0], TrainingOptions(), progress=Listener(stop_at=3))


def test_an_exploding_loss_stops_and_keeps_the_last_good_checkpoint(toy):
    data = to_tensors(toy)
    # One full batch an epoch: plain descent with too long a step diverges over some epochs.
    options = TrainingOptions(
        epochs=200, patience=0, batch_size=1000, optimizer="sgd", learning_rate=2, depth=1
    )
    outcome = train_group(data, [0, 3], options)
    assert outcome.reached < 200
    (note,) = outcome.notes
    assert f"in epoch {outcome.reached};" in note
    assert "Group t0 + t3" in note
    assert "task 't" in note
    assert f"epoch {outcome.network.best_step} is kept" in note
    assert all(np.isfinite(array).all() for array in outcome.network.weights.values())
    assert all(math.isfinite(row["value"]) for row in (*outcome.history, *outcome.metrics))


def test_a_loss_that_explodes_at_once_is_an_error(toy):
    options = TrainingOptions(batch_size=4, optimizer="sgd", learning_rate=100)
    with pytest.raises(SettingsError, match=r"task 't\d' became .* in epoch 1 .*learning rate"):
        train_group(to_tensors(toy), [0, 3], options)


def test_a_task_without_training_labels_is_named_before_anything_starts(toy, without_labels):
    listener = Listener()
    data = to_tensors(without_labels(toy, "train", [1]))
    with pytest.raises(TaskvizError, match="'t1' has no label in the training split"):
        train_group(data, [0, 1], TrainingOptions(), progress=listener)
    assert listener.units == 0


def test_a_task_without_validation_labels_leaves_the_choice_to_the_others(toy, without_labels):
    data = to_tensors(without_labels(toy, "valid", [1]))
    outcome = train_group(data, [0, 1], TrainingOptions(epochs=30, patience=0, learning_rate=0.05))
    assert any("t1 has no validation label" in note for note in outcome.notes)
    assert any("'t1' has no usable label in the valid split" in note for note in outcome.notes)
    losses = [r["value"] for r in outcome.history if (r["split"], r["metric"]) == ("valid", "loss")]
    assert outcome.network.best_step == int(np.argmin(losses)) + 1


def test_no_validation_labels_at_all_keep_the_last_state(toy, without_labels):
    data = to_tensors(without_labels(toy, "valid"))
    outcome = train_group(data, [0, 1], TrainingOptions(epochs=6, patience=2))
    assert outcome.network.best_step == outcome.reached == 6
    assert any("no task has a validation label" in note for note in outcome.notes)


def test_a_split_with_one_class_leaves_ranking_metrics_out_with_a_note(toy):
    block = toy.samples[0]
    targets = [target.copy() for target in block.targets]
    targets[1][block.indices("test")] = 1.0
    collection = replace(toy, samples=(replace(block, targets=tuple(targets)),))
    outcome = train_group(to_tensors(collection), [1], TrainingOptions(epochs=2))
    found = {(r["split"], r["metric"]) for r in outcome.metrics}
    assert ("test", "loss") in found
    assert ("test", "auroc") not in found
    assert ("valid", "auroc") in found
    (note,) = outcome.notes
    assert note == (
        "Task 't1', test split: balanced_accuracy, auroc left out, since only one class occurs "
        "there."
    )
