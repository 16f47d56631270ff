"""A trained grouping: columns, serving, cache, interruption."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from taskviz.cache import Cache
from taskviz.engines import RunContext
from taskviz.progress import Progress
from taskviz.training.group import train_group
from taskviz.training.groups import train_grouping
from taskviz.training.metrics import METRICS
from taskviz.training.options import TrainingOptions
from taskviz.values import (
    HISTORY_COLUMNS,
    METRIC_COLUMNS,
    Cancelled,
    Grouping,
    TaskvizError,
    TrainingResult,
)

QUICK = TrainingOptions(epochs=3, width=8)


class Counting(Progress):
    """Which groups were trained, and when to stop."""

    def __init__(self, stop_after=None):
        self.trained, self.done, self.units, self.stop_after = [], 0.0, 0.0, stop_after
        self.told = []

    def begin(self, title, units):
        self.units = units

    def advance(self, units=1.0, message=""):
        self.done += units
        if message.endswith("trained before"):
            # What was told just now is the curve of an earlier run.
            self.trained.remove(self.told[-1]["tasks"])

    def record(self, point):
        self.told.append(dict(point))
        if point["tasks"] not in self.trained:
            self.trained.append(point["tasks"])

    def check(self):
        if self.stop_after is not None and self.done >= self.stop_after:
            raise Cancelled


def run(collection, groups, tmp_path, options=QUICK, progress=None, **changes):
    progress = progress or Counting()
    context = RunContext(cache=Cache(tmp_path / "cache"), progress=progress, **changes)
    return train_grouping(collection, Grouping.of(groups), options, context=context), progress


def same(one: TrainingResult, two: TrainingResult):
    return (
        one.metrics.equals(two.metrics)
        and one.history.equals(two.history)
        and one.serving == two.serving
        and all(
            np.array_equal(a, second.weights[name])
            for first, second in zip(one.networks, two.networks, strict=True)
            for name, a in first.weights.items()
        )
    )


def test_a_result_holds_every_group_task_split_and_metric(mixed, tmp_path):
    result, progress = run(mixed, [["class", "tags"], ["yes", "value", "other"]], tmp_path)
    assert tuple(result.metrics.columns) == METRIC_COLUMNS
    assert tuple(result.history.columns) == HISTORY_COLUMNS
    expected = {
        (group, task.name, split, metric)
        for group, names in enumerate(result.grouping.groups)
        for task in mixed.tasks
        if task.name in names
        for split in ("train", "valid", "test")
        for metric in METRICS[task.kind]
    }
    rows = result.metrics[["group", "task", "split", "metric"]].itertuples(index=False, name=None)
    assert set(rows) == expected
    assert len(result.metrics) == len(expected)
    assert set(result.history["step"]) == {1, 2, 3}
    assert result.serving == {"class": 0, "tags": 0, "yes": 1, "value": 1, "other": 1}
    assert (progress.units, progress.done) == (2, pytest.approx(2))
    assert result.seconds == sum(network.seconds for network in result.networks) > 0
    assert (result.collection, result.fingerprint) == ("mixed", mixed.fingerprint)


def test_settings_record_everything_and_are_plain_data(mixed, tmp_path):
    result, _ = run(mixed, [mixed.names], tmp_path, seed=4)
    settings = json.loads(json.dumps(result.settings))
    assert settings["options"]["width"] == 8
    assert settings["options"]["learning_rate"] == 1e-3
    assert (settings["weighting"], settings["seed"], settings["device"]) == ("equal", 4, "cpu")
    assert settings["dtype"] == "float32"
    assert settings["torch"] == torch.__version__
    assert settings["taskviz"]
    assert [task["name"] for task in settings["tasks"]] == list(mixed.names)
    assert settings["split_sizes"] == {"train": 46, "valid": 22, "test": 22}
    assert set(result.metrics["seed"]) == set(result.history["seed"]) == {4}


def test_a_group_is_what_train_group_gives(toy, tmp_path):
    from taskviz.data.tensors import to_tensors

    result, _ = run(toy, [["t3", "t0"], ["t1", "t2"]], tmp_path, seed=2)
    alone = train_group(to_tensors(toy), [0, 3], QUICK, seed=2)
    assert result.networks[0].tasks == ("t0", "t3")
    for name, array in alone.network.weights.items():
        assert np.array_equal(array, result.networks[0].weights[name])


def test_each_task_is_served_by_its_least_validation_loss(toy, tmp_path):
    result, _ = run(
        toy, [["t0", "t1", "t2"], ["t0", "t3"], ["t1", "t0"], ["t2"]], tmp_path,
        TrainingOptions(epochs=8),
    )  # fmt: skip
    losses = result.metrics[
        (result.metrics["split"] == "valid") & (result.metrics["metric"] == "loss")
    ]
    for task in toy.names:
        own = losses[losses["task"] == task].set_index("group")["value"]
        assert result.serving[task] == own.idxmin()
    assert len(result.served("test")) == sum(len(METRICS[task.kind]) for task in toy.tasks)
    with pytest.raises(TaskvizError, match="no split 'validation': take train, valid, test"):
        result.served("validation")


def test_the_second_time_nothing_is_trained_and_all_is_equal(mixed, tmp_path):
    groups = [["class", "tags"], ["yes", "value", "other"]]
    first, before = run(mixed, groups, tmp_path)
    second, after = run(mixed, groups, tmp_path)
    assert len(before.trained) == 2
    assert after.trained == []
    assert after.done == 2
    assert after.told == before.told
    assert same(first, second)
    assert first.settings == second.settings


def test_another_grouping_reuses_the_group_they_share(toy, tmp_path):
    run(toy, [["t0", "t3"], ["t1", "t2"]], tmp_path)
    result, progress = run(toy, [["t1"], ["t3", "t0"], ["t2", "t1"]], tmp_path)
    assert progress.trained == ["t1"]
    fresh, _ = run(toy, [["t1"], ["t3", "t0"], ["t2", "t1"]], tmp_path / "other")
    assert same(result, fresh)


def test_a_group_does_not_depend_on_tasks_outside_it(toy, tmp_path):
    run(toy, [["t0", "t1"], ["t2", "t3"]], tmp_path)
    block = toy.samples[0]
    targets = (*block.targets[:3], block.targets[3] + 1)
    changed = replace(toy, samples=(replace(block, targets=targets),))
    _, progress = run(changed, [["t0", "t1"], ["t2", "t3"]], tmp_path)
    assert progress.trained == ["t2, t3"]


def test_a_selection_that_moves_a_task_trains_it_anew(toy, tmp_path):
    # Head t starts from stream t, so t1 as the first task is another network.
    run(toy, [["t0"], ["t1"], ["t2", "t3"]], tmp_path)
    _, progress = run(toy.select(["t0", "t1"]), [["t0"], ["t1"]], tmp_path)
    assert progress.trained == []
    _, progress = run(toy.select(["t1"]), [["t1"]], tmp_path)
    assert progress.trained == ["t1"]


@pytest.mark.parametrize(
    "changes", [{"options": replace(QUICK, epochs=4)}, {"seed": 1}], ids=["options", "seed"]
)
def test_other_settings_train_anew(toy, tmp_path, changes):
    run(toy, [toy.names], tmp_path)
    _, progress = run(toy, [toy.names], tmp_path, **changes)
    assert len(progress.trained) == 1


def test_without_a_cache_everything_is_trained(toy, tmp_path):
    for _ in range(2):
        progress = Counting()
        context = RunContext(progress=progress)
        train_grouping(toy, Grouping.of([toy.names]), QUICK, context=context)
        assert len(progress.trained) == 1


def test_a_cancelled_run_goes_on_from_the_finished_groups(toy, tmp_path):
    groups = [["t0", "t1"], ["t2"], ["t3"]]
    stopped = Counting(stop_after=1)
    with pytest.raises(Cancelled):
        run(toy, groups, tmp_path, progress=stopped)
    assert stopped.trained == ["t0, t1"]
    result, resumed = run(toy, groups, tmp_path)
    assert resumed.trained == ["t2", "t3"]
    assert resumed.done == pytest.approx(3)
    whole, _ = run(toy, groups, tmp_path / "other")
    assert same(result, whole)


def test_a_damaged_network_in_the_cache_is_trained_again(toy, tmp_path):
    first, _ = run(toy, [["t0", "t1"], ["t2", "t3"]], tmp_path)
    entry = next(e for e in Cache(tmp_path / "cache").entries("network"))
    path = entry.folder / "network.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    second, progress = run(toy, [["t0", "t1"], ["t2", "t3"]], tmp_path)
    assert len(progress.trained) == 1
    assert same(first, second)


def test_the_cache_and_the_saved_folder_hold_safetensors_and_json_only(toy, tmp_path):
    result, _ = run(toy, [["t0", "t1"], ["t2", "t3"]], tmp_path)
    result.save(tmp_path / "saved")
    names = {p.name for p in (tmp_path / "saved").iterdir()}
    assert names == {
        "group_0.safetensors", "group_1.safetensors", "preprocessing.safetensors", "result.json"
    }  # fmt: skip
    kept = {p.suffix for p in (tmp_path / "cache").rglob("*") if p.is_file()}
    assert kept == {".safetensors", ".json"}


def test_a_task_without_validation_labels_is_served_as_planned(toy, tmp_path):
    block = toy.samples[0]
    targets = list(block.targets)
    targets[1] = targets[1].copy()
    targets[1][block.indices("valid")] = np.nan
    collection = replace(toy, samples=(replace(block, targets=tuple(targets)),))
    grouping = Grouping.of(
        [["t0", "t1"], ["t1", "t2", "t3"]], serving={"t0": 0, "t1": 1, "t2": 1, "t3": 1}
    )
    result = train_grouping(collection, grouping, QUICK)
    assert result.serving["t1"] == 1
    assert any("'t1' has no validation loss to choose its group by" in n for n in result.notes)


def test_a_grouping_that_leaves_a_task_out_is_refused(toy, tmp_path):
    with pytest.raises(TaskvizError, match="'t2' of collection 'toy' is in no group"):
        run(toy, [["t0", "t1"], ["t3"]], tmp_path)


def test_a_grouping_of_other_tasks_is_refused(toy, tmp_path):
    with pytest.raises(TaskvizError, match="Unknown task 'cat' of collection 'toy'"):
        run(toy, [["t0", "t1", "t2", "t3", "cat"]], tmp_path)


def test_an_unknown_weighting_is_refused_before_training(toy):
    with pytest.raises(TaskvizError, match=r"Unknown weighting 'best': choose one of .*equal"):
        train_grouping(toy, Grouping.of([toy.names]), QUICK, weighting="best")


def test_notes_of_all_groups_are_kept_once_each(toy, tmp_path):
    block = toy.samples[0]
    targets = list(block.targets)
    targets[1] = targets[1].copy()
    targets[1][block.indices("test")] = 0.0
    collection = replace(toy, samples=(replace(block, targets=tuple(targets)),))
    result, _ = run(collection, [["t0", "t1"], ["t1", "t2", "t3"]], tmp_path)
    assert len([note for note in result.notes if "'t1', test split" in note]) == 1
