"""Every layout from its files to predictions of trained groups."""

import numpy as np
import pytest
from data.readers import layouts

import taskviz as tv


def image_sets(root):
    layouts.cifar10(root / "cifar")
    layouts.svhn(root / "svhn")
    layouts.class_folders(root / "tissue")
    return root


def stays(root):
    for task in ("decompensation", "in-hospital-mortality", "phenotyping"):
        layouts.mimic3(root / task, task)
    return root


def series(root):
    layouts.ts(root, "One", channels=1)
    layouts.ts(root, "Two", channels=3, classes=("x", "y", "z"))
    return root


def spectrograms(root):
    layouts.wfdb_records(root)
    (root / "collection.toml").write_text("[options]\nspectrogram = true\n")
    return root


@pytest.mark.parametrize(
    "make",
    [
        layouts.celeba,
        layouts.class_folders,
        layouts.stl10,
        image_sets,
        series,
        stays,
        spectrograms,
        lambda root: layouts.smiles(root / "m.csv").parent,
        layouts.qm9,
        layouts.nodes,
        layouts.communities,
    ],
)
def test_from_files_to_predictions(tmp_path, monkeypatch, make):
    monkeypatch.setenv("TASKVIZ_CACHE", str(tmp_path / "cache"))
    collection = tv.load_collection(str(make(tmp_path / "data")))
    collection = collection.select(2)
    affinity = tv.compute_affinity(collection, method="sca", seed=0, n=2)
    assert np.isfinite(affinity.values[~np.eye(2, dtype=bool)]).all()
    plan = tv.group_tasks(affinity, method="all-together", budget=1)
    result = tv.train_groups(collection, plan, epochs=1)
    assert np.isfinite(result.served("test").query("metric == 'loss'")["value"]).all()
    blocks = {task: collection.samples_of(i).inputs[:3] for i, task in enumerate(collection.names)}
    joint = collection.layout == "joint"
    told = result.predict(next(iter(blocks.values())) if joint else blocks)
    assert all(len(values) == 3 and np.isfinite(values).all() for values in told.values())
