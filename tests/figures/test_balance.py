"""Counts of a task's target."""

import numpy as np
import pytest

from taskviz.figures.balance import balance_bars, describe_balance, target_counts
from taskviz.values import Task, TaskCollection, TaskvizError


@pytest.fixture
def collection() -> TaskCollection:
    nan = float("nan")
    tasks = [
        Task("flag", "binary", ("no", "yes")),
        Task("kind", "multiclass", ("<b>a</b>", "b", "c")),
        Task("tags", "multilabel", ("x", "y")),
        Task("size", "regression"),
        Task("empty", "regression"),
    ]
    targets = {
        "flag": np.array([0, 1, 1, nan, 1, 0]),
        "kind": np.array([0, 0, 2, 0, 2, 1]),
        "tags": np.array([[1, 0], [1, 1], [nan, 1], [0, 0], [1, nan], [0, 1]]),
        "size": np.array([0.0, 1, 2, 3, nan, 10]),
        "empty": np.full(6, nan),
    }
    split = np.array([0, 0, 0, 1, 1, 2])
    return TaskCollection.from_arrays("c", np.zeros((6, 2)), targets, tasks, split)


def test_counts(collection: TaskCollection) -> None:
    assert target_counts(collection, "flag").to_numpy().tolist() == [["no", 2], ["yes", 3]]
    assert list(target_counts(collection, "kind")["samples"]) == [3, 1, 2]
    assert list(target_counts(collection, "tags")["samples"]) == [3, 3]
    sizes = target_counts(collection, "size", bins=5)
    assert list(sizes["samples"]) == [2, 2, 0, 0, 1]
    assert sizes["value"][0] == "0 to 2.00"
    assert len(target_counts(collection, "empty")) == 0


@pytest.mark.parametrize("task", ["flag", "kind", "tags", "size"])
def test_bars_are_the_counts(collection: TaskCollection, task: str) -> None:
    bars = balance_bars(collection, task).data[0]
    assert list(bars.y) == list(target_counts(collection, task)["samples"])


def test_words(collection: TaskCollection) -> None:
    assert describe_balance(collection, "flag") == (
        "flag: most frequent class yes with 60% of 5 labelled samples; 16.7% missing."
    )
    assert describe_balance(collection, "size") == (
        "size: values from 0 to 10.0, mean 3.20; 16.7% missing."
    )
    assert describe_balance(collection, "empty") == "empty: no label is known."
    assert balance_bars(collection, "empty").layout.annotations[0].text == "no label is known"
    assert "<b>" not in balance_bars(collection, "kind").data[0].hovertext[0]
    with pytest.raises(TaskvizError, match="other"):
        target_counts(collection, "other")
