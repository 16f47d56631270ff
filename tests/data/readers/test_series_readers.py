"""Readers of time series on files of the real layouts, and on broken ones."""

import pickle

import numpy as np
import pytest
from data.readers import layouts

from taskviz.data.readers.mimic3_channels import CHANNELS, WIDTH, encode_stay
from taskviz.data.readers.ts_file import read_ts
from taskviz.data.reference import open_collection
from taskviz.values import TaskvizError


def test_ts_agrees_with_aeon(tmp_path):
    from aeon.datasets import load_from_ts_file

    root = layouts.ts(tmp_path)
    ours = read_ts(root / "Walk_TRAIN.ts")
    theirs, labels = load_from_ts_file(str(root / "Walk_TRAIN.ts"))
    assert list(ours.labels) == [str(label) for label in labels]
    for own, other in zip(ours.values, theirs, strict=True):
        length = other.shape[1]
        assert np.allclose(own[:, :length], other)
        assert np.isnan(own[:, length:]).all()


def test_ts_folder_as_joint_collection(tmp_path, cache):
    root = layouts.ts(tmp_path / "walk", classes=("a", "b", "c"))
    collection = open_collection(str(root), cache)
    assert collection.names == ("a", "b", "c")
    block = collection.samples[0]
    assert block.inputs.shape[:2] == (24, 2)
    assert list(block.indices("test")) == list(range(12, 24))


def test_ts_problems_as_separate_collection(tmp_path, cache):
    layouts.ts(tmp_path / "ts", "One", channels=1)
    layouts.ts(tmp_path / "ts", "Two", channels=3, classes=("x", "y", "z"))
    collection = open_collection(str(tmp_path / "ts"), cache)
    assert collection.layout == "separate"
    assert collection.names == ("One", "Two")
    assert [t.kind for t in collection.tasks] == ["binary", "multiclass"]
    assert [s.inputs.shape[1] for s in collection.samples] == [1, 3]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.replace("@data\n", ""), "data stand before the line @data"),
        (lambda t: t.split("@data")[0], "has no line @data"),
        (lambda t: t.split("@data")[0] + "@data\n", "has no series after @data"),
        (lambda t: t.replace(":a\n", ":q\n", 1), "line 10: 'q' is none of the classes"),
        (lambda t: t.replace(":a\n", "\n", 1), "line 10: '.*' is none of the classes"),
        (lambda t: t.rstrip().rsplit(":", 2)[0] + ":b\n", "has 1 channels but 2 are expected"),
        (lambda t: t + "1,2:3:a\n", "channels of one series differ in length"),
        (lambda t: t + "1,2:3,inf:a\n", "a value is infinite"),
        (lambda t: t + "1,x2:3,4:a\n", "'x2' is not a number"),
        (lambda t: t.replace("@timeStamps false", "@timeStamps true"), "has time stamps"),
        (lambda t: t.replace("true a b", "maybe a b"), "@classlabel is 'maybe'"),
        (lambda t: t.replace("true a b", "true a"), "lists 1 classes"),
    ],
)
def test_broken_ts(tmp_path, change, words):
    path = layouts.ts(tmp_path) / "Walk_TRAIN.ts"
    path.write_text(change(path.read_text()))
    with pytest.raises(TaskvizError, match=words):
        read_ts(path)


def test_ts_with_missing_values_and_a_number_to_predict(tmp_path):
    path = tmp_path / "r.ts"
    path.write_text(
        "@problemName r\n@univariate true\n@targetLabel true\n@data\n1,?,NaN:2.5\n1,2,3:?\n"
    )
    found = read_ts(path)
    assert np.isnan(found.values[0, 0]).tolist() == [False, True, True]
    assert found.labels == ("2.5", "")


def test_unequal_length_where_equal_is_promised(tmp_path):
    path = tmp_path / "e.ts"
    head = "@univariate true\n@equalLength true\n@seriesLength 3\n@classLabel true a b\n@data\n"
    path.write_text(head + "1,2,3:a\n1,2:b\n")
    with pytest.raises(TaskvizError, match="line 7: the series has 2 values but 3"):
        read_ts(path)


def reference_stay(path, end):
    """The benchmark's rules, slot by slot, in the plainest way."""
    lines = path.read_text().splitlines()
    steps = int(np.ceil(end))
    slots = [{} for _ in range(steps)]
    for line in lines[1:]:
        hour, *cells = line.split(",")
        if float(hour) <= end:
            place = min(int(float(hour)), steps - 1)
            slots[place] |= {c: v for c, v in zip(CHANNELS, cells, strict=True) if v}
    return slots


@pytest.mark.parametrize("task", ["in-hospital-mortality", "decompensation", "phenotyping"])
def test_mimic3(tmp_path, cache, task):
    from taskviz.data import open_path

    root = layouts.mimic3(tmp_path / task, task)
    found = open_path(root, cache, thorough=True)
    if task == "phenotyping":
        collection = open_collection(str(root), cache)
        assert len(collection.tasks) == 25
        inputs = collection.samples[0].inputs
        assert len(inputs) == 32
        assert len(collection.samples[0].indices("test")) == 16
    else:
        # One task alone is no collection of tasks, and that is all that is wrong.
        assert [p.message for p in found.findings.errors] == [
            f"{task} has 1 task: at least 2 are needed, so name more targets or put several data "
            "sets into a separate collection."
        ]


def test_mimic3_three_tasks_together(tmp_path, cache):
    tasks = ("decompensation", "in-hospital-mortality", "phenotyping")
    for task in tasks:
        layouts.mimic3(tmp_path / "mimic" / task, task)
    collection = open_collection(str(tmp_path / "mimic"), cache)
    assert (collection.layout, collection.modality) == ("separate", "series")
    assert collection.names == tasks
    assert [t.kind for t in collection.tasks] == ["binary", "binary", "multilabel"]
    assert [t.width for t in collection.tasks] == [1, 1, 25]
    assert [s.inputs.shape[:2] for s in collection.samples] == [(64, 76), (32, 76), (32, 76)]
    assert collection.samples[1].inputs.shape[2] == 48
    short = collection.samples[0].inputs[[0]][0]
    lengths = (~np.isnan(short)).all(axis=0).sum()
    assert np.isnan(short[:, lengths:]).all()
    again = pickle.loads(pickle.dumps(collection.samples[0].inputs))
    assert np.array_equal(again[[0]], collection.samples[0].inputs[[0]], equal_nan=True)


def test_a_stay_by_the_rules_of_the_benchmark(tmp_path):
    from taskviz.data.readers.mimic3 import read_stay

    root = layouts.mimic3(tmp_path, "in-hospital-mortality", n=3)
    path = root / "train" / "1_episode1_timeseries.csv"
    values = encode_stay(*read_stay(path, path.name), 48.0)
    assert values.shape == (WIDTH, 48) == (76, 48)
    slots = reference_stay(path, 48.0)
    glucose = 2 + 1 + 1 + 8 + 12 + 13 + 12
    last = 128.0
    for hour, slot in enumerate(slots):
        last = float(slot.get("Glucose", last))
        assert values[glucose, hour] == pytest.approx(last)
        mask = values[59 + CHANNELS.index("Glucose"), hour]
        assert mask == float("Glucose" in slot)
        assert values[2 + 1 + 1 : 2 + 1 + 1 + 8, hour].sum() == 1
    # The weight was never measured: the normal value stands.
    weight = 59 - 2
    assert (values[weight] == 81.0).all()


def test_what_comes_later_is_not_seen(tmp_path):
    rows = [["", *[""] * 16] for _ in range(2)]
    rows[0][7], rows[1][7] = "100", "999"
    values = encode_stay(np.array([0.5, 3.5]), rows, 3.0)
    assert values.shape == (76, 3)
    assert 999 not in values


def test_broken_mimic3(tmp_path, errors):
    root = layouts.mimic3(tmp_path / "phenotyping", "phenotyping")
    stay = root / "train" / "2_episode1_timeseries.csv"
    whole = stay.read_text()
    listed = root / "train" / "listfile.csv"
    lists = listed.read_text()
    for change, words in (
        (whole.replace(",pH", "", 1), "has 16 channels"),
        (whole.replace(",Glucose", ",Sugar", 1), "or other names"),
        (whole + "x,1\n", "Row 8 of the stay train/2_"),
        (whole.replace(",97.0,", ",low,", 1), "'Oxygen saturation' of a stay holds 'low'"),
        (whole.replace("5 Oriented", "Asleep", 1), "'Asleep', which is none of its categories"),
    ):
        stay.write_text(change)
        assert any(words in e for e in errors(root)), (words, errors(root))
    stay.unlink()
    assert any(
        "2_episode1_timeseries.csv is in a list but its file is missing" in e for e in errors(root)
    )
    stay.write_text(whole)
    for change, words in (
        (lists.replace("0_episode1", "../../secret", 1), "is no name of a stay's file"),
        (lists.replace("stay,", "name,", 1), "has no column 'stay'"),
        (lists.replace(".5,", ".5,nan,", 1), "cannot be read as a list of stays"),
        (lists + "1_episode1_timeseries.csv,3.0" + ",x" * 25 + "\n", "'x'; a number is needed"),
    ):
        listed.write_text(change)
        assert any(words in e for e in errors(root)), (words, errors(root))


wfdb = pytest.importorskip("wfdb")


def test_wfdb_records(tmp_path, cache):
    root = layouts.wfdb_records(tmp_path / "ecg")
    collection = open_collection(str(root), cache)
    assert collection.names == ("kidney", "hypertension")
    inputs = collection.samples[0].inputs
    assert inputs.shape == (22, 2, 1000)
    record = wfdb.rdrecord(str(root / "p001"))
    assert np.allclose(inputs[[1]][0, :, :990], record.p_signal.T)
    assert np.isnan(inputs[[1]][0, :, 990:]).all()
    signal = root / "p001.dat"
    data = bytearray(signal.read_bytes())
    data[4] ^= 1
    signal.write_bytes(bytes(data))
    changed = open_collection(str(root), cache)
    assert changed.fingerprint != collection.fingerprint


def test_wfdb_spectrograms(tmp_path, cache):
    root = layouts.wfdb_records(tmp_path / "ecg")
    (root / "collection.toml").write_text("[options]\nspectrogram = true\nseconds = 6\n")
    collection = open_collection(str(root), cache)
    assert collection.modality == "series"
    inputs = collection.samples[0].inputs
    assert inputs.shape == (22, 2, 129, (750 - 256) // 128 + 1)
    signal = wfdb.rdrecord(str(root / "p003")).p_signal[128:384, 1]
    power = np.abs(np.fft.rfft(signal * np.hanning(256))) ** 2
    assert np.allclose(inputs[[3]][0, 1, :, 1], np.log1p(power), rtol=1e-4)


def test_broken_wfdb(tmp_path, errors, monkeypatch):
    root = layouts.wfdb_records(tmp_path / "ecg")
    head = root / "p002.hea"
    whole = head.read_text()
    head.write_text(whole.replace("p002.dat", "../p002.dat", 1))
    assert any("outside its folder" in e for e in errors(root))
    head.write_text(whole.replace(" 125 ", " 250 ", 1))
    assert any("p002 is sampled at 250 Hz but p000 at 125 Hz" in e for e in errors(root))
    head.write_text("")
    assert any("p002.hea is no header" in e for e in errors(root))
    head.unlink()
    assert any("There is no record p002" in e for e in errors(root))
    head.write_text(whole)
    (root / "p002.dat").write_bytes(b"\0" * 10)
    assert any("Record p002 cannot be read" in e for e in errors(root))
    (root / "labels.csv").unlink()
    assert any("has no labels.csv" in e for e in errors(root))


def test_without_wfdb_the_package_is_named(tmp_path, errors, monkeypatch):
    import sys

    root = layouts.wfdb_records(tmp_path / "ecg", n=20)
    monkeypatch.setitem(sys.modules, "wfdb", None)
    assert any("pip install wfdb" in e for e in errors(root))


def test_npz_of_series(tmp_path, cache):
    values = np.random.default_rng(0).normal(size=(30, 2, 12)).astype(np.float32)
    values[3, :, 7:] = np.nan
    path = tmp_path / "s.npz"
    np.savez(path, series=values, a=np.arange(30) % 2, b=np.linspace(0, 1, 30))
    collection = open_collection(str(path), cache)
    assert collection.modality == "series"
    assert np.array_equal(collection.samples[0].inputs, values, equal_nan=True)
