"""Descriptions against counts by hand."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from taskviz.data.builtin import load_built_in
from taskviz.data.summary import (
    DEFAULT_METRIC,
    DESCRIPTION_COLUMNS,
    class_counts,
    describe_tasks,
    preview,
)
from taskviz.values import HIGHER_IS_BETTER, Samples, Task, TaskCollection


@pytest.fixture
def mixed():
    tasks = (
        Task("r", "regression"),
        Task("b", "binary", ("no", "yes")),
        Task("m", "multiclass", ("x", "y", "z")),
        Task("l", "multilabel", ("p", "q")),
    )
    nan = np.nan
    targets = {
        "r": np.array([1.0, 2.0, 6.0, nan]),
        "b": np.array([0, 1, 0, 0.0]),
        "m": np.array([0, nan, 2, 2.0]),
        "l": np.array([[1, 0], [1, 1], [nan, 0], [1, 0]]),
    }
    split = np.array([0, 0, 1, 2])
    inputs = np.arange(8.0).reshape(4, 2)
    return TaskCollection.from_arrays(
        "mixed", inputs, targets, tasks, split, feature_names=("r", "f2")
    )


def test_describe(mixed):
    table = describe_tasks(mixed).set_index("task")
    assert tuple(describe_tasks(mixed).columns) == DESCRIPTION_COLUMNS
    assert table.loc["r", ["known", "missing_share", "minimum", "mean", "maximum"]].tolist() == (
        [3, 0.25, 1.0, 3.0, 6.0]
    )
    assert table.loc["b", "classes"] == "no 3 · yes 1"
    assert table["smallest_class_share"].tolist()[1:] == [0.25, 0.0, pytest.approx(0.0)]
    assert table.loc["m", "classes"] == "x 1 · y 0 · z 2"
    assert table.loc["l", "classes"] == "p 3 · q 1"
    assert table.loc["l", "missing_share"] == 1 / 8
    assert set(table["metric"]) <= set(HIGHER_IS_BETTER)
    assert np.isnan(table.loc["b", "mean"])
    assert class_counts(mixed.tasks[0], mixed.target_of(0)) == {}


def test_describe_yeast():
    table = describe_tasks(load_built_in("yeast"))
    assert len(table) == 14
    assert table["classes"][0] == "no 1655 · yes 762"
    assert table["smallest_class_share"][0] == pytest.approx(762 / 2417)


def test_the_metric_is_the_one_that_training_shows():
    from taskviz.training.metrics import PRIMARY

    assert DEFAULT_METRIC == PRIMARY


def test_task_without_labels():
    tasks = (Task("b", "binary", ("n", "y")), Task("r", "regression"))
    empty = {"b": np.full(5, np.nan), "r": np.full(5, np.nan)}
    collection = TaskCollection.from_arrays("e", np.zeros((5, 1)), empty, tasks, np.zeros(5))
    table = describe_tasks(collection)
    assert table["missing_share"].tolist() == [1.0, 1.0]
    assert table["smallest_class_share"].isna().all()


def test_preview(mixed):
    shown = preview(mixed, rows=3)
    assert list(shown.columns) == ["r", "b", "m", "l", "r (input)", "f2"]
    assert shown["b"].tolist() == ["no", "yes", "no"]
    assert shown["m"].isna().tolist() == [False, True, False]
    assert shown["l"].tolist() == ["p", "p q", ""]
    assert shown.index.tolist() == [1, 2, 3]
    assert len(preview(mixed)) == 4
    assert list(preview(mixed, columns=1).columns)[4:] == ["r (input)"]


def test_preview_of_frames_and_other_layouts(mixed):
    frame = pd.DataFrame({"a": range(30)}, index=pd.RangeIndex(2, 32, name="row"))
    assert preview(frame).index.tolist() == list(range(2, 12))
    tasks = (Task("a", "regression"), Task("b", "regression"))
    blocks = tuple(
        Samples(np.zeros((n, 2)), (np.full((n, 1), float(n)),), np.zeros(n, dtype=np.int8))
        for n in (3, 12)
    )
    separate = preview(TaskCollection("s", tasks, blocks, "separate"))
    assert separate["task"].tolist() == ["a"] * 3 + ["b"] * 10
    image = TaskCollection.from_arrays(
        "i", np.zeros((4, 8, 8)), {"a": np.arange(4)}, tasks[:1], np.zeros(4), modality="image"
    )
    assert list(preview(image).columns) == ["a"]


def test_names_of_the_package_are_lazy_and_complete():
    code = (
        "import sys, taskviz.data as d; d.BUILT_INS; d.CollectionRef;"
        "assert not {'torch', 'pandas', 'sklearn', 'pyarrow'} & set(sys.modules), sys.modules;"
        "[getattr(d, name) for name in d.__all__]; assert dir(d) == sorted(d.__all__)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
