"""Curves in TensorBoard's event files, and what MLflow is told."""

import math
import os
import sys
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from taskviz.training.groups import train_grouping
from taskviz.training.options import TrainingOptions
from taskviz.training.tracking import log_mlflow, write_tensorboard
from taskviz.values import Grouping, TaskvizError


@pytest.fixture(scope="module")
def result(request):
    mixed = request.getfixturevalue("mixed")
    grouping = Grouping.of([["class", "value"], ["yes", "tags", "other"]])
    return train_grouping(mixed, grouping, TrainingOptions(epochs=3, width=8))


def test_event_files_hold_every_point(result, tmp_path):
    runs = write_tensorboard(result, tmp_path)
    assert [run.name for run in runs] == ["group_1-seed_0", "group_2-seed_0"]
    told = 0
    for group, run in enumerate(runs):
        events = EventAccumulator(str(run)).Reload()
        own = result.history[result.history["group"] == group]
        for (metric, task, split), points in own.groupby(["metric", "task", "split"]):
            found = events.Scalars(f"{metric}/{task} ({split})")
            assert [each.step for each in found] == points["step"].tolist()
            assert [each.value for each in found] == pytest.approx(points["value"].tolist())
            told += len(found)
        final = result.metrics[result.metrics["group"] == group]
        for row in final.itertuples():
            (point,) = events.Scalars(f"final/{row.task} {row.metric} ({row.split})")
            assert point.value == pytest.approx(row.value)
            assert point.step == result.networks[group].best_step
    assert told == len(result.history)


class FakeMLflow(ModuleType):
    """Keeps what it is told; refuses names that MLflow refuses."""

    def __init__(self):
        super().__init__("mlflow")
        self.told = {"runs": [], "params": [], "metrics": []}

    def set_tracking_uri(self, uri):
        self.told["uri"] = uri

    def set_experiment(self, name):
        self.told["experiment"] = name

    @contextmanager
    def start_run(self, run_name):
        self.told["runs"].append(run_name)
        yield SimpleNamespace(info=SimpleNamespace(run_id=str(len(self.told["runs"]))))

    def log_params(self, values):
        self.told["params"].append(values)

    def log_metrics(self, values, step):
        for name, value in values.items():
            if not all(c.isascii() and (c.isalnum() or c in "_-. :/") for c in name):
                raise ValueError(f"Invalid metric name: {name!r}")
            assert math.isfinite(value)
            self.told["metrics"].append((len(self.told["runs"]), name, step, value))


def test_mlflow_is_told_settings_and_curves(result, monkeypatch):
    fake = FakeMLflow()
    monkeypatch.setitem(sys.modules, "mlflow", fake)
    monkeypatch.setattr("taskviz.training.export.find_spec", lambda name: object())
    assert log_mlflow(result, "runs", "mine") == ["1", "2"]
    assert fake.told["uri"] == "runs"
    assert fake.told["experiment"] == "mine"
    assert fake.told["params"][1]["tasks"] == "yes, tags, other"
    assert fake.told["params"][0]["epochs"] == 3
    curves = [each for each in fake.told["metrics"] if not each[1].startswith("final/")]
    assert len(curves) == len(result.history)
    row = result.history.iloc[0]
    assert (1, f"{row.split}/{row.metric}/{row.task}", row.step, row.value) in curves

    def refuse(*_, **__):
        raise ConnectionError("no such host")

    monkeypatch.setattr(fake, "set_experiment", refuse)
    with pytest.raises(TaskvizError, match="no such host"):
        log_mlflow(result, "http://nowhere")


@pytest.mark.parametrize("address", ["folder", "file address"])
def test_a_real_mlflow_keeps_settings_and_curves(result, tmp_path, monkeypatch, address):
    mlflow = pytest.importorskip("mlflow")
    for name in ("MLFLOW_ALLOW_FILE_STORE", "MLFLOW_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    folder = tmp_path / "runs"
    uri = str(folder) if address == "folder" else folder.as_uri()
    runs = log_mlflow(result, uri, "mine")
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    client = mlflow.MlflowClient(uri)
    assert len(runs) == 2
    for group, run in enumerate(runs):
        found = client.get_run(run)
        assert found.info.status == "FINISHED"
        assert found.data.params["tasks"] == ", ".join(result.grouping.groups[group])
        assert found.data.params["epochs"] == "3"
        own = result.history[result.history["group"] == group]
        for (split, metric, task), points in own.groupby(["split", "metric", "task"]):
            told = client.get_metric_history(run, f"{split}/{metric}/{task}")
            assert [(each.step, each.value) for each in told] == list(
                zip(points["step"], points["value"], strict=True)
            )
        final = result.metrics[result.metrics["group"] == group]
        for row in final.itertuples():
            key = f"final/{row.split}/{row.metric}/{row.task}"
            assert found.data.metrics[key] == row.value
    with pytest.raises(TaskvizError, match="did not take the metrics"):
        log_mlflow(result, "no-such-scheme://nowhere")


def test_a_missing_package_is_told(result, tmp_path, monkeypatch):
    monkeypatch.setattr("taskviz.training.export.find_spec", lambda name: None)
    for call, package in (
        (lambda: write_tensorboard(result, tmp_path / "x"), "tensorboard"),
        (lambda: log_mlflow(result, "x"), "mlflow"),
    ):
        with pytest.raises(TaskvizError, match=f"package {package}, which is not installed"):
            call()
    assert not (tmp_path / "x").exists()
