"""``taskviz predict`` and ``export``: what was trained serves, in a process that has only files."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_absolute_error, roc_auc_score

import taskviz as tv
from taskviz.cli import main
from taskviz.jobs import JobStore
from taskviz.values import Grouping
from taskviz.verbs import stored_trainings

ROOT = Path(__file__).resolve().parent.parent
TARGETS = ["length", "ill", "grade"]


def table(rows=240, seed=0):
    """Numbers, levels, gaps; three targets of three kinds."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 3))
    colour = np.array(["red", "green", "blue"])[rng.integers(3, size=rows)]
    sex = np.array(["f", "m"])[rng.integers(2, size=rows)]
    score = x @ [1.0, -2.0, 0.5] + (colour == "red") + 0.3 * rng.normal(size=rows)
    frame = pd.DataFrame(
        {
            "a": x[:, 0].round(5),
            "b": x[:, 1].round(5),
            "c": (1e6 + 100 * x[:, 2]).round(3),
            "colour": colour,
            "sex": sex,
            "length": (40 + 5 * score).round(4),
            "ill": np.where(score + (sex == "f") > 0, "yes", "no"),
            "grade": np.array(["low", "=mid", "top"])[np.digitize(score, [-1, 1])],
        }
    )
    frame.loc[rng.random(rows) < 0.1, "a"] = np.nan
    frame.loc[rng.random(rows) < 0.1, "colour"] = None
    return frame


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folder of a saved result, and the collection it was trained on."""
    folder = tmp_path_factory.mktemp("served")
    path = folder / "mine.csv"
    table().to_csv(path, index=False)
    collection = tv.load_collection(str(path), targets=TARGETS)
    grouping = Grouping.of([["length", "grade"], ["ill"]])
    result = tv.train_groups(collection, grouping, epochs=6, width=16)
    return result.save(folder / "run"), collection


@pytest.fixture
def run(capsys):
    """Run a command here: exit status, stdout, stderr."""

    def call(*arguments):
        status = main([str(word) for word in arguments])
        out, err = capsys.readouterr()
        return status, out, err

    return call


def test_a_fresh_process_reproduces_the_test_metrics(trained, tmp_path):
    folder, collection = trained
    rows = collection.samples[0].indices("test")
    whole = table()
    # Columns in another order, one more that is no input; no target.
    given = whole.iloc[rows][["sex", "c", "colour", "b", "a"]].assign(remark="x")
    given.to_csv(tmp_path / "new.csv", index=False)
    found = subprocess.run(
        [sys.executable, "-m", "taskviz", "predict", folder, tmp_path / "new.csv"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=os.environ | {"TASKVIZ_CACHE": str(tmp_path / "an empty cache")},
    )
    assert "Column 'remark' is no input and was not used." in found.stderr
    missing = int(given["a"].isna().sum())
    assert f"Column 'a': {missing} cells are missing, taken as the training mean." in found.stderr
    frame = pd.read_csv(io.StringIO(found.stdout))
    assert frame["row"].tolist() == list(range(2, len(rows) + 2))
    truth = whole.iloc[rows]
    served = tv.load_result(folder).served("test").set_index(["task", "metric"])["value"]
    mae = mean_absolute_error(truth["length"], frame["length"])
    assert mae == pytest.approx(served["length", "mae"], rel=1e-6)
    auroc = roc_auc_score(truth["ill"] == "yes", frame["p(ill=yes)"])
    assert auroc == pytest.approx(served["ill", "auroc"])
    assert (truth["ill"].to_numpy() != frame["ill"]).mean() == pytest.approx(served["ill", "error"])
    # A class that looks like a formula comes out as text.
    assert not any(str(cell).startswith("=") for cell in frame["grade"])
    classes = frame["grade"].str.removeprefix("'")
    assert (truth["grade"].to_numpy() != classes).mean() == pytest.approx(served["grade", "error"])


def test_python_takes_the_same_table(trained, run, tmp_path):
    folder, _ = trained
    frame = table(9, seed=4).drop(columns=TARGETS)
    frame.to_csv(tmp_path / "new.csv", index=False)
    said = pd.read_csv(io.StringIO(run("predict", folder, tmp_path / "new.csv")[1]))
    found = tv.load_result(folder).predict(frame[["sex", "colour", "c", "b", "a"]])
    np.testing.assert_allclose(found["length"], said["length"], rtol=1e-12)
    np.testing.assert_allclose(found["ill"], said["p(ill=yes)"], rtol=1e-12)


def test_json_and_a_file(trained, run, tmp_path):
    folder, _ = trained
    table(5).to_csv(tmp_path / "new.csv", index=False)
    status, out, _ = run("predict", folder, tmp_path / "new.csv", "--json")
    assert status == 0
    said = json.loads(out)
    assert said["rows"] == [2, 3, 4, 5, 6]
    assert set(said["tasks"]["grade"]["prediction"]) <= {"low", "=mid", "top"}
    np.testing.assert_allclose(np.sum(said["tasks"]["grade"]["probability"], axis=1), 1)
    assert any("3 columns are no input" in note for note in said["notes"])
    status, out, _ = run("predict", folder, tmp_path / "new.csv", "--out", tmp_path / "p.csv")
    assert status == 0
    assert "5 rows of 3 tasks" in out
    assert len(pd.read_csv(tmp_path / "p.csv")) == 5


def test_unknown_levels_are_missing_and_told(trained, run, tmp_path):
    folder, _ = trained
    one = table(6).drop(columns=TARGETS)
    one["colour"] = ["red", "mauve", "teal", None, "blue", "green"]
    one.to_csv(tmp_path / "new.csv", index=False)
    status, strange, err = run("predict", folder, tmp_path / "new.csv")
    assert status == 0
    assert "Column 'colour': 2 cells hold levels that training did not meet (row 3: 'mauve')" in err
    one.loc[[1, 2], "colour"] = None
    one.to_csv(tmp_path / "new.csv", index=False)
    assert run("predict", folder, tmp_path / "new.csv")[1] == strange


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="b"), "lacks column 'b', which the networks were trained on"),
        (lambda t: t.drop(columns=["a", "sex"]), "lacks 2 columns: 'a', 'sex'"),
        (lambda t: t.assign(b=["1", "2", "many"]), "column 'b', row 4: text ('many') stands where"),
        (lambda t: t.assign(b=[1, np.inf, 2]), "column 'b', row 3: an infinite value"),
        (lambda t: t.assign(b=[1, 2, 1e300]), "new.csv, row 4: no finite value of 'length' can"),
        (lambda t: t.assign(b=[1, 2, 1e300]), "because feature 'b' is 1e+300"),
        (lambda t: t.iloc[:0], "no data rows"),
    ],
)
def test_bad_tables_are_one_sentence(trained, run, tmp_path, change, message):
    folder, _ = trained
    change(table(3).drop(columns=TARGETS)).to_csv(tmp_path / "new.csv", index=False)
    status, out, err = run("predict", folder, tmp_path / "new.csv", "--out", tmp_path / "p.csv")
    assert status == 2
    assert message in err
    assert len(err.splitlines()) == 1
    assert out == ""
    assert not (tmp_path / "p.csv").exists()


def test_runs_by_key_and_by_job(run, tmp_path, monkeypatch):
    monkeypatch.setenv("TASKVIZ_CACHE", str(tmp_path / "cache"))
    collection = tv.load_collection("linnerud")
    names = list(collection.feature_names)
    pd.DataFrame(collection.samples[0].inputs, columns=names)[names[::-1]].to_csv(
        tmp_path / "all.csv", index=False
    )
    alone = Grouping.of([[name] for name in collection.names])
    groups = {"chosen": Grouping.of([collection.names]), "alone": alone}
    results = tv.compare_groupings(collection, groups, epochs=2)
    keys = {len(stored.grouping.groups): stored.key for stored in stored_trainings(collection)}
    store = JobStore()
    spec = {"collection": {"reference": "linnerud"}}
    job = store.add("training", spec, "x", "cpu")
    bare = store.add("training", spec, "y", "cpu")
    store.finish(
        job.id, job.attempt, "done", result={"results": {"chosen": keys[1], "alone": keys[3]}}
    )
    data = tmp_path / "all.csv"
    for name, more, label in (
        (keys[1], (), "chosen"),
        (keys[3][:12], (), "alone"),
        (job.id, (), "chosen"),
        (job.id, ("--contender", "alone"), "alone"),
    ):
        status, out, err = run("predict", name, data, *more)
        assert status == 0, err
        want = results[label].predict(collection.samples[0].inputs)
        got = pd.read_csv(io.StringIO(out))
        for task in collection.names:
            np.testing.assert_allclose(got[task], want[task], rtol=1e-12)
    for name, message in (
        ("nothing", "There is no trained result 'nothing'"),
        ("0" * 64, "No training result is stored"),
        (bare.id, f"Job {bare.id} is queued and has no trained result"),
        (str(tmp_path), "no file"),
    ):
        status, _, err = run("predict", name, data)
        assert status == 2
        assert message in err
    assert "has no result 'x'" in run("predict", job.id, data, "--contender", "x")[2]


def test_a_contender_of_a_folder(run, tmp_path, monkeypatch):
    monkeypatch.setenv("TASKVIZ_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "out"
    Grouping.of([["Weight", "Waist"], ["Pulse"]]).save(tmp_path / "g.json")
    words = ("--grouping", tmp_path / "g.json", "--baselines", "--random-draws", 1)
    words += ("--seeds", 2, "--epochs", 2, "--width", 4)
    status, _, err = run("train", "linnerud", *words, "--out", folder)
    assert status == 0, err
    collection = tv.load_collection("linnerud")
    inputs, names = collection.samples[0].inputs, list(collection.feature_names)
    pd.DataFrame(inputs, columns=names).to_csv(tmp_path / "all.csv", index=False)
    for contender, own in (
        ("", folder),
        ("chosen", folder),
        ("all-together", folder / "all-together"),
        ("random 1", folder / "random-1"),
        ("random-1", folder / "random-1"),
    ):
        status, out, err = run("predict", folder, tmp_path / "all.csv", "--contender", contender)
        assert status == 0, err
        want = tv.load_result(own).predict(inputs)
        got = pd.read_csv(io.StringIO(out))
        for task in collection.names:
            np.testing.assert_allclose(got[task], want[task], rtol=1e-12)
    assert tv.load_result(folder).settings["label"] == "chosen"
    told = "has no contender '../x': it has 'chosen', 'all-separate', 'all-together', 'random-1'."
    key = stored_trainings(collection)[0].key
    for words, message in (
        (("predict", folder, tmp_path / "all.csv", "--contender", "../x"), told),
        (("export", folder, "--out", tmp_path / "x", "--contender", "../x"), told),
        (("predict", key, tmp_path / "all.csv", "--contender", "foo"), "no contender 'foo'"),
        (("predict", key[:9], tmp_path / "all.csv", "--contender", "foo"), "no contender 'foo'"),
    ):
        status, out, err = run(*words)
        assert (status, out) == (2, "")
        assert message in err


def test_mlflow_is_told_in_one_line(trained, run, tmp_path, monkeypatch):
    pytest.importorskip("mlflow")
    for name in ("ALLOW_FILE_STORE", "DISABLE_TELEMETRY", "SUPPRESS_PRINTING_URL_TO_STDOUT"):
        monkeypatch.setenv(f"MLFLOW_{name}", "")
        monkeypatch.delenv(f"MLFLOW_{name}")
    # Its log goes to the stderr of the process: a process of its own shows what a user sees.
    words = ("export", trained[0], "--format", "mlflow", "--out", tmp_path / "runs")
    done = subprocess.run(
        [sys.executable, "-m", "taskviz", *words],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stdout.startswith(f"2 MLflow runs of experiment 'taskviz' written to {tmp_path}")
    assert done.stdout.count("\n") == 1
    assert "INFO" not in done.stderr


@pytest.mark.parametrize("form", ["onnx", "pt2", "safetensors", "tensorboard", "card"])
def test_every_export_format(trained, run, tmp_path, form):
    folder, _ = trained
    status, out, err = run("export", folder, "--format", form, "--out", tmp_path / "x", "--json")
    assert status == 0, err
    written = [Path(path) for path in json.loads(out)["written"]]
    assert written
    assert all(path.exists() for path in written)
    if form == "card":
        card = written[0].read_text()
        assert "## Intended use" in card
        assert "--targets length,ill,grade" in card
        assert "| grade | multiclass | =mid, low, top |" in card
    if form == "safetensors":
        assert tv.load_result(written[0]).serving == tv.load_result(folder).serving


def test_exports_that_cannot_be_made_are_one_sentence(trained, run, tmp_path):
    folder, _ = trained
    (tmp_path / "file").write_text("")
    for words, message in (
        (("--format", "onxx"), "Did you mean 'onnx'"),
        (("--format", "card", "--out", tmp_path / "file"), "Cannot write to"),
        (("--format", "tensorboard", "--out", tmp_path / "file" / "x"), "Cannot write to"),
    ):
        status, out, err = run("export", folder, "--out", tmp_path / "x", *words)
        assert status == 2
        assert out == ""
        assert message in err
        assert len(err.splitlines()) == 1
