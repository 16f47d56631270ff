"""Exported networks: onnxruntime and torch.export agree with ``predict``."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from taskviz.training.export import export_networks, missing_packages, not_exportable
from taskviz.training.groups import train_grouping
from taskviz.training.options import TrainingOptions
from taskviz.values import Grouping, TaskvizError

onnxruntime = pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def trained(request):
    """Two groups that share a task; a feature with a large centre, a task with an odd name."""
    mixed = request.getfixturevalue("mixed")
    inputs = mixed.samples[0].inputs.copy()
    inputs[:, 1] = 1e7 + inputs[:, 1]
    tasks = tuple(
        replace(task, name="<b>/ a: 1") if task.name == "other" else task for task in mixed.tasks
    )
    block = replace(mixed.samples[0], inputs=inputs)
    named = replace(mixed, tasks=tasks, samples=(block,), feature_names=tuple("uvwxy"))
    grouping = Grouping.of([["class", "value"], ["yes", "tags", "<b>/ a: 1", "value"]])
    result = train_grouping(named, grouping, TrainingOptions(epochs=3, width=8))
    new = inputs[:17].copy()
    new[2, 3] = np.nan
    return result, new


def expected(result, group, inputs):
    """What this group's network says of each of its tasks."""
    alone = replace(result, serving=dict.fromkeys(result.networks[group].tasks, group))
    from taskviz.training import attach_predictor

    return attach_predictor(alone).predict(inputs)


def test_onnxruntime_agrees_on_raw_features(trained, tmp_path):
    result, inputs = trained
    paths = export_networks(result, tmp_path, "onnx")
    assert [path.name for path in paths] == ["group_1.onnx", "group_2.onnx", "export.json"]
    about = json.loads((tmp_path / "export.json").read_text())
    assert about["input"]["features"] == list("uvwxy")
    for group, entry in enumerate(about["networks"]):
        session = onnxruntime.InferenceSession(tmp_path / entry["file"])
        assert [node.name for node in session.get_inputs()] == ["inputs"]
        names = [node.name for node in session.get_outputs()]
        assert names == [output["name"] for output in entry["outputs"]]
        assert set(names) == set(result.networks[group].tasks)
        for rows in (inputs, inputs[:1]):
            wanted = expected(result, group, rows)
            for name, found in zip(names, session.run(None, {"inputs": rows}), strict=True):
                size = max(1.0, np.abs(wanted[name]).max())
                assert found.shape == wanted[name].shape
                assert np.abs(found - wanted[name]).max() <= 1e-5 * size, name
    served = [name for entry in about["networks"] for name in entry["serves"]]
    assert sorted(served) == sorted(result.serving)


def test_the_torch_program_agrees_too(trained, tmp_path):
    result, inputs = trained
    export_networks(result, tmp_path, "pt2")
    for group in range(2):
        program = torch.export.load(tmp_path / f"group_{group + 1}.pt2").module()
        found = program(torch.from_numpy(inputs))
        for name, wanted in expected(result, group, inputs).items():
            np.testing.assert_allclose(found[name].numpy(), wanted, rtol=1e-6, atol=1e-9)


def test_what_cannot_be_exported_is_told(trained, tmp_path, monkeypatch):
    result, _ = trained
    with pytest.raises(TaskvizError, match="Did you mean 'onnx'"):
        export_networks(result, tmp_path / "a", "onxn")
    graphs = replace(result, settings={**result.settings, "modality": "graph"})
    with pytest.raises(TaskvizError, match="a graph of any size"):
        export_networks(graphs, tmp_path / "a")
    series = replace(result, settings={**result.settings, "modality": "series"})
    assert "series is padded" in not_exportable(series)
    assert "separate" in not_exportable(replace(result, settings={"layout": "separate"}))
    monkeypatch.setattr("taskviz.training.export.find_spec", lambda name: None)
    assert missing_packages("onnx") == "onnx, onnxscript"
    assert missing_packages("pt2") == ""
    with pytest.raises(TaskvizError, match=r"package onnx, .* requirements-export\.txt"):
        export_networks(result, tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_a_network_prepared_otherwise_is_not_exported(trained, tmp_path, monkeypatch):
    from taskviz.training.export import ServedGroup

    result, _ = trained
    honest = ServedGroup.forward

    def forward(self, inputs):
        return {name: 1.001 * value for name, value in honest(self, inputs).items()}

    monkeypatch.setattr(ServedGroup, "forward", forward)
    with pytest.raises(TaskvizError, match="prepared in a way"):
        export_networks(result, tmp_path / "a", "pt2")
    assert not (tmp_path / "a").exists()
